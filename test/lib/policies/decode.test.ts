import { describe, expect, it } from 'vitest';
import { decode, parseBody } from '../../../lib/policies/decode.ts';
import { anExchange, aReply, aRequest } from '../../support/exchange.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a request body', () => {
  it('is parsed when it is a JSON object', () => {
    expect(parseBody(bytes('{"model":"m"}'))).toEqual({ model: 'm' });
  });

  it.each([
    ['empty', new Uint8Array(), 'empty'],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'UTF-8'],
    ['not JSON', bytes('{"model":'), 'not valid JSON'],
    ['an array', bytes('[]'), 'an array'],
    ['null', bytes('null'), 'null'],
    ['a number', bytes('4'), 'number'],
  ])('is refused with 400 when it is %s', (_name, body, said) => {
    expect(() => parseBody(body)).toThrow(expect.objectContaining({ kind: 'invalid_request', status: 400 }));
    expect(() => parseBody(body)).toThrow(said);
  });
});

describe('a compressed request body', () => {
  it('is refused as one, not as broken JSON', () => {
    const parse = (coding: string) => parseBody(bytes('{}'), { 'content-encoding': coding });
    expect(() => parse('gzip')).toThrow(expect.objectContaining({ kind: 'unsupported_media', status: 415 }));
    expect(() => parse('gzip')).toThrow('content-encoding: gzip');
    for (const none of ['identity', 'Identity', '']) expect(parse(none)).toEqual({});
  });
});

describe('the decode policy', () => {
  it('sets body and request, without fields for the gateway', async () => {
    const decoded = { ...anExchange().generate, model: 'decoded' };
    const exchange = anExchange({ request: aRequest({ body: bytes('{"model":"m","tags":["x"],"fallbacks":["n"]}') }) });
    const heard: unknown[] = [];
    await decode(
      (_exchange, body) => heard.push(body),
      () => decoded,
    )(exchange, async () => aReply());
    expect(heard).toEqual([{ model: 'm', tags: ['x'], fallbacks: ['n'] }]);
    expect(exchange.body).toEqual({ model: 'm' });
    expect(exchange.removed).toEqual(['tags', 'fallbacks']);
    expect(exchange.warnings).toMatchObject([{ field: 'fallbacks' }]);
    expect(exchange.generate).toBe(decoded);
  });

  it('refuses a model whose name no model has: names are remembered and logged, and there is no end to them', async () => {
    const decodedAs = (model: string) => {
      const exchange = anExchange({ request: aRequest({ body: bytes('{}') }) });
      const policy = decode(
        () => undefined,
        () => ({ ...anExchange().generate, model }),
      );
      return policy(exchange, async () => aReply());
    };
    await expect(decodedAs('m'.repeat(2049))).rejects.toMatchObject({ kind: 'invalid_request', detail: { param: 'model' } });
    await expect(decodedAs('m'.repeat(2048))).resolves.toMatchObject({ status: 200 });
  });
});
