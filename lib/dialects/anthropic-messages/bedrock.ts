/**
 * Messages in the envelope of Bedrock's InvokeModel, a language of clients only: `@anthropic-ai/bedrock-sdk` and Claude Code speak it.
 * The body is a Messages body that names its version and neither model nor streaming, which the path tells; betas are a field of it.
 * A stream is AWS messages of the type `chunk`, each with one event of Messages in base64; errors are Bedrock's. Source: the stream in
 * the type declarations of `@aws-sdk/client-bedrock-runtime` 3.1164, the body as `@ai-sdk/amazon-bedrock` 5.0 writes it, checked
 * 2026-11-22.
 */
import type { DialectId, GenerateRequest } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { encodeError, streamException } from '../bedrock-converse/error.ts';
import { eventLine } from '../bedrock-converse/wire.ts';
import type { Asked, ClientSide, ReplyContext, StreamEncoder } from '../dialect.ts';
import { encodeStream as encodeMessageStream } from './encoder.ts';
import { reportedError } from './error.ts';
import { invalid } from './fields.ts';
import { passthrough } from './passthrough.ts';
import { decodeRequest as decodeMessageRequest } from './request.ts';
import { encodeResponse } from './response.ts';
import { ID as MESSAGES } from './wire.ts';

const ID = 'anthropic-bedrock' satisfies DialectId;

/** The one version there is. */
const VERSION = 'bedrock-2023-05-31';

/**
 * A client's request. What Messages do not model travels as theirs, so nothing is lost on the way to a provider of Messages.
 *
 * @throws GatewayError `invalid_request` for bodies of other vendors' models, and as Messages do
 */
function decodeRequest(body: JsonObject, asked: Asked = {}): GenerateRequest {
  const { anthropic_version: version, ...message } = body;
  if (version !== VERSION) {
    throw invalid(
      'anthropic_version',
      `Expected "${VERSION}": bodies of Claude are the only ones taken by invoke. Other models are called by converse.`,
    );
  }
  return decodeMessageRequest({ ...message, model: asked.model, stream: asked.stream ?? false });
}

/** The encoder of Messages, each of its events in a message of its own. */
function encodeStream(context: ReplyContext): StreamEncoder {
  const messages = encodeMessageStream(context);
  return {
    push(event) {
      const text = messages.push(event);
      return event.type === 'error' && text !== '' ? exceptionLine(event.error) : linesOf(text);
    },
    end: () => linesOf(messages.end()),
  };
}

const linesOf = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith(DATA))
    .map((line) => lineOf(line.slice(DATA.length)))
    .join('');

const DATA = 'data: ';

function lineOf(json: string): string {
  const event = JSON.parse(json) as JsonObject;
  if (event['type'] === 'error') return exceptionLine(reportedError(event));
  return eventLine('chunk', { bytes: Buffer.from(json).toString('base64') });
}

function exceptionLine(error: Parameters<typeof streamException>[0]): string {
  const { type, data } = streamException(error);
  return eventLine(`exception:${type}`, data);
}

/** `POST /model/{id}/invoke` and `/invoke-with-response-stream`, for Claude's bodies. */
export const anthropicBedrock: ClientSide = {
  id: ID,
  variantOf: MESSAGES,
  framing: 'aws-event-stream',
  modelInPath: true,
  decodeRequest,
  encodeResponse,
  encodeStream,
  encodeError,
  passthrough,
};
