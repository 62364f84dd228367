/** Which endpoint a path means. */
import { chatCompletions } from './chat-completions.ts';
import { cohereChat } from './cohere-chat.ts';
import { completions } from './completions.ts';
import { conversations } from './conversations.ts';
import { converse, converseStream } from './converse.ts';
import { countContents, countTokens, tokenCounter } from './count-tokens.ts';
import type { Endpoint, Match } from './endpoint.ts';
import { generateContent, streamGenerateContent } from './generate-content.ts';
import { liveliness, readiness } from './health.ts';
import { invoke, invokeStream } from './invoke.ts';
import { messages } from './messages.ts';
import { modelList, modelOne } from './models.ts';
import { ollamaChat } from './ollama-chat.ts';
import {
  responseCancel,
  responseCompact,
  responseDelete,
  responseInputItems,
  responseInputTokens,
  responseOne,
  responses,
} from './responses.ts';

/** Every endpoint of the data plane. */
export const endpoints: readonly Endpoint[] = [
  chatCompletions,
  completions,
  messages,
  countTokens,
  tokenCounter,
  converse,
  converseStream,
  invoke,
  invokeStream,
  responses,
  responseInputTokens,
  responseCompact,
  responseOne,
  responseDelete,
  responseCancel,
  responseInputItems,
  ...conversations,
  cohereChat,
  ollamaChat,
  generateContent,
  streamGenerateContent,
  countContents,
  modelList,
  modelOne,
  liveliness,
  readiness,
];

interface Route {
  readonly pattern: RegExp;
  readonly endpoint: Endpoint;
  /** The path ends with whatever comes: a path that ends as another pattern says is not meant. */
  readonly open: boolean;
}

const fixed = new Map<string, Endpoint[]>();
const patterns: Route[] = [];
for (const endpoint of endpoints) {
  for (const path of endpoint.paths) {
    if (path.includes('{')) {
      const source = path
        .replaceAll('{id}', '(?<id>[^/]+)')
        .replaceAll('{item}', '(?<item>[^/]+)')
        .replaceAll('{rest}', '(?<model>.+)');
      patterns.push({ pattern: new RegExp(`^${source}$`), endpoint, open: path.endsWith('{rest}') });
    } else fixed.set(path, [...(fixed.get(path) ?? []), endpoint]);
  }
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Endpoints at a path, whatever their method: none means 404, none with the right method means 405. A trailing slash is forgiven. */
export function findEndpoints(path: string): readonly Match[] {
  const clean = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const exact = fixed.get(clean);
  if (exact !== undefined) return exact.map((endpoint) => ({ endpoint }));
  const closed: Match[] = [];
  const open: Match[] = [];
  for (const route of patterns) {
    const { endpoint } = route;
    const { model, id, item } = route.pattern.exec(clean)?.groups ?? {};
    const found = route.open ? open : closed;
    if (model !== undefined) found.push({ endpoint, model: decoded(model) });
    else if (id !== undefined)
      found.push({ endpoint, id: decoded(id), ...(item === undefined ? {} : { item: decoded(item) }) });
  }
  return closed.length > 0 ? closed : open;
}
