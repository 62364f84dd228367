/** Every dialect, by id, loaded when a request first needs it: a gateway that speaks two of them carries two of them. */
import { GatewayError } from '../errors.ts';
import type { DialectId } from '../kinds/generate.ts';
import type { ClientSide, Dialect, UpstreamSide } from './dialect.ts';

/** How to load each dialect that both sides speak. */
const LOADERS: Readonly<Partial<Record<DialectId, () => Promise<Dialect>>>> = {
  'openai-chat': async () => (await import('./openai-chat/index.ts')).openaiChat,
  'openai-completions': async () => (await import('./openai-completions/index.ts')).openaiCompletions,
  'openai-responses': async () => (await import('./openai-responses/index.ts')).openaiResponses,
  'anthropic-messages': async () => (await import('./anthropic-messages/index.ts')).anthropicMessages,
  'bedrock-converse': async () => (await import('./bedrock-converse/index.ts')).bedrockConverse,
  'cohere-chat': async () => (await import('./cohere-chat/index.ts')).cohereChat,
  gemini: async () => (await import('./gemini/index.ts')).gemini,
  'ollama-chat': async () => (await import('./ollama-chat/index.ts')).ollamaChat,
};

/** Dialects that only clients speak. */
const CLIENT_LOADERS: Readonly<Partial<Record<DialectId, () => Promise<ClientSide>>>> = {
  'bedrock-invoke': async () => (await import('./bedrock-invoke/index.ts')).bedrockInvoke,
};

/** Dialects that only providers speak; some are families whose members differ in names and places. Throws `internal` for an unknown one. */
const UPSTREAM_LOADERS: Readonly<Partial<Record<DialectId, (variant: string | undefined) => Promise<UpstreamSide>>>> = {
  'openai-kin': async (variant) => (await import('./openai-kin/index.ts')).openaiKin(variant),
  replicate: async () => (await import('./replicate/index.ts')).replicate,
  'bedrock-invoke': async (variant) => (await import('./bedrock-invoke/index.ts')).bedrockInvokeUpstream(variant),
  'text-generation': async (variant) => (await import('./text-generation/index.ts')).textGeneration(variant),
};

/** Dialects as a process has them. */
export interface Dialects {
  /** Loads a dialect for the client's side; callers at the same time share one load. */
  load(id: DialectId): Promise<ClientSide>;
  /** Loads a dialect for the provider's side. `variant`: which member of a family the provider speaks. */
  loadUpstream(id: DialectId, variant?: string): Promise<UpstreamSide>;
  /** The client's side of a dialect that was loaded before. Throws `internal` when it was not. */
  get(id: DialectId): ClientSide;
}

/** Remembers what was loaded by name; a load that failed is tried again. */
function onceByName<T>(load: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const loading = new Map<string, Promise<T>>();
  return (name) => {
    const known = loading.get(name);
    if (known !== undefined) return known;
    const started = load(name);
    loading.set(name, started);
    started.catch(() => loading.delete(name));
    return started;
  };
}

/** An empty set that fills on demand. */
export function createDialects(): Dialects {
  const loaded = new Map<DialectId, ClientSide>();
  const client = onceByName(async (name) => {
    const id = name as DialectId;
    const dialect = await ((LOADERS[id] ?? CLIENT_LOADERS[id])?.() ?? missing(id));
    loaded.set(id, dialect);
    return dialect;
  });
  const upstream = onceByName((name) => {
    const [id, variant] = name.split(' ') as [DialectId, string | undefined];
    return UPSTREAM_LOADERS[id]?.(variant) ?? LOADERS[id]?.() ?? missing(id);
  });
  return {
    load: client,
    loadUpstream: (id, variant) => upstream(variant === undefined ? id : `${id} ${variant}`),
    get(id) {
      const dialect = loaded.get(id);
      if (dialect === undefined) throw new GatewayError('internal', `The dialect ${id} was used before it was loaded.`);
      return dialect;
    },
  };
}

const missing = (id: DialectId): Promise<never> =>
  Promise.reject(new GatewayError('internal', `The dialect ${id} is not part of this build, or not for this side of a call.`));
