import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import { answerOf, CASES, contextOf, eventsOf, linesOf, responseFixture, streamFixture, streamText } from './support.ts';

const FINISH: GenerateEvent = { type: 'finish', choice: 0, reason: 'stop' };
const at = (block: number) => ({ choice: 0, block });
const contentOf = (events: readonly GenerateEvent[]): unknown =>
  (answerOf(streamText(events)).output as { message: { content: unknown } }).message.content;

describe('a stream for a client', () => {
  it.each(CASES)('says of %s what the whole answer says', (name) => {
    const events = eventsOf([streamFixture(name)]);
    const { context, warnings } = contextOf();

    expect(answerOf(streamText(events, context))).toEqual(responseFixture(name));
    expect(bedrockConverse.encodeResponse(foldEvents(events), context)).toEqual(responseFixture(name));
    expect(warnings).toEqual([]);
  });

  it('tells blocks that came mixed one after the other', () => {
    const events: GenerateEvent[] = [
      { type: 'start' },
      { type: 'text-start', ...at(0) },
      { type: 'tool-call-start', ...at(1), id: 'c1', name: 'f' },
      { type: 'text-delta', ...at(0), text: 'a' },
      { type: 'tool-call-start', ...at(2), id: 'c2', name: 'g' },
      { type: 'tool-call-delta', ...at(1), arguments: '{"x":' },
      { type: 'tool-call-delta', ...at(2), arguments: '{}' },
      { type: 'text-end', ...at(0) },
      { type: 'tool-call-end', ...at(2) },
      { type: 'tool-call-delta', ...at(1), arguments: '1}' },
      { type: 'tool-call-end', ...at(1) },
      FINISH,
    ];

    expect(contentOf(events)).toEqual([
      { text: 'a' },
      { toolUse: { toolUseId: 'c1', name: 'f', input: { x: 1 } } },
      { toolUse: { toolUseId: 'c2', name: 'g', input: {} } },
    ]);
    expect(answerOf(streamText(events))).toMatchObject({ stopReason: 'tool_use' });
  });

  it('gives the same blocks for any mixture of the same events', () => {
    const blocks: GenerateEvent[][] = [0, 1, 2, 3].map((block) => [
      { type: 'tool-call-start', ...at(block), id: `c${block}`, name: `f${block}` },
      { type: 'tool-call-delta', ...at(block), arguments: '{"n":' },
      { type: 'tool-call-delta', ...at(block), arguments: `${block}}` },
      { type: 'tool-call-end', ...at(block) },
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 40, maxLength: 60 }), (turns) => {
        const queues = blocks.map((events) => [...events]);
        const mixed = [...turns, 0, 1, 2, 3].flatMap((turn) => queues[turn]?.splice(0, 1) ?? []);
        const rest = queues.flat();
        const content = contentOf([...mixed, ...rest, FINISH]) as { toolUse: { toolUseId: string } }[];
        const inputs = content.map(({ toolUse }) => [toolUse.toolUseId, toolUse]);
        expect(Object.fromEntries(inputs)).toEqual(
          Object.fromEntries([0, 1, 2, 3].map((n) => [`c${n}`, { toolUseId: `c${n}`, name: `f${n}`, input: { n } }])),
        );
      }),
    );
  });

  it('ends a refusal where the next block begins, and says that the answer was filtered', () => {
    const text = streamText([
      { type: 'refusal-delta', ...at(0), text: 'I will ' },
      { type: 'refusal-delta', ...at(0), text: 'not.' },
      { type: 'text-start', ...at(1) },
      { type: 'text-delta', ...at(1), text: 'Sorry' },
      { type: 'text-end', ...at(1) },
      { type: 'refusal-delta', ...at(2), text: 'Really.' },
      FINISH,
    ]);

    expect(answerOf(text)).toMatchObject({
      stopReason: 'content_filtered',
      output: { message: { content: [{ text: 'I will not.' }, { text: 'Sorry' }, { text: 'Really.' }] } },
    });
  });

  it('closes a block without an end, and leaves out blocks with nothing in them', () => {
    expect(
      contentOf([
        { type: 'text-start', ...at(0) },
        { type: 'text-end', ...at(0) },
        { type: 'reasoning-start', ...at(1) },
        { type: 'reasoning-end', ...at(1) },
        { type: 'text-delta', ...at(2), text: 'a' },
        { type: 'tool-call-start', ...at(3), id: '', name: 'f' },
        FINISH,
      ]),
    ).toMatchObject([{ text: 'a' }, { toolUse: { toolUseId: 'tooluse_CALL_0', name: 'f' } }]);
  });

  it('marks reasoning without a proof, and carries proofs of others as tokens', () => {
    const content = contentOf([
      { type: 'reasoning-start', ...at(0) },
      { type: 'reasoning-delta', ...at(0), text: 'plain' },
      { type: 'reasoning-end', ...at(0) },
      { type: 'reasoning-start', ...at(1), origin: 'openai-chat' },
      { type: 'reasoning-delta', ...at(1), text: 'proven' },
      { type: 'reasoning-end', ...at(1), details: [{ type: 'reasoning.text' }] },
      { type: 'reasoning-start', ...at(2), origin: 'anthropic-messages' },
      { type: 'reasoning-end', ...at(2), data: 'UkVE' },
      { type: 'tool-call-start', ...at(3), id: 'c', name: 'f' },
      { type: 'tool-call-end', ...at(3), signature: 'thought' },
      FINISH,
    ]);
    const token = expect.stringMatching(/^tg1\./) as unknown;
    const bytes = expect.stringMatching(/^dGcxL/) as unknown;

    expect(content).toEqual([
      { reasoningContent: { reasoningText: { text: 'plain', signature: '' } } },
      { reasoningContent: { reasoningText: { text: 'proven', signature: token } } },
      { reasoningContent: { redactedContent: bytes } },
      { toolUse: { toolUseId: 'c', name: 'f', input: {} } },
      { reasoningContent: { redactedContent: bytes } },
    ]);
  });

  it('warns once of each kind of thing that it cannot say', () => {
    const { context, warnings } = contextOf();
    const citation = { origin: 'openai-chat', raw: {} } as const;
    const text = streamText(
      [
        { type: 'text-delta', ...at(0), text: 'a' },
        { type: 'citation', ...at(0), citation },
        { type: 'citation', ...at(0), citation: { ...citation, url: 'https://example.com/a', title: 'A', citedText: 'b' } },
        { type: 'text-delta', choice: 1, block: 0, text: 'other' },
        { type: 'logprobs', choice: 0, logprobs: {} },
        { type: 'text-end', ...at(0) },
        { type: 'media', ...at(1), part: { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } } },
        { type: 'media', ...at(2), part: { type: 'image', source: { type: 'url', url: 'https://example.com/i.png' } } },
        { type: 'opaque', ...at(3), part: { type: 'opaque', origin: 'gemini', value: {} } },
        { type: 'opaque', ...at(4), part: { type: 'opaque', origin: 'bedrock-converse', value: { guardContent: {} } } },
        FINISH,
        { type: 'finish', choice: 1, reason: 'stop' },
      ],
      context,
    );

    expect(warnings.map(({ field }) => field)).toEqual(['citations', 'n', 'logprobs', 'modalities', 'content']);
    expect(answerOf(text)).toMatchObject({
      output: {
        message: {
          content: [
            {
              citationsContent: {
                content: [{ text: 'a' }],
                citations: [
                  {
                    title: 'A',
                    sourceContent: [{ text: 'b' }],
                    location: { web: { url: 'https://example.com/a', domain: 'example.com' } },
                  },
                ],
              },
            },
          ],
        },
      },
    });
  });

  it('puts usage, tier and cost into the last message', () => {
    const usage = {
      inputTokens: 10,
      cacheReadTokens: 4,
      outputTokens: 5,
      serviceTier: 'standard',
      source: 'provider',
    } as const;
    const lines = linesOf(streamText([{ type: 'usage', usage }, FINISH], contextOf({ costOf: () => 0.25 }).context));

    expect(lines.map(({ event }) => event)).toEqual(['messageStart', 'messageStop', 'metadata']);
    expect(lines.at(-1)?.data).toEqual({
      metrics: { latencyMs: 0 },
      usage: { inputTokens: 6, outputTokens: 5, totalTokens: 15, cacheReadInputTokens: 4, cost: 0.25 },
      serviceTier: { type: 'default' },
    });
  });

  it.each([
    ['rate_limit', 'throttlingException'],
    ['budget_exceeded', 'throttlingException'],
    ['invalid_request', 'validationException'],
    ['overloaded', 'serviceUnavailableException'],
    ['upstream', 'modelStreamErrorException'],
    ['internal', 'internalServerException'],
  ] as const)('tells %s as a %s, and nothing after it', (kind, type) => {
    const text = streamText([
      { type: 'text-delta', ...at(0), text: 'a' },
      { type: 'error', error: new GatewayError(kind, 'It broke.') },
      { type: 'text-delta', ...at(0), text: 'b' },
    ]);
    const last = linesOf(text).at(-1);

    expect(last?.event).toBe(`exception:${type}`);
    expect(last?.data.message).toBe('It broke.');
  });

  it('tells of an answer without a finish reason as an error', () => {
    expect(linesOf(streamText([{ type: 'text-delta', ...at(0), text: 'a' }])).at(-1)).toMatchObject({
      event: 'exception:modelStreamErrorException',
      data: { message: expect.stringContaining('finish reason') as unknown },
    });
  });
});
