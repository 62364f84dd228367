import { describe, expect, it } from 'vitest';
import type { Compaction, Exchange } from '../../../lib/exchange.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { chooseCompaction, compact, prepareCompaction, type CompactionDeps } from '../../../lib/policies/compaction.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aDeployment, aKey, anExchange, aReply, NOW } from '../../support/exchange.ts';

const key = aKey();

/** Dependencies over an empty store, and what was logged. */
function world(over: Partial<CompactionDeps> = {}) {
  const { conversations: store } = open();
  const lines: string[] = [];
  const deps: CompactionDeps = {
    store,
    ttlMs: 1_000,
    now: () => NOW,
    log: (_level, message) => void lines.push(message),
    isNative: ({ deployment }) => deployment.id === 'native',
    ...over,
  };
  return { deps, lines, store };
}

const target = (id: string) => ({ deployment: aDeployment({ id }), model: 'm' });

/** A request that was prepared, at a target. */
async function prepared(id: string, over: Partial<Exchange> = {}): Promise<Exchange> {
  const asSent = { model: 'm', input: 'Hello' };
  const exchange = anExchange({
    caller: { type: 'key', key },
    dialect: 'openai-responses',
    body: asSent,
    turn: { asSent, added: [], keptBy: id },
    target: target(id),
    ...over,
  });
  await prepareCompaction(async (_exchange, body) => body)(exchange, asSent);
  return exchange;
}

const decodeRequest = (_exchange: Exchange, body: JsonObject) => ({
  ...anExchange().generate,
  model: 'decoded',
  extensions: { 'openai-responses': body },
});

describe('preparing', () => {
  it('holds for the conversation and the question, whoever answers it', async () => {
    const exchange = anExchange();
    const body = await prepareCompaction(async (_exchange, whole) => whole)(exchange, { model: 'm', input: 'Hello' });
    expect(body['input']).toMatchObject([{ content: 'Hello' }, { content: expect.stringContaining('summarize') }]);
    expect(exchange.compaction).toMatchObject({ summarizing: { model: 'm', store: false }, kept: [{ role: 'user' }] });
  });

  it('leaves unreadable input to the dialect', async () => {
    const body = { model: 'm', input: 7 };
    expect(await prepareCompaction(async (_exchange, whole) => whole)(anExchange(), body)).toBe(body);
  });
});

describe('an attempt', () => {
  /** What an attempt at a target saw. */
  async function attempt(id: string, over: Partial<Exchange> = {}, deps: Partial<CompactionDeps> = {}) {
    const exchange = await prepared(id, over);
    let seen: Pick<Exchange, 'body' | 'generate' | 'turn'> | undefined;
    const policy = chooseCompaction(world(deps).deps, decodeRequest);
    await policy(exchange, async () => {
      seen = {
        body: exchange.body,
        generate: exchange.generate,
        ...(exchange.turn === undefined ? {} : { turn: exchange.turn }),
      };
      return aReply();
    });
    return { exchange, seen };
  }

  it('at a provider that compacts is the request itself', async () => {
    const { exchange, seen } = await attempt('native');
    expect(exchange.compaction?.native).toBe(true);
    expect(seen?.body).toEqual({ model: 'm', input: 'Hello' });
    expect(seen?.turn?.keptBy).toBe('native');
  });

  it('elsewhere asks for a summary, under the name of the model that is called', async () => {
    const { exchange, seen } = await attempt('other');
    expect(exchange.compaction?.native).toBe(false);
    expect(seen?.body).toBe(exchange.compaction?.summarizing);
    expect(seen?.generate.model).toBe('gpt-4o-mini');
    expect(seen?.turn?.keptBy).toBeUndefined();
  });

  it('that failed leaves no trace for the next one', async () => {
    const exchange = await prepared('other');
    const { body, generate, turn } = exchange;
    const policy = chooseCompaction(world().deps, decodeRequest);
    await expect(policy(exchange, () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(exchange).toMatchObject({ body, generate, turn });
    exchange.target = target('native');
    await policy(exchange, async () => aReply());
    expect(exchange.compaction?.native).toBe(true);
  });

  it.each([
    ['where nothing is kept', 'other', {}, { ttlMs: 0 }, 'invalid_request'],
    [
      'where the rest of a budget does not pay for it',
      'native',
      { admission: { headers: {}, clampedOutputTokens: 9 } },
      { ttlMs: 0 },
      'budget_exceeded',
    ],
  ])('is none %s', async (_name, id, over, deps, kind) => {
    await expect(attempt(id, over, deps)).rejects.toMatchObject({ kind });
  });

  it('in other requests is left alone', async () => {
    const reply = aReply();
    expect(await chooseCompaction(world().deps, decodeRequest)(anExchange(), async () => reply)).toBe(reply);
  });
});

describe('an answer', () => {
  const said = (text: string): JsonObject => ({
    status: 'completed',
    output: [
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }] },
      { type: 'message', content: [{ type: 'output_text', text }] },
    ],
    usage: { input_tokens: 1 },
  });

  async function answered(native: boolean, answer: JsonObject, deps: Partial<CompactionDeps> = {}) {
    const { deps: whole, lines, store } = world(deps);
    const exchange = await prepared(native ? 'native' : 'other');
    (exchange.compaction as Compaction).native = native;
    const reply = aReply(200, JSON.stringify(answer));
    const answering = compact(whole)(exchange, async () => reply);
    const reader = { owner: key.hash, now: NOW };
    return { answering, exchange, lines, reply, kept: (id: string) => store.get([id], reader) };
  }

  it('keeps the summary, without the thoughts that led to it, for its owner and a while', async () => {
    const { answering, exchange, kept } = await answered(false, said('In short.'));
    const { body } = await answering;
    const response = JSON.parse(Buffer.from(body as Uint8Array).toString()) as JsonObject;
    expect(response).toMatchObject({ id: `resp_${exchange.id}`, usage: { input_tokens: 1 }, output: [{ role: 'user' }, {}] });
    expect(await kept(`resp_${exchange.id}`)).toMatchObject([
      { summary: 'In short.', owner: key.hash, expiresAt: NOW + 1_000, earlier: [], response },
    ]);
  });

  it('whose summary cannot be kept is an error, told once the call is settled', async () => {
    const store = { ...open().conversations, put: () => Promise.reject(new Error('away')) };
    const { answering } = await answered(false, said('In short.'), { store });
    await expect(answering).rejects.toMatchObject({ kind: 'internal', message: expect.stringContaining('is billed') });
  });

  it.each([
    ['is no JSON', '{'],
    ['says nothing', JSON.stringify(said(' '))],
    ['is cut off', JSON.stringify({ ...said('Half'), status: 'incomplete' })],
  ])('that %s is no summary', async (_name, text) => {
    const exchange = await prepared('other');
    const answering = compact(world().deps)(exchange, async () => aReply(200, text));
    await expect(answering).rejects.toMatchObject({ status: 502, retryable: false, detail: { code: 'compaction_failed' } });
  });

  it('of a provider passes, and is noted with who sealed it', async () => {
    const { answering, reply, kept } = await answered(true, { id: 'resp_theirs', output: [] });
    expect(await answering).toBe(reply);
    expect(await kept('resp_theirs')).toMatchObject([{ sealedBy: 'native', earlier: [] }]);
  });

  it('of a provider passes when it cannot be noted, with a warning', async () => {
    const store = { ...open().conversations, put: () => Promise.reject(new Error('away')) };
    const { answering, reply, exchange, lines } = await answered(true, { id: 'resp_theirs', output: [] }, { store });
    expect(await answering).toBe(reply);
    expect(exchange.warnings).toMatchObject([{ field: 'store' }]);
    expect(lines).toEqual(['a response could not be kept']);
  });

  it.each([
    ['nothing may be kept', { id: 'resp_theirs' }, { ttlMs: 0 }],
    ['it has no id', {}, {}],
  ])('of a provider is not noted where %s', async (_name, answer, deps) => {
    const { answering, kept } = await answered(true, answer, deps);
    await answering;
    expect(await kept('resp_theirs')).toEqual([]);
  });
});
