import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillHost, fillPath, joinUrl } from '../../../lib/providers/address.ts';

const missing = (name: string): Error => new Error(`missing ${name}`);

describe('joining base and path', () => {
  it('keeps the query of both', () => {
    expect(joinUrl('https://h.example/v1?tenant=a', '/models/m:stream?alt=sse')).toBe(
      'https://h.example/v1/models/m:stream?tenant=a&alt=sse',
    );
  });
});

describe('filling in a template', () => {
  it('puts accounts and regions into hosts', () => {
    expect(fillHost('https://x.{a}.example', { a: 'eu-1' }, missing)).toBe('https://x.eu-1.example');
    expect(() => fillHost('https://x.{a}.example', {}, missing)).toThrow('missing a');
  });

  it('never lets a value lead to another host', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (value) => {
        let filled: string;
        try {
          filled = fillHost('https://{a}.cloud.example', { a: value }, missing);
        } catch {
          return;
        }
        const url = URL.parse(filled);
        expect(url === null || url.hostname.endsWith('.cloud.example')).toBe(true);
        expect(url === null || (url.username === '' && url.pathname === '/')).toBe(true);
      }),
    );
  });

  it('keeps each value one segment of a path', () => {
    expect(fillPath('/m/{a}/x', { a: 'b/../c?d' }, missing)).toBe('/m/b%2F..%2Fc%3Fd/x');
    for (const value of ['', '.', '..']) expect(() => fillPath('/m/{a}/x', { a: value }, missing)).toThrow('missing a');
    expect(() => fillPath('/m/{b}', {}, missing)).toThrow('missing b');
  });
});
