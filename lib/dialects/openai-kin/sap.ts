/**
 * SAP's orchestration service, version 2: OpenAI's messages as a template, its settings as parameters of a model. Sources: the type
 * declarations and the client of `@sap-ai-sdk/orchestration` (2.16), checked 2026-11-28.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { objectsOf, present } from '../values.ts';
import { messagesOf, type ChunkReader, type Kin } from './wire.ts';

/** Models that know the newer name of the cap only. */
const NEWER = /^(?:gpt-5|o\d)/;

/** Begins a placeholder in the text of a template. */
const PLACEHOLDER = '{{?';

/** A text in which the service would look for placeholders becomes the value of one. */
function escaped(texts: Record<string, string>): (value: unknown) => unknown {
  return (value) => {
    if (typeof value !== 'string' || !value.includes(PLACEHOLDER)) return value;
    const name = `said_${Object.keys(texts).length}`;
    texts[name] = value;
    return `${PLACEHOLDER}${name}}}`;
  };
}

function request(body: JsonObject): JsonObject {
  const { model, messages: _messages, tools, response_format: format, stream, max_completion_tokens: cap, ...settings } = body;
  const params = {
    ...settings,
    ...present(NEWER.test(String(model)) ? 'max_completion_tokens' : 'max_tokens', cap ?? undefined),
  };
  const texts: Record<string, string> = {};
  const escape = escaped(texts);
  const template = messagesOf(body).map((message) => {
    const { content } = message;
    if (!Array.isArray(content)) return { ...message, ...(content === null ? { content: '' } : { content: escape(content) }) };
    const parts = objectsOf(content).map((part) => ('text' in part ? { ...part, text: escape(part['text']) } : part));
    return { ...message, content: parts };
  });
  const prompt = {
    template,
    ...(tools !== undefined && { tools }),
    ...(format !== undefined && { response_format: format }),
  };
  return {
    config: {
      modules: { prompt_templating: { prompt, model: { name: model, version: 'latest', params } } },
      ...(stream === true && { stream: { enabled: true } }),
    },
    ...(Object.keys(texts).length > 0 && { placeholder_values: texts }),
  };
}

/** Blocks of reasoning as one text. */
function plain(holder: unknown): unknown {
  if (!isObject(holder) || !Array.isArray(holder['reasoning_content'])) return holder;
  const text = objectsOf(holder['reasoning_content'])
    .map((block) => block['text'] ?? block['content'] ?? '')
    .filter((piece) => typeof piece === 'string')
    .join('');
  return { ...holder, reasoning_content: text };
}

function resultOf(result: unknown): JsonObject | undefined {
  if (!isObject(result) || !Array.isArray(result['choices'])) return undefined;
  const choices = objectsOf(result['choices']).map((choice) => ({
    ...choice,
    ...('message' in choice && { message: plain(choice['message']) }),
    ...('delta' in choice && { delta: plain(choice['delta']) }),
  }));
  return { ...result, choices };
}

/** The first events tell what other modules did. */
const chunks = (): ChunkReader => (value) => {
  const result = resultOf(value['final_result']);
  return result === undefined ? [] : [result];
};

/** What the orchestration says. */
export const sap: Kin = { request, answer: ({ final_result: result }) => resultOf(result), chunks };
