/** Requests that no model answers: what may be called, what was kept, whether anybody is home. */
import { answerConversation } from './conversations.ts';
import { findEndpoints } from './endpoints/index.ts';
import type { Match } from './endpoints/endpoint.ts';
import { renderModel, renderModels, type ListedModel } from './endpoints/models.ts';
import { GatewayError } from './errors.ts';
import type { Exchange, Outcome, Reply } from './exchange.ts';
import type { GenerateRequest } from './kinds/generate.ts';
import type { JsonObject } from './kinds/json.ts';
import { compose, type Terminal } from './pipeline.ts';
import type { BackgroundDeps } from './policies/background.ts';
import { readerOf, type ConversationDeps } from './policies/conversation.ts';
import { parseBody } from './policies/decode.ts';
import type { Policy } from './policies/policy.ts';
import { createNumberedCutter } from './responses/response-follower.ts';
import { answerStored } from './responses/stored-responses.ts';
import { streamStored } from './responses/stored-stream.ts';

/** What they need. */
export interface LookupDeps {
  readonly conversations: ConversationDeps & Pick<BackgroundDeps, 'follow' | 'sleep'>;
  /** Models to list for a caller. */
  readonly models: (exchange: Exchange) => Promise<readonly ListedModel[]>;
  /** Throws when a store does not answer. */
  readonly ready: () => Promise<void>;
  readonly now: () => number;
}

/** The terminal steps. */
export interface Lookups {
  readonly models: Terminal;
  /** A response that was kept: read, followed, cancelled or deleted. */
  stored(match: Match): Terminal;
  /** A conversation, its items, or one of them. */
  conversing(match: Match): Terminal;
  /** Without the policies: whoever asks need not say who it is. */
  readonly health: Terminal;
}

/**
 * Puts them together.
 *
 * @param front policies of all that somebody has to be known for
 * @param read a body as a generate request; throws `invalid_request`
 */
export function createLookups(
  deps: LookupDeps,
  front: readonly Policy[],
  read: (exchange: Exchange, body: JsonObject) => GenerateRequest,
): Lookups {
  return {
    models: compose(front, (exchange) => listModels(deps, exchange)),
    stored: ({ id = '' }) =>
      compose(front, async (exchange) => {
        const { route, request } = exchange;
        const reader = readerOf(exchange, deps.now());
        if (request.method === 'GET' && route.endsWith('/{id}') && request.query.get('stream') === 'true') {
          const streaming = { ...deps.conversations, cutter: createNumberedCutter };
          const events = await streamStored(streaming, { id, query: request.query, reader }, exchange.signal);
          return streamReply(events, exchange.signal);
        }
        return jsonReply(
          await answerStored(deps.conversations.store, { method: request.method, route, id, query: request.query, reader }),
        );
      }),
    conversing: ({ id = '', item }) =>
      compose(front, async (exchange) => {
        const { route, request } = exchange;
        const { method, query } = request;
        const body = request.body.length === 0 ? undefined : parseBody(request.body, request.headers);
        const { store, ttlMs } = deps.conversations;
        // Results of tools may answer calls that are in the conversation already.
        const check = (items: readonly JsonObject[]): void =>
          void read(exchange, { model: '-', previous_response_id: '-', input: items });
        const reader = readerOf(exchange, deps.now());
        return jsonReply(
          await answerConversation(
            { store, ttlMs, check },
            { method, route, id, item, query, body, reader, serial: exchange.id },
          ),
        );
      }),
    async health({ route }) {
      if (route === '/health/readiness') await deps.ready();
      return jsonReply({ status: 'healthy' });
    },
  };
}

function jsonReply(body: JsonObject): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    done: Promise.resolve({ status: 'success' }),
  };
}

/** A stream that is over when its last byte is out, its reader has left, or the signal says so. */
function streamReply(body: AsyncIterable<Uint8Array>, signal: AbortSignal): Reply {
  const { promise: done, resolve } = Promise.withResolvers<Outcome>();
  const end = (): void => resolve({ status: signal.aborted ? 'aborted' : 'success' });
  signal.addEventListener('abort', end, { once: true });
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } finally {
      end();
    }
  }
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  };
  return { status: 200, headers, body: watched(), done };
}

async function listModels(deps: LookupDeps, exchange: Exchange): Promise<Reply> {
  const models = await deps.models(exchange);
  const anthropic = exchange.request.headers['anthropic-version'] !== undefined;
  const asked = findEndpoints(exchange.request.path)[0]?.model;
  if (asked === undefined) return jsonReply(renderModels(models, anthropic));
  const model = models.find(({ id }) => id === asked);
  if (model === undefined) {
    throw new GatewayError('not_found', `The model "${asked}" does not exist here, or this key may not call it.`, {
      param: 'model',
      code: 'model_not_found',
    });
  }
  return jsonReply(renderModel(model, anthropic));
}
