/**
 * Attempts that came to nothing although the provider may bill them: an answer of 200 that broke off, a call that went out and was never
 * answered. They are booked as estimates, told in entry, receipt row and log, and never push a call over what was held for it.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { formatUsd } from '../../lib/domain/money.ts';
import { spendRow } from '../../lib/management/spend/spend-row.ts';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { heldNow, spentNow } from '../support/money.ts';
import {
  chatAnswer,
  chatChunk,
  sendJson,
  sendText,
  startUpstream,
  usageChunk,
  type Script,
  type Upstream,
} from '../support/upstream.ts';

const SECRET = 'sk-lost-attempts';
const USD = 10n ** 12n;
/** gpt-4o-mini: 0.15 and 0.60 USD per million tokens, in 1e-12 USD. */
const [INPUT, OUTPUT] = [150_000n, 600_000n];

let upstream: Upstream;
let gateway: Served | undefined;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await gateway?.close();
  await upstream.close();
});

/** A gateway with one repeat, and a key; `streamTimeoutMs` bounds the wait for an answer to begin. */
async function serve(maxBudget: bigint | undefined, over: Parameters<typeof aDeployment>[0] = {}): Promise<Served> {
  const apiBase = `${upstream.url}/v1`;
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  const deployments = ['a', 'b'].map((id) => aDeployment({ id, apiBase, credential, ...over }));
  gateway = await serveGateway(upstream.url, { deployments, env: { TOLLGATE_NUM_RETRIES: '1' } });
  await gateway.addKey(SECRET, maxBudget === undefined ? {} : { maxBudget });
  return gateway;
}

/** Answers each call with the next script, and goes on with the last. */
function scripted(...scripts: readonly [Script, ...Script[]]): Script {
  let call = 0;
  return (...given) => (scripts[Math.min(call++, scripts.length - 1)] as Script)(...given);
}

/** A 200 that announces a whole answer and breaks off behind its first bytes. */
const breaksOff =
  (text: string, announced = 4_000): Script =>
  (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': String(announced) });
    response.write(text, () => setImmediate(() => response.destroy()));
  };
const dies: Script = (_seen, response) => void response.destroy();
const falls: Script = () => undefined;

async function ask(
  over: Record<string, unknown> = {},
): Promise<{ readonly status: number; readonly headers: Headers; readonly entry: LedgerEntry }> {
  const reply = await fetch(`${gateway?.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 2_000, ...over }),
  });
  await reply.arrayBuffer();
  const id = reply.headers.get('x-litellm-call-id') ?? '';
  for (let attempt = 0; ; attempt++) {
    const entry = await gateway?.stores.ledger.get(id);
    if (entry !== undefined) return { status: reply.status, headers: reply.headers, entry };
    if (attempt === 200) throw new Error(`no entry of ${id}`);
    await new Promise((done) => setTimeout(done, 10));
  }
}

const answerCost = 10n * INPUT + 5n * OUTPUT;

describe('an answer of 200 that breaks off before it is whole', () => {
  it('is booked as an estimate of what was announced, and then tried again', async () => {
    const served = await serve(USD);
    upstream.answer(
      scripted(breaksOff('{"id":"chatcmpl-1","choices":[{"message":{"content":"Once upon'), sendJson(chatAnswer())),
    );

    const { status, headers, entry } = await ask();

    expect(status).toBe(200);
    expect(entry.lost).toMatchObject([
      { deploymentId: expect.any(String) as string, error: 'upstream', usage: { source: 'estimated' } },
    ]);
    const [lost] = entry.lost ?? [];
    expect(lost?.usage.inputTokens).toBeGreaterThan(0);
    expect(lost?.usage.outputTokens).toBeGreaterThan(900);
    expect(entry.usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
    expect(entry.attempts).toBe(2);
    expect(entry.cost).toBe(answerCost + (lost?.cost ?? 0n));
    expect(Object.values(entry.costParts ?? {}).reduce((sum, part) => sum + part, 0n)).toBe(entry.cost);
    expect(headers.get('x-litellm-response-cost')).toBe(formatUsd(entry.cost ?? 0n));
    expect(await heldNow(served.stores, SECRET)).toBe(0n);
    expect(await spentNow(served.stores, SECRET)).toBe(entry.cost);
    expect(spendRow(entry)).toMatchObject({ metadata: { lost_attempts: [{ error: 'upstream' }] } });
    expect(served.lines).toContainEqual(expect.objectContaining({ message: 'request', attempts: 2, lost: 1 }));
  });

  it('is booked at what the provider reported, where that came before the break', async () => {
    await serve(USD);
    const frames = [chatChunk({ content: 'Hel' }), usageChunk(10, 5)]
      .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
      .join('');
    const breaking: Script = (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(frames, () => setImmediate(() => response.destroy()));
    };
    upstream.answer(scripted(breaking, sendJson(chatAnswer())));

    const { entry } = await ask();

    expect(entry.lost).toMatchObject([{ usage: { inputTokens: 10, outputTokens: 5, source: 'estimated' } }]);
    expect(entry.cost).toBe(answerCost * 2n);
  });

  it('is booked too where it is cut without a broken connection, and no second attempt follows', async () => {
    const served = await serve(USD);
    upstream.answer(sendText('{"id":"chatcmpl-1","choices":[{"message":', 200, 'application/json'));

    const { status, entry } = await ask();

    expect(status).toBe(502);
    expect(entry.lost).toHaveLength(1);
    expect(entry.usage).toMatchObject({ source: 'estimated' });
    expect(entry.cost).toBeGreaterThan(entry.lost?.[0]?.cost ?? 0n);
    expect(await spentNow(served.stores, SECRET)).toBe(entry.cost);
  });

  it('costs nothing where it is no answer of a model at all', async () => {
    await serve(USD);
    upstream.answer(sendText('<html>Welcome to nginx!</html>', 200, 'text/html'));

    const { entry } = await ask();

    expect(entry).toMatchObject({ status: 'error', cost: 0n, attempts: 2 });
    expect(entry.lost).toBeUndefined();
  });
});

describe('a call that went out and was never answered', () => {
  it.each([
    ['its connection broke', dies, {}],
    ['the provider let its time pass', falls, { streamTimeoutMs: 60 }],
    ['the deployment allows no more time', falls, { timeoutMs: 60 }],
  ] as const)('counts its input, estimated, where %s', async (_why, script, over) => {
    const served = await serve(USD, over);
    upstream.answer(scripted(script, sendJson(chatAnswer())));

    const { status, entry } = await ask();

    expect(status).toBe(200);
    expect(entry.lost).toMatchObject([{ usage: { outputTokens: 0, source: 'estimated' } }]);
    expect(entry.cost).toBeGreaterThan(answerCost);
    expect(await spentNow(served.stores, SECRET)).toBe(entry.cost);
  });

  it('costs nothing where no connection stood', async () => {
    await serve(USD, { apiBase: 'http://127.0.0.1:9/v1' });

    const { entry } = await ask();

    expect(entry).toMatchObject({ status: 'error', cost: 0n, attempts: 2 });
    expect(entry.lost).toBeUndefined();
  });
});

describe('the hold of a call that lost an attempt', () => {
  /** Input bound of `ask` and `max_tokens`, as held. */
  const held = async (): Promise<bigint> => {
    upstream.answer(sendJson(chatAnswer()));
    return (await ask()).entry.held ?? 0n;
  };

  it('lowers the output of the next one to what is left of it, and says so', async () => {
    await serve(USD);
    const whole = await held();
    upstream.answer(scripted(breaksOff('{"id":"chatcmpl-1"', 2_000), sendJson(chatAnswer())));

    const { headers, entry } = await ask();

    const limit = Number(headers.get('x-tollgate-clamped-output-tokens'));
    expect(limit).toBeGreaterThan(1_000);
    expect(limit).toBeLessThan(2_000);
    expect(upstream.seen.at(-1)?.body).toMatchObject({ max_tokens: limit });
    expect((entry.lost?.[0]?.cost ?? 0n) + BigInt(limit) * OUTPUT).toBeLessThanOrEqual(whole);
  });

  it('allows no next one where nothing useful is left: the cap stands', async () => {
    const served = await serve(USD);
    const whole = await held();
    upstream.seen.length = 0;
    upstream.answer(breaksOff('{"id":"chatcmpl-1"', 100_000));

    const { status, entry } = await ask();

    expect(status).toBe(502);
    expect(upstream.seen).toHaveLength(1);
    expect(entry.cost).toBeLessThanOrEqual(whole);
    expect(await heldNow(served.stores, SECRET)).toBe(0n);
  });

  it('bounds nothing where there is no budget', async () => {
    await serve(undefined);
    upstream.answer(scripted(breaksOff('{"id":"chatcmpl-1"', 100_000), sendJson(chatAnswer())));

    const { status, headers, entry } = await ask();

    expect(status).toBe(200);
    expect(headers.get('x-tollgate-clamped-output-tokens')).toBeNull();
    expect(entry.lost).toMatchObject([{ usage: { outputTokens: 2_000 } }]);
  });
});
