import { describe, expect, it } from 'vitest';
import { createCors } from '../../../lib/transport/cors.ts';

const PAGE = 'https://chat.example.com';
const ask = (origin: string, headers = 'authorization, content-type') => ({
  origin,
  'access-control-request-method': 'POST',
  'access-control-request-headers': headers,
});

describe('any origin', () => {
  const cors = createCors(['*']);

  it('may call, with the headers it asks for, and never with credentials', () => {
    expect(cors?.preflight('OPTIONS', ask(PAGE))).toEqual({
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-expose-headers': '*',
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'authorization, content-type',
        'access-control-max-age': '7200',
      },
      body: new Uint8Array(),
    });
  });

  it('is asked for by OPTIONS with a method alone', () => {
    expect(cors?.preflight('OPTIONS', { origin: PAGE })).toBeUndefined();
    expect(cors?.preflight('GET', ask(PAGE))).toBeUndefined();
    expect(cors?.shown({ a: 'b' }, undefined)).toEqual({ a: 'b' });
  });
});

describe('listed origins', () => {
  const cors = createCors([PAGE, 'app://notes']);

  it('may call, each by its name, so that caches keep them apart', () => {
    expect(cors?.preflight('OPTIONS', ask('app://notes'))?.headers).toMatchObject({
      'access-control-allow-origin': 'app://notes',
      vary: 'origin',
    });
    expect(cors?.shown({}, PAGE)).toMatchObject({ 'access-control-allow-origin': PAGE, vary: 'origin' });
  });

  it('leave what else an answer varies with', () => {
    expect(cors?.shown({ vary: 'accept-encoding' }, PAGE)).toMatchObject({ vary: 'accept-encoding, origin' });
  });

  it.each(['https://evil.example', 'https://chat.example.com.evil.example', 'http://chat.example.com', 'null'])(
    'do not include %s',
    (origin) => {
      expect(cors?.preflight('OPTIONS', ask(origin))).toBeUndefined();
      expect(cors?.shown({}, origin)).toEqual({});
    },
  );
});

it('does nothing where no origin may call', () => {
  expect(createCors([])).toBeUndefined();
});
