/** Discounts, margins and what a request says of its searches, through the whole gateway: headers, ledger and meter say one thing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatUsd, parseUsd, USD } from '../../lib/domain/money.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { heldNow, spentNow } from '../support/money.ts';
import { chatAnswer, chatChunk, sendChunks, sendJson, startUpstream, type Upstream, usageChunk } from '../support/upstream.ts';

const SECRET = 'sk-a-key-of-the-tests';
const DISCOUNT = { TOLLGATE_COST_DISCOUNTS: '{"openai": 0.1}' };
const MARGIN = { TOLLGATE_COST_MARGINS: '{"global": {"percentage": 0.5, "fixed_amount": 0.001}}' };

let upstream: Upstream;
let gateway: Served;
beforeAll(async () => void (upstream = await startUpstream()));
afterAll(() => upstream.close());
afterEach(() => gateway.close());

async function serve(env: Record<string, string>, model = 'gpt-4o-mini'): Promise<void> {
  const deployments = [aDeployment({ model, apiBase: `${upstream.url}/v1`, credential: { type: 'value', value: 'k' } })];
  gateway = await serveGateway(upstream.url, { env, deployments });
}

const ask = (body: object = {}): Promise<Response> =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }], ...body }),
  });

/** The entry of a call whose answer was read, once it is written. */
async function entryOf(response: Response): Promise<LedgerEntry | undefined> {
  await response.text();
  await heldNow(gateway.stores, SECRET);
  return gateway.stores.ledger.get(response.headers.get('x-litellm-call-id') ?? '');
}

const sumOf = (parts: Readonly<Record<string, bigint>> = {}): bigint =>
  Object.values(parts).reduce((sum, amount) => sum + amount, 0n);

describe('a discount and a margin', () => {
  it('stand in the headers, and as parts of the entry that add up to what the meter spent', async () => {
    await serve({ ...DISCOUNT, ...MARGIN });
    await gateway.addKey(SECRET, { maxBudget: USD });
    upstream.answer(sendJson(chatAnswer('Hello', { usage: { prompt_tokens: 20, completion_tokens: 100, total_tokens: 120 } })));

    const response = await ask();
    const entry = await entryOf(response);

    // 20 * 0.15/M + 100 * 0.60/M = 0.000063; less a tenth, half of that on top, and 0.001
    expect(Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('x-litellm-response-cost')))).toEqual({
      'x-litellm-response-cost': '0.00108505',
      'x-litellm-response-cost-original': '0.000063',
      'x-litellm-response-cost-discount-amount': '0.0000063',
      'x-litellm-response-cost-margin-amount': '0.00102835',
      'x-litellm-response-cost-margin-percent': '0.5',
    });
    expect(entry).toMatchObject({ cost: parseUsd('0.00108505'), costParts: { discount: -parseUsd('0.0000063') } });
    expect(sumOf(entry?.costParts)).toBe(entry?.cost);
    expect(entry?.cost).toBeLessThanOrEqual(entry?.held ?? 0n);
    expect(await spentNow(gateway.stores, SECRET)).toBe(entry?.cost);
  });

  it('are part of the cost that a stream tells', async () => {
    await serve({ ...MARGIN, TOLLGATE_RESPONSE_COST_IN_STREAM: 'true' });
    await gateway.addKey(SECRET);
    upstream.answer(sendChunks([chatChunk({ content: 'Hi' }, 'stop'), usageChunk(1000, 100)]));

    const text = await (await ask({ stream: true, stream_options: { include_usage: true } })).text();

    expect(text).toContain('"cost":0.001315'); // 0.00021 and half of it, and 0.001
  });

  it('do not make a call cost that came to nothing', async () => {
    await serve(MARGIN);
    await gateway.addKey(SECRET, { maxBudget: USD });
    upstream.answer(sendJson({ error: { message: 'no' } }, 400));

    const response = await ask();

    expect(await entryOf(response)).toMatchObject({ status: 'error', cost: 0n });
    expect(await spentNow(gateway.stores, SECRET)).toBe(0n);
  });

  it('count before a cap does: a margin that leaves no room refuses', async () => {
    await serve({ TOLLGATE_COST_MARGINS: '{"openai": {"fixed_amount": 0.5}}' });
    await gateway.addKey(SECRET, { maxBudget: USD / 2n });
    upstream.answer(sendJson(chatAnswer()));

    const response = await ask();

    expect(response.status).toBe(429);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
  });
});

describe('a search', () => {
  it.each([
    ['low', '0.030075'],
    ['high', '0.050075'],
    [undefined, '0.035075'],
  ])('of context size %s costs what its size does', async (size, cost) => {
    await serve({}, 'gpt-4o-search-preview');
    await gateway.addKey(SECRET, { maxBudget: USD });
    upstream.answer(sendJson(chatAnswer()));

    const options = size === undefined ? {} : { web_search_options: { search_context_size: size } };
    const entry = await entryOf(await ask(options));

    expect(formatUsd(entry?.cost ?? 0n)).toBe(cost); // and 10 * 2.50/M + 5 * 10/M
    expect(entry?.cost).toBeLessThanOrEqual(entry?.held ?? 0n);
  });
});
