/** A gateway for proofs: its clock is the test's, its models cost the same per token, and its books can be read. */
import { budgetsOf, type LimitedScope } from '../../lib/domain/budget.ts';
import { scopeOf, type VirtualKey } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { heldOf, spentOf } from '../../lib/domain/meter.ts';
import type { Deployment } from '../../lib/domain/model.ts';
import { readMeter } from '../../lib/money/shards.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aDeployment, NOW } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { chatAnswer, sendJson, startUpstream, type Script, type Upstream } from '../support/upstream.ts';

/** 1e-12 USD. */
export const USD = 1_000_000_000_000n;
/** What a token of either side costs where the catalog has no say: 1e-6 USD. */
export const TOKEN = 1_000_000n;
/** The same as an operator writes it. */
export const PRICE = { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 };
/** What clients show unless they say otherwise. */
export const SECRET = 'sk-pain';
/** A day, milliseconds. */
export const DAY_MS = 86_400_000;
/** Any credential will do. */
export const CREDENTIAL = { type: 'value', value: 'upstream-secret' } as const;

/** Gateways of one test file, and the provider that all of them call. */
export interface Bench {
  readonly upstream: Upstream;
  /** Milliseconds since the epoch. */
  now: number;
  /** Starts a gateway; the clock stands at `NOW`. `gpt-4o-mini` and `claude` cost a `TOKEN` per token. */
  serve(script: Script, options?: Options): Promise<Served>;
  /** Ends the gateways. */
  clear(): Promise<void>;
}

interface Options {
  readonly env?: Record<string, string>;
  readonly stores?: Stores;
  readonly deployments?: readonly Deployment[];
}

/** Starts the provider. */
export async function startBench(): Promise<Bench> {
  const upstream = await startUpstream();
  const running: Served[] = [];
  const priced = [
    aDeployment({ apiBase: `${upstream.url}/v1`, credential: CREDENTIAL, price: PRICE }),
    aDeployment({
      id: 'c',
      modelName: 'claude',
      provider: 'anthropic',
      model: 'claude-sonnet-4-5',
      apiBase: upstream.url,
      credential: CREDENTIAL,
      price: PRICE,
    }),
  ];
  const bench: Bench = {
    upstream,
    now: NOW,
    async serve(script, options = {}) {
      bench.now = NOW;
      upstream.answer(script);
      const served = await serveGateway(upstream.url, { deployments: priced, now: () => bench.now, ...options });
      running.push(served);
      return served;
    },
    async clear() {
      await Promise.all(running.splice(0).map((gateway) => gateway.close()));
    },
  };
  return bench;
}

/** A key made shortly before `NOW`. */
export const keyed = (over: Partial<VirtualKey>): Partial<VirtualKey> => ({ budgetAnchor: NOW - 1000, ...over });

/** Posts with the key of `SECRET`. */
export const post = ({ url }: Served, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** Where chats go. */
export const CHAT = '/v1/chat/completions';

/** A chat that may write this much. */
export const chat = (maxTokens: number, over: object = {}): object => ({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Hi' }],
  max_tokens: maxTokens,
  ...over,
});

/** An answer that wrote this many tokens and read none. */
export const wrote = (tokens: number): Script =>
  sendJson(chatAnswer('Hello', { usage: { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens } }));

/** Entries of the ledger, once there are as many as expected: waits up to a second. */
export async function entriesOf({ stores }: Served, count: number): Promise<readonly LedgerEntry[]> {
  for (let attempt = 0; ; attempt++) {
    const { items } = await stores.ledger.scan();
    if (items.length >= count || attempt === 200) return items;
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** What the first budget of a scope has spent at `now`, once nothing is held any longer: waits up to a second. */
export async function spentBy({ stores }: Served, limited: LimitedScope, now = NOW): Promise<bigint> {
  const [budget] = budgetsOf(limited, now);
  for (let attempt = 0; ; attempt++) {
    const meter = await readMeter(stores.meters, budget?.meter ?? '');
    if (meter === undefined) return 0n;
    if (heldOf(meter, 'usd') === 0n || attempt === 200) return spentOf(meter, 'usd');
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** The same of a key. */
export const spentByKey = (gateway: Served, key: VirtualKey): Promise<bigint> =>
  spentBy(gateway, { scope: scopeOf(key), limits: key });

/** How many answers there were of each status. */
export function statuses(answers: readonly Response[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
