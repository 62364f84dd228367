import { describe, expect, it } from 'vitest';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';
import { packProof } from '../../../../lib/dialects/proof.ts';
import { streamFixture } from './support.ts';

const { passthrough } = openaiResponses;
const target = {};

describe('a request that passes through', () => {
  it('needs nothing to report usage', () => {
    const body = { model: 'm', stream: true };
    expect(passthrough.askUsage(body)).toBe(body);
    expect(passthrough.hidesUsage(body)).toBe(false);
    expect(passthrough.isUsageFrame({ data: '{"usage":{}}' })).toBe(false);
  });

  it('loses reasoning of other providers', () => {
    const own = { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'opaque' };
    const ours = { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: packProof({ signature: 's' }) };
    const call = { type: 'reasoning', id: 'rs_3', summary: [], encrypted_content: packProof({ call: 'c', signature: 's' }) };
    const message = { role: 'user', content: 'Hi' };
    expect(passthrough.withoutForeignProofs({ input: [message, own, ours, call] }, target)).toEqual({ input: [message, own] });
  });

  it('gets back the reasoning of its own kind that we wrote anew', () => {
    const token = packProof({ data: 'opaque', details: [{ id: 'rs_1' }], origin: 'openai-responses' });
    const summary = [{ type: 'summary_text', text: 'Hm' }];
    const input = [{ type: 'reasoning', id: 'rs_ours', summary, encrypted_content: token }];
    expect(passthrough.withoutForeignProofs({ input }, target)).toEqual({
      input: [{ type: 'reasoning', id: 'rs_1', summary, encrypted_content: 'opaque' }],
    });
  });

  it.each([[{ input: 'Hi' }], [{ input: [{ type: 'reasoning', encrypted_content: 'x' }, 'odd'] }]])(
    'stays the same object when there is nothing to change: %j',
    (body) => {
      expect(passthrough.withoutForeignProofs(body, target)).toBe(body);
    },
  );

  it.each([
    [{ max_output_tokens: 100 }, 50],
    [{ max_output_tokens: 10 }, 10],
    [{}, 50],
  ])('is capped: %j', (body, sent) => {
    expect(passthrough.clampOutput(body, 50)).toEqual({ max_output_tokens: sent });
  });
});

describe('a stream that passes through', () => {
  const frames = streamFixture('refusal')
    .toString('utf8')
    .split('\n')
    .filter((line) => line.startsWith('data: '))
    .map((line) => line.slice('data: '.length));

  it('tells the cost in its last event only', () => {
    const edited = frames.map((data) => passthrough.withCost(data, () => 0.5));
    expect(edited.slice(0, -1).every((data) => data === undefined)).toBe(true);
    expect(JSON.parse(edited.at(-1) ?? '')).toMatchObject({
      type: 'response.completed',
      response: { id: 'resp_fixture', usage: { input_tokens: 120, cost: 0.5 } },
    });
  });

  it.each([
    ['an unknown price', frames.at(-1) ?? ''],
    ['no usage', '{"type":"response.completed","response":{"usage":null}}'],
    ['broken JSON', '{"type":"response.completed","usage"'],
    ['empty figures', '{"type":"response.completed","response":{"usage":{}}}'],
  ])('stays as it is with %s', (_, data) => {
    expect(passthrough.withCost(data, () => undefined)).toBeUndefined();
  });
});
