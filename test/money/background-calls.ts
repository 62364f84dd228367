/** Calls in the background for proofs about money: a provider that a test plays, behind the policies of the gateway. */
import type { VirtualKey } from '../../lib/domain/key.ts';
import type { GatewayError } from '../../lib/errors.ts';
import type { Exchange, Outcome, Reply } from '../../lib/exchange.ts';
import { compose } from '../../lib/pipeline.ts';
import { background, type BackgroundDeps } from '../../lib/policies/background.ts';
import { remember } from '../../lib/policies/conversation.ts';
import { followResponse } from '../../lib/responses/response-follower.ts';
import type { ConversationStore } from '../../lib/stores/conversations.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, admitOn, aTarget, used } from './calls.ts';

const frame = (type: string, id: string, fields: object = {}): Uint8Array =>
  Buffer.from(
    `data: ${JSON.stringify({ type, response: { id, background: true, status: 'in_progress', output: [], ...fields } })}\n\n`,
  );

/** A call in the background whose provider a test plays. */
export function aBackgroundCall(key: VirtualKey, over: Partial<Exchange> = {}) {
  const controller = new AbortController();
  const exchange = aCall(key, 10, {
    dialect: 'openai-responses',
    turn: { asSent: {}, added: [], background: { streams: false } },
    signal: controller.signal,
    life: { outlive: () => {}, end: (reason) => controller.abort(reason) },
    ...over,
  });
  return { exchange, id: `resp_${exchange.id}` };
}

/** The provider: streams a response of this many tokens. */
export const answeringInBackground = (exchange: Exchange, outcome: Outcome | Promise<Outcome>) => async (): Promise<Reply> => {
  exchange.target = aTarget();
  async function* body(): AsyncGenerator<Uint8Array> {
    yield frame('response.created', `resp_${exchange.id}`);
    if ((await outcome).status === 'success') yield frame('response.completed', `resp_${exchange.id}`, { status: 'completed' });
  }
  return { status: 200, headers: {}, body: body(), done: Promise.resolve(outcome) };
};

/** Answers when the exchange's signal aborts, as the relay does. */
export const cutShort = (exchange: Exchange, tokens: number): Promise<Outcome> =>
  new Promise((resolve) => {
    exchange.signal.addEventListener('abort', () => resolve(used(tokens, 'aborted')));
  });

/** Runs the call; `faults` replace steps of the store. The watch wakes as often as the event loop turns. */
export function runInBackground(
  stores: Stores,
  exchange: Exchange,
  provider: () => Promise<Reply>,
  faults: Partial<ConversationStore> = {},
): Promise<Reply> {
  const store = { ...stores.conversations, ...faults };
  const conversations: Omit<BackgroundDeps, 'told'> = {
    store,
    ttlMs: 10_000_000,
    follow: followResponse,
    sleep: () => new Promise((done) => setTimeout(done, 1)),
    now: () => NOW,
    log: () => {},
  };
  const told = (_: Exchange, error?: GatewayError): Uint8Array =>
    error === undefined
      ? frame('response.created', '')
      : frame('response.failed', '', { status: 'failed', error: { code: 'x', message: error.message } });
  const policies = [
    remember({ ...conversations, record: async (reply) => reply }),
    admitOn(stores),
    background({ ...conversations, told }),
  ];
  return compose(policies, provider)(exchange);
}
