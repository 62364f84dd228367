/** A provider on loopback whose answers a test scripts. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the provider saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** Answers one request. */
export type Script = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void | Promise<void>;

/** A running provider. */
export interface Upstream {
  readonly url: string;
  /** Requests so far, oldest first. */
  readonly seen: Seen[];
  /** Replaces the script. */
  answer(script: Script): void;
  close(): Promise<void>;
}

/** Starts a provider on a free port. */
export async function startUpstream(first: Script = sendJson({})): Promise<Upstream> {
  let script = first;
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const one: Seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: !text.startsWith('{') ? {} : (JSON.parse(text) as Record<string, unknown>),
        text,
      };
      seen.push(one);
      void script(one, response, request);
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer: (next) => void (script = next),
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
}

/** Answers with JSON. */
export function sendJson(body: unknown, status = 200, headers: Record<string, string> = {}): Script {
  return (_seen, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

/** Answers with these bytes. */
export function sendText(text: string, status: number, type: string): Script {
  return (_seen, response) => {
    response.writeHead(status, { 'content-type': type });
    response.end(text);
  };
}

/** Frames of an OpenAI-like stream; `[DONE]` is added unless `open`. */
export function sendChunks(
  chunks: readonly unknown[],
  options: { readonly open?: boolean; readonly destroy?: boolean } = {},
): Script {
  return async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const chunk of chunks) {
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await new Promise((done) => setImmediate(done));
    }
    if (options.destroy === true) response.destroy();
    else response.end(options.open === true ? '' : 'data: [DONE]\n\n');
  };
}

/** Frames of an Anthropic stream. */
export function sendEvents(events: readonly { readonly type: string }[]): Script {
  return async (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const event of events) {
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      await new Promise((done) => setImmediate(done));
    }
    response.end();
  };
}

/** A finished OpenAI answer that says `text`. */
export const chatAnswer = (text = 'Hello', over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  ...over,
});

/** One chunk of an OpenAI stream. */
export const chatChunk = (
  delta: Record<string, unknown>,
  finish: string | null = null,
  over: Record<string, unknown> = {},
): Record<string, unknown> => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...over,
});

/** The chunk that carries usage, after the last choice. */
export const usageChunk = (prompt = 10, completion = 5): Record<string, unknown> => ({
  ...chatChunk({}),
  choices: [],
  usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
});

/** A finished Anthropic answer that says `text`. */
export const messageAnswer = (text = 'Hello', over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4-5',
  content: [{ type: 'text', text }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 10, output_tokens: 5 },
  ...over,
});
