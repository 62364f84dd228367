import { describe, expect, it } from 'vitest';
import { createLog, describeError } from '../../lib/log.ts';

describe('the log', () => {
  it('writes one JSON object a line', () => {
    const lines: string[] = [];
    createLog(
      'info',
      (line) => void lines.push(line),
      () => 0,
    )('warn', 'something', { id: 'x', message: 'not mine' });
    expect(lines).toHaveLength(1);
    expect(lines[0]?.endsWith('\n')).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      timestamp: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      message: 'something',
      id: 'x',
    });
  });

  it('leaves out what is below its threshold', () => {
    const lines: string[] = [];
    const log = createLog('warn', (line) => void lines.push(line));
    log('info', 'quiet');
    log('error', 'loud');
    expect(lines).toHaveLength(1);
  });

  it('describes anything thrown', () => {
    expect(describeError(new TypeError('x'))).toEqual({ name: 'TypeError', message: 'x' });
    expect(describeError('text')).toEqual({ name: 'string', message: 'text' });
  });
});
