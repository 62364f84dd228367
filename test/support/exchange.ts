/** Exchanges, keys and deployments for unit tests of policies. */
import type { VirtualKey } from '../../lib/domain/key.ts';
import type { Deployment } from '../../lib/domain/model.ts';
import type { Exchange, Reply } from '../../lib/exchange.ts';
import type { HttpRequest } from '../../lib/transport/message.ts';

/** The moment at which tests happen. */
export const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);

export function aRequest(over: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: 'POST',
    path: '/v1/chat/completions',
    query: new URLSearchParams(),
    headers: {},
    body: new Uint8Array(),
    ...over,
  };
}

export function anExchange(over: Partial<Exchange> = {}): Exchange {
  return {
    id: '01testcall0000000000000000',
    request: aRequest(),
    receivedAt: NOW,
    deadline: NOW + 60_000,
    signal: new AbortController().signal,
    life: { outlive: () => {}, end: () => {} },
    route: '/v1/chat/completions',
    dialect: 'openai-chat',
    body: {},
    removed: [],
    generate: { model: 'gpt-4o-mini', messages: [], sampling: {}, stream: false, includeUsage: false, extensions: {} },
    modelName: 'gpt-4o-mini',
    plan: [],
    tags: [],
    tagged: [],
    warnings: [],
    admissions: 0,
    lost: [],
    attempts: 0,
    committed: false,
    ...over,
  };
}

export function aKey(over: Partial<VirtualKey> = {}): VirtualKey {
  return {
    hash: 'a'.repeat(64),
    name: 'sk-...test',
    createdAt: NOW - 1000,
    updatedAt: NOW - 1000,
    blocked: false,
    models: [],
    aliases: {},
    budgetAnchor: NOW - 1000,
    metadata: {},
    tags: [],
    rev: 1,
    ...over,
  };
}

export function aDeployment(over: Partial<Deployment> = {}): Deployment {
  return {
    id: 'deployment-1',
    modelName: 'gpt-4o-mini',
    provider: 'openai',
    model: 'gpt-4o-mini',
    credential: { type: 'none' },
    info: {},
    source: 'config',
    ...over,
  };
}

/** A finished reply with this status. */
export const aReply = (status = 200, text = '{}'): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: new TextEncoder().encode(text),
  done: Promise.resolve({ status: 'success' }),
});

/** The JSON in a finished reply. */
export function jsonOf(reply: Reply): unknown {
  if (!(reply.body instanceof Uint8Array)) throw new Error('expected a finished body');
  return JSON.parse(new TextDecoder().decode(reply.body));
}
