/**
 * The words of OpenAI's legacy completions (`POST /v1/completions`) and of APIs made after it: one prompt in, its continuation out.
 * Sources: the type declarations of the `openai` package (6.x, `resources/completions`), recorded answers of OpenAI and Together, and
 * Mistral's fill-in-the-middle API (`/v1/fim/completions`), which takes this request and answers in the shape of chat.
 */
import type { FinishReason, GenerateEvent, Part, Warning } from '../../kinds/generate.ts';
import { finishWord as chatWord } from '../openai-chat/wire.ts';

/** This dialect. */
export const DIALECT = 'openai-completions' as const;

/** The API's default of `max_tokens`, tokens. */
export const DEFAULT_MAX_TOKENS = 16;

/** The `finish_reason` of an end: `stop`, `length` or `content_filter`. `spoke`: some text was sent. */
export function finishWord(reason: FinishReason, spoke: boolean): string {
  const word = chatWord(reason, { calls: false, refusal: spoke });
  return word === 'tool_calls' ? 'stop' : word;
}

/** What an answer may hold that is no text, by the name its loss is reported under. */
const UNSAID: Readonly<Partial<Record<Part['type'], string>>> = {
  reasoning: 'reasoning',
  'tool-call': 'tool_calls',
  image: 'images',
  audio: 'audio',
  opaque: 'content',
};

/** The loss of a part that legacy completions have no place for; undefined for text, and for a refusal, which is sent as text. */
export function lossOf(type: Part['type'], choice: number): Warning | undefined {
  const name = UNSAID[type];
  if (name === undefined) return undefined;
  return { kind: 'dropped', field: `choices[${choice}].${name}`, reason: 'Legacy completions have text only.' };
}

/** The kind of part an event is about, where it is no text; a call of a tool is told of at its start. */
export function partOf(event: GenerateEvent): Part['type'] | undefined {
  if (event.type === 'media') return event.part.type;
  if (event.type === 'opaque') return 'opaque';
  if (event.type === 'tool-call-start') return 'tool-call';
  return event.type.startsWith('reasoning-') ? 'reasoning' : undefined;
}
