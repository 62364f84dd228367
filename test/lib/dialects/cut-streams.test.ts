/** What a client reads of a stream, and what goes into the books, does not depend on how the network cut it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDialects } from '../../../lib/dialects/index.ts';
import type { Outcome } from '../../../lib/exchange.ts';
import type { GenerateEvent } from '../../../lib/kinds/generate.ts';
import { relay, type Relay } from '../../../lib/relay.ts';
import type { Estimator } from '../../../lib/tally.ts';
import { anExchange, NOW } from '../../support/exchange.ts';
import { chatChunk, usageChunk } from '../../support/upstream.ts';

const dialects = createDialects();
const chat = await dialects.load('openai-chat');
const messages = await dialects.load('anthropic-messages');
const upstream = await dialects.loadUpstream('openai-chat');

/** Counts what it is shown. */
function anEstimator(): Estimator {
  let seen = 0;
  const usage = () => ({ inputTokens: 1, outputTokens: seen, source: 'estimated' as const });
  return {
    push: ({ type }: GenerateEvent) => void (seen += type === 'text-delta' ? 1 : 0),
    usage,
    unreported: () => ({ input: true, texts: [], others: seen, outputTokens: 0 }),
  };
}

interface Heard {
  readonly text: string;
  readonly outcome: Outcome;
}

/** What becomes of a stream of OpenAI's that arrives in these pieces. */
async function hear(pieces: readonly Uint8Array[], over: Partial<Relay> = {}): Promise<Heard> {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const exchange = anExchange();
  exchange.generate = { ...exchange.generate, stream: true };
  const reply = await relay({
    exchange,
    answer: {
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: body(),
      bytes: () => Promise.reject(new Error('a stream is not read whole')),
      discard: () => {},
    },
    client: chat,
    upstream,
    decoding: {},
    passes: true,
    context: { model: 'm', id: 'call', created: 5, includeUsage: true, request: {}, warn: () => {} },
    hidesUsage: false,
    estimator: anEstimator(),
    limits: {},
    recount: (usage) => Promise.resolve(usage),
    now: () => NOW,
    redact: (error) => error,
    ...over,
  });
  const sent: Uint8Array[] = [];
  for await (const chunk of reply.body as AsyncIterable<Uint8Array>) sent.push(chunk);
  return { text: Buffer.concat(sent).toString(), outcome: await reply.done };
}

const words = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 8 }), fc.constantFrom('é😀東', '"\\\n', '', 'data: x'));
const event = fc.oneof(
  { weight: 6, arbitrary: words.map((content) => chatChunk({ content })) },
  words.map((content) => ({ ...chatChunk({}), choices: [{ index: 1, delta: { content }, finish_reason: null }] })),
  words.map((text) =>
    chatChunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: text } }] }),
  ),
  words.map((token) => ({
    ...chatChunk({}),
    choices: [
      {
        index: 0,
        delta: { content: token },
        logprobs: { content: [{ token, logprob: -1, top_logprobs: [] }] },
        finish_reason: null,
      },
    ],
  })),
);
const ends = [0, 1].map((index) => ({ ...chatChunk({}), choices: [{ index, delta: { content: '' }, finish_reason: 'stop' }] }));

/** A stream as the text of its frames: the usage is one of them. */
const stream = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF'),
    end: fc.constantFrom('\n', '\r\n', '\r'),
    events: fc.array(event, { maxLength: 8 }),
    comment: fc.constantFrom('', ': ping'),
    usage: fc.boolean(),
  })
  .map(({ mark, end, events, comment, usage }) => {
    const frame = (data: unknown): string => `data: ${JSON.stringify(data)}${end}${end}`;
    const before = [...events, ...ends].map(frame).join(comment === '' ? '' : `${comment}${end}${end}`);
    const last = `data: [DONE]${end}${end}`;
    return { mark, before, usage: usage ? frame(usageChunk(7, 3)) : '', last };
  });

/** The same bytes, cut after so many each. */
function cut(text: string, sizes: readonly number[]): Uint8Array[] {
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const size of sizes) {
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...pieces, bytes.subarray(at)];
}
const sizes = fc.array(fc.oneof(fc.nat(5), fc.nat(200)), { maxLength: 30 });

describe('a stream that was cut anywhere', () => {
  it('goes through byte for byte, with the same books', async () => {
    await fc.assert(
      fc.asyncProperty(stream, sizes, async ({ mark, before, usage, last }, at) => {
        const text = mark + before + usage + last;
        const found = await hear(cut(text, at));

        expect(found.text).toBe(text);
        expect(found.outcome).toEqual((await hear([Buffer.from(text)])).outcome);
        if (usage !== '') expect(found.outcome.usage).toMatchObject({ inputTokens: 7, outputTokens: 3 });
      }),
    );
  });

  it('loses its usage, and nothing else, for a client that did not ask for it', async () => {
    await fc.assert(
      fc.asyncProperty(stream, sizes, async ({ mark, before, usage, last }, at) => {
        const found = await hear(cut(mark + before + usage + last, at), { hidesUsage: true });

        expect(found.text).toBe(mark + before + last);
        if (usage !== '') expect(found.outcome.usage).toMatchObject({ inputTokens: 7, outputTokens: 3 });
      }),
    );
  });

  it('says the same in another dialect', async () => {
    await fc.assert(
      fc.asyncProperty(stream, sizes, async ({ mark, before, usage, last }, at) => {
        const text = mark + before + usage + last;
        const translated = { client: messages, passes: false };

        expect(await hear(cut(text, at), translated)).toEqual(await hear([Buffer.from(text)], translated));
      }),
    );
  });
});
