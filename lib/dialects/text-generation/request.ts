/** Requests for a provider. What is more than text and a few settings is left out, each loss with a warning. */
import type { GenerateRequest, Message, Sampling, Warning } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { HUMAN, promptOf, textOf } from '../openai-completions/prompt.ts';
import type { Warn } from '../telling.ts';
import { dataUrl } from '../values.ts';
import { DIALECT, put, type Place, type Setting, type Variant } from './wire.ts';

/** Writes a request. */
export function encodeRequest(variant: Variant, request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const body: JsonObject = {};
  if (variant.named === true) body['model'] = target.model;
  const stop = encodeInput(body, variant, request, warn);
  for (const [place, value] of variant.constants ?? []) put(body, place, value);
  encodeSettings(body, variant, settingsOf(variant, request, target, stop), warn);
  encodeStreaming(body, variant, request, warn);
  warnUnsaid(request, warn);
  return { body: { ...body, ...request.extensions[DIALECT] }, warnings, decoding: {} };
}

/** Writes the conversation; returns what must end the answer besides the client's own stop sequences. */
function encodeInput(body: JsonObject, { input, image }: Variant, request: GenerateRequest, warn: Warn): string | undefined {
  const messages = image === undefined ? request.messages : withoutImage(body, image, request.messages);
  if (input.type === 'prompt') {
    const { text, stop } = promptOf(messages, warn, ...(input.human === true ? [HUMAN] : []));
    put(body, input.at, input.listed === true ? [text] : text);
    return stop;
  }
  const told = messages.map((message, index) => {
    const text = textOf(message, index, warn);
    const role = message.role === 'developer' ? 'system' : message.role === 'tool' ? 'user' : message.role;
    return { role, content: input.parts === true ? [{ type: 'text', text }] : text };
  });
  put(body, input.at, told);
  return undefined;
}

/** Writes the last picture; the messages without it. Others stay, to be warned of. */
function withoutImage(body: JsonObject, place: Place, messages: readonly Message[]): readonly Message[] {
  const pictures = messages.flatMap(({ parts }) => parts.filter((part) => part.type === 'image'));
  const last = pictures.findLast(({ source }) => source.type === 'url' || source.type === 'base64');
  if (last === undefined) return messages;
  const { source } = last;
  if (source.type === 'url') put(body, place, source.url);
  else if (source.type === 'base64') put(body, place, dataUrl(source.mediaType, source.data));
  return messages.map((message) => ({ ...message, parts: message.parts.filter((part) => part !== last) }));
}

type Settings = Readonly<Partial<Record<Setting, unknown>>>;

function settingsOf(variant: Variant, request: GenerateRequest, target: UpstreamTarget, stop: string | undefined): Settings {
  const { sampling, user } = request;
  const cap = variant.cap === undefined ? undefined : Math.min(variant.cap, target.maxOutputTokens ?? variant.cap);
  const stops = [...(sampling.stop ?? []), ...(stop === undefined || variant.settings.stop === undefined ? [] : [stop])];
  return {
    maxOutputTokens: request.maxOutputTokens ?? cap,
    ...(variant.drawing === undefined ? sampling : drawn(sampling)),
    stop: stops.length === 0 ? undefined : stops,
    user,
  };
}

/** Sampling for APIs with a switch: without it they take the likeliest token, which is what a temperature of 0 asks for. */
function drawn(sampling: Sampling): Sampling {
  const { temperature, topP, topK, ...rest } = sampling;
  if (temperature === 0) return rest;
  return {
    ...rest,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && topP < 1 && { topP }),
    ...(topK !== undefined && { topK }),
  };
}

/** Settings by the names that clients know. */
const FIELDS: Readonly<Record<Setting, string>> = {
  maxOutputTokens: 'max_tokens',
  temperature: 'temperature',
  topP: 'top_p',
  topK: 'top_k',
  seed: 'seed',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  stop: 'stop',
  user: 'user',
};

function encodeSettings(body: JsonObject, { settings: places, drawing }: Variant, settings: Settings, warn: Warn): void {
  for (const setting of Object.keys(FIELDS) as Setting[]) {
    const value = settings[setting];
    const place = places[setting];
    if (value === undefined) continue;
    if (place !== undefined) put(body, place, value);
    else warn(noSuch(FIELDS[setting]));
  }
  const draws = [settings.temperature, settings.topP, settings.topK].some((value) => value !== undefined);
  if (drawing !== undefined && draws) put(body, drawing[0], drawing[1]);
}

function encodeStreaming(body: JsonObject, { stream }: Variant, request: GenerateRequest, warn: Warn): void {
  if (!request.stream) return;
  if (stream?.asked !== undefined) put(body, stream.asked, true);
  if (stream !== undefined) return;
  const reason = 'The API has no stream that tells its end: the answer was asked for whole and sent as a stream of one piece.';
  warn({ kind: 'changed', field: 'stream', reason });
}

const noSuch = (field: string): Warning => ({ kind: 'dropped', field, reason: 'The API has no such setting.' });

/** Everything else that a request may say. A value that means the default is no loss. */
function warnUnsaid(request: GenerateRequest, warn: Warn): void {
  const { tools = [], toolChoice, output, reasoning, sampling, serviceTier, metadata, cache, messages } = request;
  const { [DIALECT]: _own, ...foreign } = request.extensions;
  for (const [dialect, fields] of Object.entries(foreign)) {
    for (const field of Object.keys(fields)) warn({ kind: 'dropped', field, reason: `The field is known to ${dialect} only.` });
  }
  const marked = (item: object): boolean => 'cache' in item && item.cache !== undefined;
  const unsaid: Readonly<Record<string, boolean>> = {
    tools: tools.length > 0,
    tool_choice: toolChoice?.type === 'required' || toolChoice?.type === 'tool',
    response_format: output !== undefined && output.type !== 'text',
    reasoning_effort: reasoning !== undefined && reasoning.mode !== 'disabled' && reasoning.effort !== 'none',
    n: (sampling.choices ?? 1) !== 1,
    logit_bias: Object.keys(sampling.logitBias ?? {}).length > 0,
    logprobs: sampling.logprobs === true,
    service_tier: serviceTier !== undefined && !/^(auto|default|standard)/.test(serviceTier),
    metadata: Object.keys(metadata ?? {}).length > 0,
    cache_control: cache !== undefined || tools.some(marked) || messages.some(({ parts }) => parts.some(marked)),
  };
  for (const [field, said] of Object.entries(unsaid)) if (said) warn(noSuch(field));
}
