/**
 * Counts tokens exactly, for the models whose tokenizer is public: OpenAI's. The tables are megabytes and take a fifth of a second to
 * load, so they are loaded when somebody counts, never with the gateway.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import { inputTexts } from '../domain/estimate.ts';
import type { MediaTarget } from '../domain/media-tokens.ts';
import type { GenerateRequest } from '../kinds/generate.ts';

/** Public tokenizers, by OpenAI's names. */
export type Tokenizer = 'o200k_base' | 'cl100k_base';

/** What stands before the name of a model of OpenAI's: fine-tuned ones, and other providers that serve it. */
const PREFIX = /^(?:.*[/:])?(?:openai\.)?/;

/** Newest first: a name that fits none has another tokenizer, or an unknown one. `gpt-35` is Azure's spelling. */
const FAMILIES: readonly (readonly [RegExp, Tokenizer])[] = [
  [/^(?:gpt-4o|gpt-4\.\d|gpt-[5-9]|gpt-oss|chatgpt-|o[1-9](?:-|$))/, 'o200k_base'],
  [/^(?:gpt-4|gpt-3\.?5)(?:-|$)/, 'cl100k_base'],
];

/** The tokenizer of a model; undefined where it is not public. */
export function tokenizerOf(model: string): Tokenizer | undefined {
  // `ft:gpt-4o-mini:org::id` and Bedrock's `openai.gpt-oss-20b-1:0` have more colons behind the name.
  const name = model.replace(/^ft:/, '').replace(/:.*$/, '').replace(PREFIX, '');
  return FAMILIES.find(([family]) => family.test(name))?.[1];
}

/** Most UTF-16 units counted in one go; above it, estimates are near enough, and cost nobody else a turn. */
const MOST_TEXT = 400_000;

/**
 * Longest piece that the tokenizer sees at once. It takes the square of the longest word's length (measured: 100,000 letters without
 * a space, 7 s; in pieces, 0.1 s). Pieces end before a space, where tokens end too; in a word without any, each cut costs a token at most.
 */
const PIECE = 512;

/** Text counted before others get a turn. */
const TURN = 64 * 1024;

/** The part of a tokenizer that is used. */
interface Tables {
  readonly countTokens: (text: string, options: { readonly disallowedSpecial: Set<string> }) => number;
}

const LOADERS: Readonly<Record<Tokenizer, () => Promise<Tables>>> = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
};

/** Words for control tokens are text like any other: they reach a model escaped. */
const PLAIN = { disallowedSpecial: new Set<string>() };

/** Tokens of all these texts; undefined when there are too many, or the tables cannot be loaded. Never rejects. */
export async function countTexts(tokenizer: Tokenizer, texts: readonly string[]): Promise<number | undefined> {
  if (texts.length === 0) return 0;
  if (texts.reduce((sum, { length }) => sum + length, 0) > MOST_TEXT) return undefined;
  try {
    const { countTokens } = await LOADERS[tokenizer]();
    let tokens = 0;
    let turn = 0;
    for (const text of texts) {
      for (const piece of piecesOf(text)) {
        tokens += countTokens(piece, PLAIN);
        turn += piece.length;
        if (turn < TURN) continue;
        turn = 0;
        await breathe();
      }
    }
    return tokens;
  } catch {
    return undefined;
  }
}

function* piecesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = endOfPiece(text, start);
    yield text.slice(start, end);
    start = end;
  }
}

function endOfPiece(text: string, start: number): number {
  const most = start + PIECE;
  if (most >= text.length) return text.length;
  for (let end = most; end > start + PIECE / 2; end--) {
    if (text[end] === ' ' && !/\s/.test(text[end - 1] ?? '')) return end;
  }
  // Not between the halves of a character.
  const code = text.charCodeAt(most);
  return code >= 0xdc00 && code <= 0xdfff ? most - 1 : most;
}

/** A count of input tokens by us. */
export interface LocalCount {
  readonly tokens: number;
  /** False where some of the input is no text (images, tools of the provider): that part is an estimate. */
  readonly exact: boolean;
}

/** The input tokens of a request, texts by the model's own tokenizer; undefined where it is not public. Never rejects. */
export async function countInput(
  request: GenerateRequest,
  target: Pick<MediaTarget, 'model'> & Partial<MediaTarget>,
): Promise<LocalCount | undefined> {
  const tokenizer = tokenizerOf(target.model);
  if (tokenizer === undefined) return undefined;
  const { texts, around, exact } = inputTexts(request, target);
  const counted = await countTexts(tokenizer, texts);
  return counted === undefined ? undefined : { tokens: counted + around, exact };
}
