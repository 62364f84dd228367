/**
 * Counts before and without a provider: how much a request may use (the figures of its hold, which err high), and how much an answer
 * used that broke off before its usage came.
 */
import type { CacheMark, GenerateEvent, GenerateRequest, MediaSource, Message, Part, Tool } from '../kinds/generate.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import { mergeUsage, type SearchContextSize, type UnitCounts, type Usage } from '../kinds/usage.ts';
import { audioTokens, documentTokens, imageTokens, type MediaTarget } from './media-tokens.ts';
import type { TokenClass } from './rate.ts';
import { boundTextTokens, estimateTextTokens, textWeight, tokensOfWeight } from './text-tokens.ts';

/** Output cap assumed where neither the request nor the catalog states one. It bounds a call only if it is sent along. */
const DEFAULT_OUTPUT_TOKENS = 16_384;

/** Gemini's tokens for an image of ordinary size. */
const IMAGE_TOKENS = 1_290;

/** What goes into a count of input tokens besides media of unknown length, which always count at their longest. */
interface Ruler {
  readonly text: (text: string) => number;
  readonly image: (media: MediaTarget) => number;
  /** Tokens around a request, a message, a part, a tool or a call that their texts do not show: roles, separators, framing. */
  readonly around: Readonly<Record<'request' | 'message' | 'part' | 'tool' | 'call', number>>;
  /** The instructions providers add once there are tools or a schema. */
  readonly instructions: number;
  /** Definition of a tool the provider runs. */
  readonly providerTool: number;
  /** Results of a web search that the model reads as input. */
  readonly searchResults: number;
}

/** The most of each. Anthropic: instructions 313 to 675 by model and choice, computer use 735, text editor 700. */
const HIGHEST: Ruler = {
  text: boundTextTokens,
  image: imageTokens,
  around: { request: 32, message: 12, part: 8, tool: 48, call: 32 },
  instructions: 700,
  providerTool: 1_500,
  searchResults: 16_000,
};

/** What is likely: the framing of OpenAI's chat models (3 a request, 4 a message), an image of ordinary size, searches not made yet. */
const LIKELY: Ruler = {
  text: estimateTextTokens,
  image: () => IMAGE_TOKENS,
  around: { request: 3, message: 4, part: 0, tool: 8, call: 6 },
  instructions: 16,
  providerTool: 400,
  searchResults: 0,
};

/** Searches assumed where the request allows them without a limit. */
const DEFAULT_SEARCHES = 5;

/**
 * An upper estimate of the input tokens, media included.
 *
 * @param target The model that will read it; the request's own name for it by default.
 */
export const estimateInputTokens = (request: GenerateRequest, target: Partial<MediaTarget> = {}): number =>
  measure(request, target, HIGHEST);

/** The likely input tokens, for clients that ask how long a request is where no provider counts it. Right within some 30 % for text. */
export const likelyInputTokens = (request: GenerateRequest, target: Partial<MediaTarget> = {}): number =>
  measure(request, target, LIKELY);

/** The input of a request, taken apart for a tokenizer. */
export interface InputTexts {
  readonly texts: readonly string[];
  /** Tokens around and beside the texts: framing, and what is no text, as far as it can be estimated. */
  readonly around: number;
  /** True where `around` is framing that is known: plain messages. */
  readonly exact: boolean;
}

/** The texts that a model reads, and the rest as `likelyInputTokens` has it. Settings beside the conversation are no input. */
export function inputTexts(request: GenerateRequest, target: Partial<MediaTarget> = {}): InputTexts {
  const texts: string[] = [];
  const text = (value: string): number => {
    texts.push(value);
    return 0;
  };
  const around = measure({ ...request, extensions: {} }, target, { ...LIKELY, text });
  const plain = request.messages.every(({ parts }) => parts.every(({ type }) => type === 'text'));
  return { texts, around, exact: plain && (request.tools ?? []).length === 0 && request.output?.type !== 'json-schema' };
}

/** How to count, and for which model. */
interface Scale {
  readonly ruler: Ruler;
  readonly media: MediaTarget;
}

function measure(request: GenerateRequest, target: Partial<MediaTarget>, ruler: Ruler): number {
  const { tools = [] } = request;
  const scale: Scale = { ruler, media: { model: target.model ?? request.model, maxInputTokens: target.maxInputTokens } };
  const messages = request.messages.reduce((sum, message) => sum + messageTokens(message, scale), 0);
  const definitions = tools.reduce((sum, tool) => sum + toolTokens(tool, ruler), 0);
  const format = request.output?.type === 'json-schema' ? ruler.instructions + jsonTokens(request.output, ruler) : 0;
  const prompt = tools.length === 0 ? 0 : ruler.instructions;
  const searches = webSearchBound(request) * ruler.searchResults;
  return (
    ruler.around.request + messages + definitions + format + prompt + searches + extensionTokens(request.extensions, ruler)
  );
}

/**
 * The most output tokens of one choice: the request's cap within the model's limit, else that limit, else a default. Where no cap can be
 * said, what the request asks for is no limit.
 */
export function outputCap(
  request: GenerateRequest,
  limits: { readonly maxOutputTokens?: number | undefined; readonly takesNoCap?: boolean | undefined },
): number {
  if (limits.takesNoCap === true) {
    return limits.maxOutputTokens ?? Math.max(request.maxOutputTokens ?? 0, DEFAULT_OUTPUT_TOKENS);
  }
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

/** Uses of the other tools that the provider runs and bills: lookups in files, containers for code. */
export function hostedToolBound(request: GenerateRequest): Pick<UnitCounts, 'fileSearchCalls' | 'codeInterpreterSessions'> {
  const has = (type: string): boolean =>
    (request.tools ?? []).some((tool) => tool.type === 'provider' && tool.value['type'] === type);
  return {
    ...(has('file_search') ? { fileSearchCalls: DEFAULT_SEARCHES } : {}),
    ...(has('code_interpreter') ? { codeInterpreterSessions: 1 } : {}),
  };
}

const SEARCH_SIZES: readonly unknown[] = ['low', 'medium', 'high'] satisfies readonly SearchContextSize[];

/** The context size of web searches, where the request states one: the largest, where several do. */
export function searchContextSize(request: GenerateRequest): SearchContextSize | undefined {
  const options = request.extensions['openai-chat']?.['web_search_options'];
  if (options === undefined && request.tools === undefined) return undefined;
  const places = [options, ...(request.tools ?? []).map((tool) => (tool.type === 'provider' ? tool.value : undefined))];
  const sizes = places.map((place) => (isObject(place) ? SEARCH_SIZES.indexOf(place['search_context_size']) : -1));
  return SEARCH_SIZES[Math.max(-1, ...sizes)] as SearchContextSize | undefined;
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

function messageTokens(message: Message, scale: Scale): number {
  const { text, around } = scale.ruler;
  const parts = message.parts.reduce((sum, part) => sum + around.part + partTokens(part, scale), 0);
  return around.message + text(message.name ?? '') + parts + extensionTokens(message.extensions, scale.ruler);
}

function partTokens(part: Part, scale: Scale): number {
  const { ruler, media } = scale;
  const { text, around } = ruler;
  switch (part.type) {
    case 'text':
    case 'refusal':
      return text(part.text);
    case 'image':
      return ruler.image(media);
    case 'audio':
      return audioTokens(part, media) + text(part.transcript ?? '');
    case 'document':
      return documentTokens(part, media);
    case 'reasoning':
      return text(part.text) + sealedTokens(part.signature) + sealedTokens(part.data) + jsonTokens(part.details ?? [], ruler);
    case 'tool-call':
      return around.call + text(part.name) + text(part.arguments) + sealedTokens(part.signature);
    case 'tool-result':
      return part.parts.reduce<number>((sum, inner) => sum + around.part + partTokens(inner, scale), around.call);
    case 'opaque':
      break;
  }
  return jsonTokens(part.value, ruler);
}

const toolTokens = (tool: Tool, ruler: Ruler): number =>
  tool.type === 'provider'
    ? ruler.providerTool + jsonTokens(tool.value, ruler)
    : ruler.around.tool + ruler.text(tool.name) + ruler.text(tool.description ?? '') + jsonTokens(tool.parameters ?? {}, ruler);

/** Sealed reasoning counts as the text inside: 4 characters of base64 hold 3 bytes, 3 bytes are at most a token of prose. */
const sealedTokens = (sealed: string | undefined): number => Math.ceil((sealed?.length ?? 0) / 4);

const jsonTokens = (value: object, { text }: Ruler): number => text(JSON.stringify(value));

const extensionTokens = (extensions: Partial<Record<string, JsonObject>> | undefined, ruler: Ruler): number =>
  Object.values(extensions ?? {}).reduce(
    (sum, fields) => sum + (fields === undefined || Object.keys(fields).length === 0 ? 0 : jsonTokens(fields, ruler)),
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
  /** What the provider has not counted. */
  unreported(): Unreported;
}

/** What of an answer no provider counted. */
export interface Unreported {
  /** True where the input was not reported. */
  readonly input: boolean;
  /** Texts written since the last report; only kept where `keepsTexts`. */
  readonly texts: readonly string[];
  /** Tokens written besides, estimated. */
  readonly others: number;
  /** Output tokens reported before. */
  readonly outputTokens: number;
}

/** A tool call besides its name and arguments; in hundredths of a token. */
const CALL_WEIGHT = 1_000;

/** The same for an image the model made, in hundredths. */
const IMAGE_WEIGHT = IMAGE_TOKENS * 100;

/** OpenAI writes speech at 20 tokens a second; 24 kHz PCM has 48,000 bytes in one. In hundredths of a token per byte. */
const AUDIO_BYTE_WEIGHT = 2_000 / 48_000;

/**
 * Providers report output as a running total, at the end or all along. So output is the last figure reported plus the estimated weight
 * of what was written after it. Hidden reasoning that was never reported cannot be seen.
 *
 * @param keepsTexts keep what was written, for a tokenizer
 */
export function createUsageEstimator(request: GenerateRequest, keepsTexts = false): UsageEstimator {
  let reported: Usage | undefined;
  /** Hundredths of a token written since the last report. */
  let written = 0;
  let reasoned = 0;
  /** Part of both: texts that could be counted. */
  let texts: string[] = [];
  let worded = 0;

  function weighText(text: string): number {
    const weight = textWeight(text);
    if (keepsTexts) {
      texts.push(text);
      worded += weight;
    }
    return weight;
  }

  function weigh(event: GenerateEvent): void {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        written += weighText(event.text);
        break;
      case 'reasoning-delta':
        reasoned += weighText(event.text);
        break;
      case 'tool-call-start':
        written += CALL_WEIGHT + weighText(event.name);
        break;
      case 'tool-call-delta':
        written += weighText(event.arguments);
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
        worded = 0;
        texts = [];
      }
    },
    unreported: () => ({
      input: reported?.inputTokens === undefined,
      // One text again: a word may have come in several deltas.
      texts: texts.length === 0 ? texts : [texts.join('')],
      others: tokensOfWeight(written + reasoned - worded),
      outputTokens: reported?.outputTokens ?? 0,
    }),
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
