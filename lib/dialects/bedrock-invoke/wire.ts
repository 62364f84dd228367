/**
 * Bedrock's InvokeModel: an envelope around bodies that each vendor's models have of their own. The model and streaming are in the path; a
 * stream is AWS messages of the type `chunk`, each with one piece of JSON in base64; what was used is told in headers, or beside the last
 * piece. Sources: the model parameters in Amazon Bedrock's user guide, the type declarations of `@aws-sdk/client-bedrock-runtime`
 * 3.1164, recorded answers of Claude and Nova, checked 2026-11-28.
 */
import type { DialectId } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import type { Headers } from '../../transport/message.ts';
import { invalid } from '../anthropic-messages/fields.ts';
import { numberOf } from '../values.ts';

/** This dialect. */
export const DIALECT = 'bedrock-invoke' satisfies DialectId;

/** The bodies there are, each named after the models that have it. `openai` is that of gpt-oss, Qwen, Jamba and DeepSeek V3 too. */
export const BODIES = [
  'claude',
  'nova',
  'openai',
  'mistral',
  'cohere',
  'titan',
  'llama',
  'mistral-text',
  'deepseek-text',
] as const;

/** One of them. */
export type Body = (typeof BODIES)[number];

/** Which body this is: its fields say so, and, where vendors have the same ones, the name of the model. Throws `invalid_request`. */
export function bodyOf(body: JsonObject, model: string): Body {
  const name = model.toLowerCase();
  if (body['anthropic_version'] !== undefined) return 'claude';
  if (body['inputText'] !== undefined) return 'titan';
  if (typeof body['prompt'] === 'string') return promptBodyOf(body, name);
  if (typeof body['message'] === 'string') return 'cohere';
  if (Array.isArray(body['messages'])) return chatBodyOf(body, body['messages'], name);
  throw invalid('body', `Unknown kind of body. Known: ${KNOWN}.`);
}

const KNOWN =
  'Claude (anthropic_version, messages), Amazon Nova (messages, inferenceConfig), Titan (inputText), Llama (prompt, max_gen_len), Mistral ' +
  '(prompt or messages), Cohere Command R (message), and the chat completions of Jamba, DeepSeek, gpt-oss and Qwen (messages)';

function promptBodyOf(body: JsonObject, name: string): Body {
  if (body['max_gen_len'] !== undefined || name.includes('llama')) return 'llama';
  if (name.includes('deepseek')) return 'deepseek-text';
  if (/mi[sx]tral/.test(name)) return 'mistral-text';
  throw invalid(
    'prompt',
    'Llama, Mistral and DeepSeek all have such bodies, and answer each in its own way: put the name of the vendor into the name of the ' +
      'model, send max_gen_len for a body of Llama, or call the model by converse.',
  );
}

function chatBodyOf(body: JsonObject, messages: readonly unknown[], name: string): Body {
  if (body['schemaVersion'] !== undefined || body['inferenceConfig'] !== undefined || messages.some(isBlocks)) return 'nova';
  if (/anthropic|claude/.test(name)) {
    throw invalid('anthropic_version', 'Expected "bedrock-2023-05-31" in a body of Claude.');
  }
  return /(?:mis|mix|pix)tral/.test(name) ? 'mistral' : 'openai';
}

/** Nova's content is blocks without a type, as in Converse. */
const isBlocks = (message: unknown): boolean =>
  isObject(message) &&
  Array.isArray(message['content']) &&
  message['content'].some((part: unknown) => isObject(part) && part['type'] === undefined);

/** Where the last piece of a stream tells what was used. */
export const METRICS = 'amazon-bedrock-invocationMetrics';

/** What a stream tells of its usage beside the vendor's own figures. */
export function usageOfMetrics(metrics: unknown): Usage | undefined {
  if (!isObject(metrics)) return undefined;
  return usageOf({
    fresh: metrics['inputTokenCount'],
    read: metrics['cacheReadInputTokenCount'],
    written: metrics['cacheWriteInputTokenCount'],
    output: metrics['outputTokenCount'],
  });
}

/** What the headers of a whole answer tell. */
export const usageOfHeaders = (headers: Headers): Usage | undefined =>
  usageOf({
    fresh: count(headers['x-amzn-bedrock-input-token-count']),
    read: count(headers['x-amzn-bedrock-cache-read-input-token-count']),
    written: count(headers['x-amzn-bedrock-cache-write-input-token-count']),
    output: count(headers['x-amzn-bedrock-output-token-count']),
  });

const count = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));

function usageOf(figures: Readonly<Record<'fresh' | 'read' | 'written' | 'output', unknown>>): Usage | undefined {
  const [fresh, read, written, output] = [figures.fresh, figures.read, figures.written, figures.output].map(numberOf);
  if (fresh === undefined || output === undefined) return undefined;
  return {
    inputTokens: fresh + (read ?? 0) + (written ?? 0),
    ...(read !== undefined && { cacheReadTokens: read }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    outputTokens: output,
    source: 'provider',
  };
}

/** The other way, for clients: LangChain and others read the headers. */
export const headersOfUsage = (usage: Usage): Headers => {
  const { inputTokenCount, outputTokenCount } = metricsOf(usage);
  return {
    'x-amzn-bedrock-input-token-count': String(inputTokenCount),
    'x-amzn-bedrock-output-token-count': String(outputTokenCount),
  };
};

/** The same for streams. */
export const metricsOf = ({ inputTokens = 0, outputTokens = 0, cacheReadTokens, cacheWriteTokens }: Usage): JsonObject => ({
  inputTokenCount: Math.max(0, inputTokens - (cacheReadTokens ?? 0) - (cacheWriteTokens ?? 0)),
  outputTokenCount: outputTokens,
  ...(cacheReadTokens !== undefined && { cacheReadInputTokenCount: cacheReadTokens }),
  ...(cacheWriteTokens !== undefined && { cacheWriteInputTokenCount: cacheWriteTokens }),
});
