import { describe, expect, it } from 'vitest';
import { excerpt } from '../../../lib/dialects/excerpt.ts';

describe('what can be read of a body that is no JSON', () => {
  it.each([
    ['<html><head><title>502 Bad  Gateway</title></head><body>nginx</body></html>', '502 Bad Gateway'],
    ['<html><head><title> </title><style>a { }</style></head><body><p>Come\n again</p></body></html>', 'Come again'],
    ['<p>one<script>two()</script></p><header>three</header>', 'one three'],
    ['  plain words  ', 'plain words'],
    ['<br/>', undefined],
  ])('is the title of a page, or its words: %s', (text, words) => {
    expect(excerpt(text)).toBe(words);
  });

  it('is as long as asked for', () => {
    expect(excerpt('long text', 4)).toBe('long');
  });

  it.each(['<', '<title', '<script>'])('is found in a moment, however long the body is: %s', (unit) => {
    expect(excerpt(unit.repeat(256 * 1024) + '</title>')?.length ?? 0).toBeLessThanOrEqual(500);
  });
});
