/** Clients of four dialects: what each sends, and how it ends for them. */
import type { Fate, MixedProvider } from './mixed-provider.ts';
import { wordsOf } from './mixed-provider.ts';

/** One call as its client means it. */
export interface MixedCall {
  readonly number: number;
  readonly dialect: Dialect;
  readonly model: string;
  readonly stream: boolean;
  readonly fate: Fate;
  /** Most it lets the model write, and what that would write. */
  readonly most: number;
  readonly writes: number;
  readonly secret: string;
}

/** How it ended. */
export interface Ending {
  readonly call: MixedCall;
  /** Under which the gateway keeps it. */
  readonly id: string;
  /** 0 when the client was gone before there was one. */
  readonly status: number;
  /** What it read; nothing where it left. */
  readonly text: string;
}

interface Sent {
  readonly path: string;
  readonly body: object;
}

const chatOf = ({ model, stream, most }: MixedCall, content: string): object => ({
  model,
  stream,
  max_tokens: most,
  messages: [{ role: 'user', content }],
});

const REQUESTS = {
  'openai-chat': (call: MixedCall, words: string): Sent => ({ path: '/v1/chat/completions', body: chatOf(call, words) }),
  'anthropic-messages': (call: MixedCall, words: string): Sent => ({ path: '/v1/messages', body: chatOf(call, words) }),
  'openai-responses': ({ model, stream, most }: MixedCall, input: string): Sent => ({
    path: '/v1/responses',
    body: { model, stream, max_output_tokens: most, input, store: false },
  }),
  gemini: ({ model, stream, most }: MixedCall, text: string): Sent => ({
    path: `/v1beta/models/${model}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    body: { contents: [{ role: 'user', parts: [{ text }] }], generationConfig: { maxOutputTokens: most } },
  }),
};

/** A dialect of these clients. */
export type Dialect = keyof typeof REQUESTS;
/** All of them. */
export const DIALECTS = Object.keys(REQUESTS) as readonly Dialect[];

/** Makes a call and reads it to its end, or goes away in its middle. */
export async function makeCall(gateway: string, call: MixedCall, provider: MixedProvider): Promise<Ending> {
  const { dialect, fate, secret, stream } = call;
  const { path, body } = REQUESTS[dialect](call, wordsOf(call.number, fate, call.writes));
  const leaving = new AbortController();
  const leaves = fate === 'left';
  // A stream is left once something of it was read.
  if (leaves && !stream) void provider.arrived(call.number).then(() => leaving.abort());
  let [id, status] = ['', 0];
  try {
    const response = await fetch(`${gateway}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify(body),
      signal: leaving.signal,
    });
    id = response.headers.get('x-litellm-call-id') ?? '';
    ({ status } = response);
    if (leaves && status === 200) {
      await response.body?.getReader().read();
      leaving.abort();
      return { call, id, status, text: '' };
    }
    return { call, id, status, text: await response.text() };
  } catch {
    // It left, or the answer broke off under its eyes.
    return { call, id, status, text: '' };
  }
}
