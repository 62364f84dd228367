import { describe, expect, it } from 'vitest';
import { anthropicBedrock } from '../../../../lib/dialects/anthropic-messages/bedrock.ts';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { CASES, contextOf, dataOf, eventsOf, streamFixture, streamText } from './support.ts';

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
  const encoder = anthropicBedrock.encodeStream(contextOf().context);
  const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

const unpacked = ({ data }: Line): unknown => JSON.parse(Buffer.from(String(data.bytes), 'base64').toString('utf8'));

describe('a request', () => {
  it('is one of Messages whose model and streaming the path tells', () => {
    const request = anthropicBedrock.decodeRequest(body, { model: 'claude', stream: true });

    expect(request).toMatchObject({ model: 'claude', stream: true, maxOutputTokens: 100 });
    expect(request.extensions).toEqual({ 'anthropic-messages': { anthropic_beta: body.anthropic_beta } });
  });

  it('names its betas in a header when it goes to a provider of Messages', () => {
    const request = anthropicBedrock.decodeRequest(body, { model: 'claude' });

    const encoded = anthropicMessages.encodeRequest(request, { model: 'claude-opus', structuredOutput: 'native' });

    expect(encoded.headers).toEqual({ 'anthropic-beta': 'context-1m,interleaved-thinking' });
    expect(encoded.body).toEqual({ model: 'claude-opus', max_tokens: 100, messages: body.messages });
  });

  it('lets no name of a beta break out of the header', () => {
    const request = anthropicBedrock.decodeRequest({ ...body, anthropic_beta: ['a\r\nx: y', 7] }, { model: 'claude' });

    const encoded = anthropicMessages.encodeRequest(request, { model: 'claude-opus', structuredOutput: 'native' });

    expect(encoded.headers).toBeUndefined();
  });

  it.each([
    ['Titan', { inputText: 'Hi' }],
    ['Llama', { prompt: 'Hi', max_gen_len: 10 }],
    ['another version', { ...body, anthropic_version: '2023-06-01' }],
  ])('with a body of %s is refused', (_name, other) => {
    const decode = (): unknown => anthropicBedrock.decodeRequest(other, { model: 'm' });

    expect(decode).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param: 'anthropic_version' } }));
  });

  it('without what Messages demand is refused as they refuse it', () => {
    const decode = (): unknown =>
      anthropicBedrock.decodeRequest({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 1 }, { model: 'm' });

    expect(decode).toThrow('messages: Field required');
  });
});

describe('a stream', () => {
  it.each(CASES)('has the events of Messages, each in a chunk (%s)', (name) => {
    const events = eventsOf([streamFixture(name)]);

    const lines = linesOf(events);

    expect(new Set(lines.map(({ event }) => event))).toEqual(new Set(['chunk']));
    expect(lines.map(unpacked)).toEqual(dataOf(streamText(events)));
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
  const error = anthropicBedrock.encodeError(new GatewayError('permission', 'No.'), 'CALL');

  expect(error).toMatchObject({ __type: 'AccessDeniedException', message: 'No.' });
});
