import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { bedrockInvoke } from '../../../../lib/dialects/bedrock-invoke/index.ts';
import { metricsOf } from '../../../../lib/dialects/bedrock-invoke/wire.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { mergeUsage, type Usage } from '../../../../lib/kinds/usage.ts';
import { CASES, contextOf, dataOf, eventsOf, streamFixture, streamText } from '../anthropic-messages/support.ts';

const body = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 100,
  messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
  anthropic_beta: ['context-1m', 'interleaved-thinking'],
};

interface Line {
  readonly event: string;
  readonly data: JsonObject;
}

function linesOf(events: readonly GenerateEvent[]): Line[] {
  const encoder = bedrockInvoke.encodeStream({ ...contextOf().context, request: body });
  const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** The last usage of these events. */
const usageOf = (events: readonly GenerateEvent[]): Usage =>
  events.reduce<Usage>((usage, event) => (event.type === 'usage' ? mergeUsage(usage, event.usage) : usage), {
    source: 'provider',
  });

const unpacked = ({ data }: Line): unknown => JSON.parse(Buffer.from(String(data.bytes), 'base64').toString('utf8'));

describe('a request', () => {
  it('is one of Messages whose model and streaming the path tells', () => {
    const request = bedrockInvoke.decodeRequest(body, { model: 'claude', stream: true });

    expect(request).toMatchObject({ model: 'claude', stream: true, maxOutputTokens: 100 });
    expect(request.extensions).toEqual({ 'anthropic-messages': { anthropic_beta: body.anthropic_beta } });
  });

  it('names its betas in a header when it goes to a provider of Messages', () => {
    const request = bedrockInvoke.decodeRequest(body, { model: 'claude' });

    const encoded = anthropicMessages.encodeRequest(request, { model: 'claude-opus', structuredOutput: 'native' });

    expect(encoded.headers).toEqual({ 'anthropic-beta': 'context-1m,interleaved-thinking' });
    expect(encoded.body).toEqual({ model: 'claude-opus', max_tokens: 100, messages: body.messages });
  });

  it('lets no name of a beta break out of the header', () => {
    const request = bedrockInvoke.decodeRequest({ ...body, anthropic_beta: ['a\r\nx: y', 7] }, { model: 'claude' });

    const encoded = anthropicMessages.encodeRequest(request, { model: 'claude-opus', structuredOutput: 'native' });

    expect(encoded.headers).toBeUndefined();
  });

  it.each([
    ['another version', { ...body, anthropic_version: '2023-06-01' }],
    ['no version', { max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] }],
  ])('with %s is refused', (_name, other) => {
    const decode = (): unknown => bedrockInvoke.decodeRequest(other, { model: 'anthropic.claude' });

    expect(decode).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param: 'anthropic_version' } }));
  });

  it('without what Messages demand is refused as they refuse it', () => {
    const decode = (): unknown =>
      bedrockInvoke.decodeRequest({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 1 }, { model: 'm' });

    expect(decode).toThrow('messages: Field required');
  });
});

describe('a stream', () => {
  it.each(CASES)('has the events of Messages, each in a chunk (%s)', (name) => {
    const events = eventsOf([streamFixture(name)]);

    const lines = linesOf(events);

    expect(new Set(lines.map(({ event }) => event))).toEqual(new Set(['chunk']));
    const told = lines.map(unpacked) as JsonObject[];
    const { 'amazon-bedrock-invocationMetrics': metrics, ...last } = told.at(-1) ?? {};
    expect([...told.slice(0, -1), last]).toEqual(dataOf(streamText(events)));
    expect(metrics).toEqual(metricsOf(usageOf(events)));
  });

  it("ends with Bedrock's exception after an error, and with nothing else", () => {
    const error = new GatewayError('rate_limit', 'Slow down.');

    const lines = linesOf([
      { type: 'error', error },
      { type: 'error', error },
    ]);

    expect(lines).toEqual([{ event: 'exception:throttlingException', data: { message: 'Slow down.' } }]);
  });

  it('that never finished says so', () => {
    const lines = linesOf([{ type: 'text-delta', choice: 0, block: 0, text: 'Half' }]);

    expect(lines.at(-1)).toMatchObject({
      event: 'exception:modelStreamErrorException',
      data: { message: 'The answer ended without a finish reason.' },
    });
  });
});

it("errors are Bedrock's", () => {
  const error = bedrockInvoke.encodeError(new GatewayError('permission', 'No.'), 'CALL');

  expect(error).toMatchObject({ __type: 'AccessDeniedException', message: 'No.' });
});
