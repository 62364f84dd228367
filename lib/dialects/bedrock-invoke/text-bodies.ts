/** Bodies with one prompt and one text: Titan's, Llama's, Mistral's older ones, DeepSeek R1's. */
import { GatewayError } from '../../errors.ts';
import type { FinishReason, GenerateEvent, GenerateRequest, ImagePart, Message, Sampling } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { mergeUsage, type Usage } from '../../kinds/usage.ts';
import type { ReplyContext } from '../dialect.ts';
import { Fields, wrong } from '../fields.ts';
import { onlyChoice, warnOnce } from '../telling.ts';
import { numberOf, present } from '../values.ts';
import { capped, type Codec, type PieceReader, type PieceWriter } from './codec.ts';
import { messagesOf } from './prompt.ts';
import { DIALECT } from './wire.ts';

/** A text, and how it ended. */
interface Said {
  readonly text: string;
  /** Absent in pieces after which more follows. */
  readonly ending?: { readonly word: string; readonly usage: Usage | undefined };
}

/** A text as a provider tells it. */
interface Heard {
  readonly text?: unknown;
  readonly word?: unknown;
  readonly input?: unknown;
  readonly output?: unknown;
}

/** What is each vendor's own. */
interface TextBody {
  readonly prompt: string;
  /** The object that holds the settings; absent: the body does. */
  readonly settings?: string;
  readonly names: Readonly<Partial<Record<'maxOutputTokens' | 'temperature' | 'topP' | 'topK' | 'stop', string>>>;
  /** Its words for an end. */
  readonly words: Readonly<Record<'stop' | 'length' | 'filter', string>>;
  whole(said: Required<Said>): JsonObject;
  piece(said: Said): JsonObject;
  hear(body: JsonObject): Heard;
}

const first = (list: unknown): JsonObject => (Array.isArray(list) && isObject(list[0]) ? list[0] : {});

const TITAN: TextBody = {
  prompt: 'inputText',
  settings: 'textGenerationConfig',
  names: { maxOutputTokens: 'maxTokenCount', temperature: 'temperature', topP: 'topP', stop: 'stopSequences' },
  words: { stop: 'FINISH', length: 'LENGTH', filter: 'CONTENT_FILTERED' },
  whole: ({ text, ending: { word, usage } }) => ({
    inputTextTokenCount: usage?.inputTokens ?? 0,
    results: [{ tokenCount: usage?.outputTokens ?? 0, outputText: text, completionReason: word }],
  }),
  piece: ({ text, ending }) => ({
    outputText: text,
    index: 0,
    totalOutputTextTokenCount: ending?.usage?.outputTokens ?? null,
    completionReason: ending?.word ?? null,
    inputTextTokenCount: ending?.usage?.inputTokens ?? null,
  }),
  hear({ results, outputText, completionReason, inputTextTokenCount: input, totalOutputTextTokenCount }) {
    if (results === undefined) return { text: outputText, word: completionReason, input, output: totalOutputTextTokenCount };
    const result = first(results);
    return { text: result['outputText'], word: result['completionReason'], input, output: result['tokenCount'] };
  },
};

const LLAMA: TextBody = {
  prompt: 'prompt',
  names: { maxOutputTokens: 'max_gen_len', temperature: 'temperature', topP: 'top_p' },
  words: { stop: 'stop', length: 'length', filter: 'stop' },
  whole: (said) => LLAMA.piece(said),
  piece: ({ text, ending }) => ({
    generation: text,
    prompt_token_count: ending?.usage?.inputTokens ?? null,
    generation_token_count: ending?.usage?.outputTokens ?? null,
    stop_reason: ending?.word ?? null,
  }),
  hear: ({ generation, stop_reason: word, prompt_token_count: input, generation_token_count: output }) => ({
    text: generation,
    word,
    input,
    output,
  }),
};

const MISTRAL: TextBody = {
  prompt: 'prompt',
  names: { maxOutputTokens: 'max_tokens', temperature: 'temperature', topP: 'top_p', topK: 'top_k', stop: 'stop' },
  words: { stop: 'stop', length: 'length', filter: 'stop' },
  whole: (said) => MISTRAL.piece(said),
  piece: ({ text, ending }) => ({ outputs: [{ text, stop_reason: ending?.word ?? null }] }),
  hear({ outputs }) {
    const { text, stop_reason: word } = first(outputs);
    return { text, word };
  },
};

const DEEPSEEK: TextBody = {
  ...MISTRAL,
  whole: (said) => DEEPSEEK.piece(said),
  piece: ({ text, ending }) => ({ choices: [{ text, stop_reason: ending?.word ?? null }] }),
  hear: ({ choices }) => MISTRAL.hear({ outputs: choices }),
};

/** The codec of a vendor's text body. */
const codecOf = (vendor: TextBody): Codec => ({
  like: 'openai-chat',
  decodeRequest: (body, asked) => decodeRequest(vendor, body, asked),
  encodeResponse(response, context) {
    const choice = onlyChoice(response, context);
    const warn = warnOnce(context);
    const text = choice.parts.map((part) =>
      part.type === 'text' || part.type === 'refusal' ? part.text : lost(part.type, warn),
    );
    return vendor.whole({ text: text.join(''), ending: { word: wordOf(vendor, choice.finish), usage: response.usage } });
  },
  writer: (context) => writerOf(vendor, context),
  decodeResponse(body) {
    const reader = readerOf(vendor);
    return [...reader.push(isObject(body) ? body : {}), ...reader.end()];
  },
  reader: () => readerOf(vendor),
  clamp(body, tokens) {
    const { settings, names } = vendor;
    const field = names.maxOutputTokens ?? 'max_tokens';
    if (settings === undefined) return capped(body, field, tokens);
    const held = body[settings];
    return { ...body, [settings]: capped(isObject(held) ? held : {}, field, tokens) };
  },
});

/** Amazon Titan Text. */
export const titan = codecOf(TITAN);
/** Meta's Llama. */
export const llama = codecOf(LLAMA);
/** Mistral's text completions. */
export const mistralText = codecOf(MISTRAL);
/** DeepSeek R1. */
export const deepseekText = codecOf(DEEPSEEK);

function decodeRequest(
  { prompt, settings, names }: TextBody,
  body: JsonObject,
  { model, stream }: { readonly model: string; readonly stream: boolean },
): GenerateRequest {
  const fields = new Fields(body, '');
  const text = fields.name(prompt);
  const held = settings === undefined || fields.peek(settings) === undefined ? fields : fields.inner(settings);
  const number = (setting: keyof typeof names): number | undefined => {
    const name = names[setting];
    return name === undefined ? undefined : held.number(name);
  };
  const stop =
    names.stop === undefined
      ? undefined
      : held.array(names.stop)?.map((word, index) => {
          if (typeof word === 'string') return word;
          throw wrong(held.at(`${names.stop}[${index}]`), 'a string', word);
        });
  const sampling: Sampling = {
    ...present('temperature', number('temperature')),
    ...present('topP', number('topP')),
    ...present('topK', number('topK')),
    ...(stop !== undefined && stop.length > 0 && { stop }),
  };
  const messages = withImages(messagesOf(text), fields.array('images') ?? []);
  const cap = names.maxOutputTokens === undefined ? undefined : held.integer(names.maxOutputTokens, 1);
  const rest = { ...fields.rest(), ...(held === fields ? {} : held.rest()) };
  return {
    model,
    messages,
    sampling,
    ...present('maxOutputTokens', cap),
    stream,
    includeUsage: true,
    extensions: Object.keys(rest).length === 0 ? {} : { [DIALECT]: rest },
  };
}

/** Beginnings of pictures in base64: their bodies do not name the kind. */
const PICTURES: readonly (readonly [string, string])[] = [
  ['/9j/', 'image/jpeg'],
  ['R0lG', 'image/gif'],
  ['UklG', 'image/webp'],
];

/** Llama's pictures belong to the last thing the user said. */
function withImages(messages: readonly Message[], images: readonly unknown[]): readonly Message[] {
  if (images.length === 0) return messages;
  const parts = images.map((data, index): ImagePart => {
    if (typeof data !== 'string') throw wrong(`images[${index}]`, 'base64 text', data);
    const mediaType = PICTURES.find(([start]) => data.startsWith(start))?.[1] ?? 'image/png';
    return { type: 'image', source: { type: 'base64', mediaType, data } };
  });
  const at = messages.findLastIndex(({ role }) => role === 'user');
  return messages.map((message, index) => (index === at ? { ...message, parts: [...parts, ...message.parts] } : message));
}

function lost(type: string, warn: ReturnType<typeof warnOnce>): string {
  warn('content', `The body holds one text, no ${type}.`);
  return '';
}

function wordOf({ words }: TextBody, reason: FinishReason): string {
  if (reason === 'length') return words.length;
  return reason === 'content-filter' || reason === 'refusal' ? words.filter : words.stop;
}

function writerOf(vendor: TextBody, context: ReplyContext): PieceWriter {
  const warn = warnOnce(context);
  let usage: Usage | undefined;
  let reason: FinishReason = 'stop';
  return {
    push(event) {
      if (event.type === 'usage') usage = mergeUsage(usage, event.usage);
      else if (event.type === 'finish' && event.choice === 0) reason = event.reason;
      else if ((event.type === 'text-delta' || event.type === 'refusal-delta') && event.choice === 0) {
        return [vendor.piece({ text: event.text })];
      } else if (event.type === 'tool-call-start' || event.type === 'reasoning-start' || event.type === 'media') {
        lost(event.type.replace(/-start$/, ''), warn);
      }
      return [];
    },
    end: () => [vendor.piece({ text: '', ending: { word: wordOf(vendor, reason), usage } })],
  };
}

const REASONS: Readonly<Record<string, FinishReason>> = {
  FINISH: 'stop',
  FINISHED: 'stop',
  STOP_CRITERIA_MET: 'stop',
  LENGTH: 'length',
  CONTENT_FILTERED: 'content-filter',
  stop: 'stop',
  length: 'length',
};

const AT = { choice: 0, block: 0 } as const;

function readerOf(vendor: TextBody): PieceReader {
  let state: 'waiting' | 'started' | 'writing' = 'waiting';
  let word: string | undefined;
  return {
    push(piece) {
      const { text, word: ending, input, output } = vendor.hear(piece);
      if (typeof text !== 'string' && typeof ending !== 'string') return [];
      const events: GenerateEvent[] = [];
      if (state === 'waiting') events.push({ type: 'start' });
      if (state !== 'writing') state = 'started';
      if (typeof text === 'string' && text !== '') {
        if (state === 'started') events.push({ type: 'text-start', ...AT });
        state = 'writing';
        events.push({ type: 'text-delta', ...AT, text });
      }
      if (typeof ending === 'string') word = ending;
      const [inputTokens, outputTokens] = [numberOf(input), numberOf(output)];
      if (inputTokens !== undefined || outputTokens !== undefined) {
        const usage = {
          ...present('inputTokens', inputTokens),
          ...present('outputTokens', outputTokens),
          source: 'provider' as const,
        };
        events.push({ type: 'usage', usage });
      }
      return events;
    },
    end() {
      const closed: GenerateEvent[] = state === 'writing' ? [{ type: 'text-end', ...AT }] : [];
      if (word !== undefined) return [...closed, { type: 'finish', choice: 0, reason: REASONS[word] ?? 'other', raw: word }];
      return [
        ...closed,
        { type: 'error', error: new GatewayError('upstream', 'The provider ended its answer before it was finished.') },
      ];
    },
  };
}
