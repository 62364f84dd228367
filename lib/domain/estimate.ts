/**
 * Counts before and without a provider: how much a request may use (the figures of its hold, which err high), and how much an answer
 * used that broke off before its usage came.
 */
import type { CacheMark, GenerateEvent, GenerateRequest, MediaSource, Message, Part, Tool } from '../kinds/generate.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import { mergeUsage, type Usage } from '../kinds/usage.ts';
import { audioTokens, documentTokens, imageTokens, type MediaTarget } from './media-tokens.ts';
import type { TokenClass } from './rate.ts';
import { boundTextTokens, textWeight, tokensOfWeight } from './text-tokens.ts';

/** Output cap assumed where neither the request nor the catalog states one. It bounds a call only if it is sent along. */
const DEFAULT_OUTPUT_TOKENS = 16_384;

/** Tokens around a request, a message, a tool or a call that their texts do not show: roles, separators, framing. */
const AROUND = { request: 32, message: 12, part: 8, tool: 48, call: 32 } as const;

/** The instructions providers add once there are tools (Anthropic: 313 to 675 tokens by model and choice). */
const TOOL_PROMPT = 700;

/** Definition of a tool the provider runs (Anthropic computer use 735, text editor 700). */
const PROVIDER_TOOL = 1_500;

/** Results of a web search that the model reads as input. */
const SEARCH_RESULTS = 16_000;

/** Searches assumed where the request allows them without a limit. */
const DEFAULT_SEARCHES = 5;

/**
 * An upper estimate of the input tokens, media included.
 *
 * @param target The model that will read it; the request's own name for it by default.
 */
export function estimateInputTokens(request: GenerateRequest, target: Partial<MediaTarget> = {}): number {
  const media: MediaTarget = { model: target.model ?? request.model, maxInputTokens: target.maxInputTokens };
  const messages = request.messages.reduce((sum, message) => sum + messageTokens(message, media), 0);
  const tools = (request.tools ?? []).reduce((sum, tool) => sum + toolTokens(tool), 0);
  const format = request.output?.type === 'json-schema' ? TOOL_PROMPT + jsonTokens(request.output) : 0;
  const prompt = request.tools === undefined || request.tools.length === 0 ? 0 : TOOL_PROMPT;
  const searches = webSearchBound(request) * SEARCH_RESULTS;
  return AROUND.request + messages + tools + format + prompt + searches + extensionTokens(request.extensions);
}

/** The most output tokens of one choice: the request's cap within the model's limit, else that limit, else a default. */
export function outputCap(request: GenerateRequest, limits: { readonly maxOutputTokens?: number | undefined }): number {
  const asked = request.maxOutputTokens ?? limits.maxOutputTokens ?? DEFAULT_OUTPUT_TOKENS;
  return Math.min(asked, limits.maxOutputTokens ?? asked);
}

/** How many answers are written: as many as asked for, and those that `best_of` of legacy completions writes and does not return. */
export function choicesOf({ sampling, extensions }: GenerateRequest): number {
  const bestOf = extensions['openai-completions']?.['best_of'];
  return Math.max(1, sampling.choices ?? 1, typeof bestOf === 'number' ? bestOf : 1);
}

/**
 * Web searches the provider may make: the tool's own limit (`max_uses`), or a default where a search tool or OpenAI's
 * `web_search_options` sets none; 0 without either.
 */
export function webSearchBound(request: GenerateRequest): number {
  const limits = (request.tools ?? []).flatMap((tool) => {
    if (tool.type !== 'provider' || !isSearch(tool.value['type'])) return [];
    const uses = tool.value['max_uses'];
    return [typeof uses === 'number' && uses >= 0 ? uses : DEFAULT_SEARCHES];
  });
  const byOption = isObject(request.extensions['openai-chat']?.['web_search_options']) ? DEFAULT_SEARCHES : 0;
  return limits.reduce((sum, uses) => sum + uses, byOption);
}

/** Multipliers of the price the request asks for: Anthropic's `speed` and `inference_geo`. */
export function requestedModifiers(request: GenerateRequest): readonly string[] {
  const fields = request.extensions['anthropic-messages'] ?? {};
  return [fields['speed'], fields['inference_geo']].filter((word): word is string => typeof word === 'string');
}

/** Token classes the request cannot use, whose prices a hold may leave out: audio it has not, 1-hour cache marks it does not set. */
export function unusedClasses(request: GenerateRequest): readonly TokenClass[] {
  const parts = request.messages.flatMap((message) => message.parts.flatMap(innerParts));
  const hasOpaque = parts.some((part) => part.type === 'opaque');
  const hasAudio = hasOpaque || parts.some((part) => part.type === 'audio');
  const hasImages = hasOpaque || parts.some((part) => part.type === 'image' || part.type === 'document');
  const asked = request.extensions['openai-chat'] ?? {};
  const wantsAudio = hasAudio || asked['audio'] !== undefined || asked['modalities'] !== undefined;
  return [
    ...(hasAudio ? [] : ['audio_input' as const]),
    ...(hasImages ? [] : ['image_input' as const]),
    ...(wantsAudio ? [] : ['audio_output' as const]),
    ...(marksHour(request, parts) ? [] : ['cache_write_1h' as const]),
  ];
}

const isSearch = (type: unknown): boolean => typeof type === 'string' && type.includes('web_search');

function messageTokens(message: Message, media: MediaTarget): number {
  const parts = message.parts.reduce((sum, part) => sum + AROUND.part + partTokens(part, media), 0);
  return AROUND.message + boundTextTokens(message.name ?? '') + parts + extensionTokens(message.extensions);
}

function partTokens(part: Part, media: MediaTarget): number {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return boundTextTokens(part.text);
    case 'image':
      return imageTokens(media);
    case 'audio':
      return audioTokens(part, media) + boundTextTokens(part.transcript ?? '');
    case 'document':
      return documentTokens(part, media);
    case 'reasoning':
      return (
        boundTextTokens(part.text) + sealedTokens(part.signature) + sealedTokens(part.data) + jsonTokens(part.details ?? [])
      );
    case 'tool-call':
      return AROUND.call + boundTextTokens(part.name) + boundTextTokens(part.arguments) + sealedTokens(part.signature);
    case 'tool-result':
      return part.parts.reduce<number>((sum, inner) => sum + AROUND.part + partTokens(inner, media), AROUND.call);
    case 'opaque':
      break;
  }
  return jsonTokens(part.value);
}

const toolTokens = (tool: Tool): number =>
  tool.type === 'provider'
    ? PROVIDER_TOOL + jsonTokens(tool.value)
    : AROUND.tool + boundTextTokens(tool.name) + boundTextTokens(tool.description ?? '') + jsonTokens(tool.parameters ?? {});

/** Sealed reasoning counts as the text inside: 4 characters of base64 hold 3 bytes, 3 bytes are at most a token of prose. */
const sealedTokens = (sealed: string | undefined): number => Math.ceil((sealed?.length ?? 0) / 4);

const jsonTokens = (value: object): number => boundTextTokens(JSON.stringify(value));

const extensionTokens = (extensions: Partial<Record<string, JsonObject>> | undefined): number =>
  Object.values(extensions ?? {}).reduce(
    (sum, fields) => sum + (fields === undefined || Object.keys(fields).length === 0 ? 0 : jsonTokens(fields)),
    0,
  );

/** A part with the parts inside it. */
const innerParts = (part: Part): readonly Part[] => (part.type === 'tool-result' ? [part, ...part.parts] : [part]);

function marksHour(request: GenerateRequest, parts: readonly Part[]): boolean {
  const isHour = (mark: CacheMark | undefined): boolean => mark?.ttl === '1h';
  // Blocks and tools of one dialect, and fields we do not read, may hold a mark we cannot see.
  const hidden = [
    request.extensions,
    ...parts.flatMap((part) => (part.type === 'opaque' ? [part.value] : [])),
    ...(request.tools ?? []).flatMap((tool) => (tool.type === 'provider' ? [tool.value] : [])),
  ];
  return (
    isHour(request.cache) ||
    parts.some((part) => 'cache' in part && isHour(part.cache)) ||
    (request.tools ?? []).some((tool) => tool.type === 'function' && isHour(tool.cache)) ||
    hidden.some((value) => JSON.stringify(value).includes('"1h"'))
  );
}

/** Sees every event of one answer. */
export interface UsageEstimator {
  push(event: GenerateEvent): void;
  /** The provider's figures so far, completed by estimates: `source` is `estimated` as soon as one figure is. */
  usage(): Usage;
}

/** A tool call besides its name and arguments; in hundredths of a token. */
const CALL_WEIGHT = 1_000;

/** Gemini's 1,290 tokens for an image of ordinary size; in hundredths. */
const IMAGE_WEIGHT = 129_000;

/** OpenAI writes speech at 20 tokens a second; 24 kHz PCM has 48,000 bytes in one. In hundredths of a token per byte. */
const AUDIO_BYTE_WEIGHT = 2_000 / 48_000;

/**
 * Providers report output as a running total, at the end or all along. So output is the last figure reported plus the estimated weight
 * of what was written after it. Hidden reasoning that was never reported cannot be seen.
 */
export function createUsageEstimator(request: GenerateRequest): UsageEstimator {
  let reported: Usage | undefined;
  /** Hundredths of a token written since the last report. */
  let written = 0;
  let reasoned = 0;

  function weigh(event: GenerateEvent): void {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        written += textWeight(event.text);
        break;
      case 'reasoning-delta':
        reasoned += textWeight(event.text);
        break;
      case 'tool-call-start':
        written += CALL_WEIGHT + textWeight(event.name);
        break;
      case 'tool-call-delta':
        written += textWeight(event.arguments);
        break;
      case 'media':
        written += event.part.type === 'image' ? IMAGE_WEIGHT : audioWeight(event.part.source);
        break;
      case 'opaque':
        written += textWeight(JSON.stringify(event.part.value));
        break;
      case 'start':
      case 'text-start':
      case 'text-end':
      case 'reasoning-start':
      case 'reasoning-end':
      case 'tool-call-end':
      case 'citation':
      case 'logprobs':
      case 'usage':
      case 'finish':
      case 'error':
        break;
    }
  }

  return {
    push(event) {
      if (event.type !== 'usage') return weigh(event);
      reported = mergeUsage(reported, event.usage);
      if (event.usage.outputTokens !== undefined) {
        written = 0;
        reasoned = 0;
      }
    },
    usage() {
      const isWhole = reported?.inputTokens !== undefined && reported.outputTokens !== undefined && written + reasoned === 0;
      if (isWhole) return reported as Usage;
      const reasoningTokens = (reported?.reasoningTokens ?? 0) + tokensOfWeight(reasoned);
      return {
        ...reported,
        inputTokens: reported?.inputTokens ?? estimateInputTokens(request),
        outputTokens: (reported?.outputTokens ?? 0) + tokensOfWeight(written + reasoned),
        ...(reasoningTokens === 0 ? {} : { reasoningTokens }),
        source: 'estimated',
      };
    },
  };
}

const audioWeight = (source: MediaSource): number =>
  source.type === 'base64' ? Math.ceil(Buffer.byteLength(source.data, 'base64') * AUDIO_BYTE_WEIGHT) : 0;
