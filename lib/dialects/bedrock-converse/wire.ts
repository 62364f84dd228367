/**
 * Words of Amazon Bedrock's Converse API that both directions share. Source: the type declarations of
 * `@aws-sdk/client-bedrock-runtime` 3.1163, checked 2026-11-22.
 */
import type { CacheMark, DialectId, FinishReason } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Ending } from '../telling.ts';

/** Our id, as origin of parts and key of extensions. */
export const ID = 'bedrock-converse' satisfies DialectId;

/**
 * Origin of the signatures on readable reasoning. Only Claude signs on Bedrock, and Anthropic documents that "signature values are
 * compatible across platforms" (Claude API, Bedrock, Vertex AI): so these are Anthropic's, and travel to its own API and back.
 * Redacted reasoning is bytes here and text there, and stays Bedrock's own.
 */
export const SIGNER = 'anthropic-messages' satisfies DialectId;

/** One message of a client's stream, as `transport/aws-event-stream` takes it. */
export const eventLine = (event: string, data: JsonObject): string => `${JSON.stringify({ event, data })}\n`;

const FINISHES: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter',
  malformed_model_output: 'other',
  malformed_tool_use: 'other',
};

/** The meaning of a `stopReason`; words we do not know are `other`. */
export const finishOf = (stopReason: string): FinishReason => FINISHES[stopReason] ?? 'other';

/** The `stopReason` of an answer. The provider's own word is kept where two of Bedrock's mean the same. */
export function stopReasonOf({ reason, raw = '', stopSequence, callsTools, refuses }: Ending): string {
  const own = FINISHES[raw] === reason ? raw : undefined;
  switch (reason) {
    case 'length':
      return own ?? 'max_tokens';
    case 'content-filter':
      return own ?? 'content_filtered';
    case 'refusal':
      return 'content_filtered';
    case 'stop':
    case 'tool-calls':
    case 'pause':
    case 'error':
    case 'other':
      break;
  }
  if (callsTools) return 'tool_use';
  if (refuses) return 'content_filtered';
  if (own !== undefined && own !== 'tool_use') return own;
  return stopSequence === undefined ? 'end_turn' : 'stop_sequence';
}

/** The block that marks what stands before it for the cache; none without a mark. */
export const cachePoint = (cache: CacheMark | undefined): JsonObject[] =>
  cache === undefined ? [] : [{ cachePoint: { type: 'default', ...cache } }];

/** Formats of files by their media type, the words the API uses. */
const FORMATS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpeg',
  'image/jpg': 'jpeg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'application/pdf': 'pdf',
  'text/csv': 'csv',
  'application/msword': 'doc',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'application/vnd.ms-excel': 'xls',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  'text/html': 'html',
  'text/plain': 'txt',
  'text/markdown': 'md',
};

/** The format of a media type, parameters aside; any other text is `txt`. Undefined for what the API does not take. */
export function formatOf(mediaType: string): string | undefined {
  const [type = ''] = mediaType.toLowerCase().split(';');
  return FORMATS[type.trim()] ?? (type.startsWith('text/') ? 'txt' : undefined);
}

/** The media type of a format of `family` (`image`); the reverse of `formatOf`. */
export function mediaTypeOf(format: string, family: 'image' | 'application'): string {
  const known = Object.keys(FORMATS).find((type) => FORMATS[type] === format);
  return known ?? `${family}/${format}`;
}
