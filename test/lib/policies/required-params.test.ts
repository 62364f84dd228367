import { describe, expect, it } from 'vitest';
import { requireParams } from '../../../lib/policies/required-params.ts';
import { aKey, anExchange } from '../../support/exchange.ts';

const key = anExchange({ caller: { type: 'key', key: aKey({ enforcedParams: ['user', 'metadata.job'] }) } });

describe('required parameters', () => {
  it('let a body pass that has all of them', () => {
    expect(() => requireParams(key, { user: 'u', metadata: { job: 0 } })).not.toThrow();
  });

  it.each([
    [{ metadata: { job: 1 } }, 'user'],
    [{ user: null, metadata: { job: 1 } }, 'user'],
    [{ user: 'u' }, 'metadata.job'],
    [{ user: 'u', metadata: [] }, 'metadata.job'],
    [{ user: 'u', metadata: { 'metadata.job': 1 } }, 'metadata.job'],
  ])('refuse %j with 400, naming %s', (body, param) => {
    expect(() => requireParams(key, body)).toThrow(
      expect.objectContaining({ status: 400, detail: expect.objectContaining({ param }) }),
    );
  });

  it("bind the master key by the gateway's list alone", () => {
    expect(() => requireParams(anExchange({ caller: { type: 'master' } }), {})).not.toThrow();
    expect(() => requireParams(anExchange({ caller: { type: 'master' } }), {}, ['user'])).toThrow('param=user');
  });
});
