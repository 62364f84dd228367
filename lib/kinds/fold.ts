/**
 * A whole answer is the fold of its events, and a whole answer can be told as events again. Every dialect decodes to events only;
 * what is not streamed goes through here, so both ways of asking give the same answer.
 */
import type { GatewayError } from '../errors.ts';
import type {
  AudioPart,
  Choice,
  Extensions,
  FinishReason,
  GenerateEvent,
  GenerateResponse,
  ImagePart,
  Logprobs,
  OpaquePart,
  Part,
  ReasoningPart,
  RefusalPart,
  TextPart,
  ToolCallPart,
} from './generate.ts';
import { mergeUsage, type Usage } from './usage.ts';

type Draft<T> = { -readonly [Key in keyof T]: T[Key] };
type DraftPart =
  | Draft<TextPart>
  | Draft<RefusalPart>
  | Draft<ReasoningPart>
  | Draft<ToolCallPart>
  | ImagePart
  | AudioPart
  | OpaquePart;
interface DraftChoice {
  readonly parts: Map<number, DraftPart>;
  logprobs?: Logprobs;
  ending?: { reason: FinishReason; raw?: string; stopSequence?: string; extensions?: Extensions };
}

/** Collects events as they come; `response()` may be asked at any time and tells what is known so far. */
export interface Fold {
  push(event: GenerateEvent): void;
  /** Choices are sorted by index. One without a finish ends with `error` after an error event, with `other` before one. */
  response(): GenerateResponse;
}

/**
 * An empty fold.
 *
 * @example const fold = createFold(); for (const event of events) fold.push(event); const answer = fold.response();
 */
export function createFold(): Fold {
  const head: Draft<Pick<GenerateResponse, 'id' | 'model' | 'created' | 'extensions'>> = {};
  const choices = new Map<number, DraftChoice>();
  let usage: Usage | undefined;
  let error: GatewayError | undefined;

  const choiceAt = (index: number): DraftChoice => {
    const known = choices.get(index);
    if (known !== undefined) return known;
    const fresh: DraftChoice = { parts: new Map() };
    choices.set(index, fresh);
    return fresh;
  };

  return {
    push(event) {
      if ('block' in event) {
        pushToPart(choiceAt(event.choice).parts, event);
        return;
      }
      switch (event.type) {
        case 'start': {
          const { type: _, ...rest } = event;
          Object.assign(head, rest);
          return;
        }
        case 'usage':
          usage = mergeUsage(usage, event.usage);
          return;
        case 'error':
          error = event.error;
          return;
        case 'logprobs': {
          const choice = choiceAt(event.choice);
          choice.logprobs = joinLogprobs(choice.logprobs, event.logprobs);
          return;
        }
        case 'finish': {
          const { type: _, choice, ...ending } = event;
          choiceAt(choice).ending = ending;
        }
      }
    },
    response: () => ({
      ...head,
      choices: [...choices.entries()]
        .toSorted(([left], [right]) => left - right)
        .map(([index, draft]) => choiceOf(index, draft, error === undefined ? 'other' : 'error')),
      ...(usage !== undefined && { usage }),
      ...(error !== undefined && { error }),
    }),
  };
}

/** The answer that these events tell. */
export function foldEvents(events: Iterable<GenerateEvent>): GenerateResponse {
  const fold = createFold();
  for (const event of events) fold.push(event);
  return fold.response();
}

/**
 * An answer as events: `foldEvents(unfold(answer))` equals `answer`.
 *
 * @throws TypeError for a part no model writes (a document, a tool result).
 */
export function unfold(response: GenerateResponse): GenerateEvent[] {
  const { choices, usage, error, ...head } = response;
  const events: GenerateEvent[] = [{ type: 'start', ...head }];
  for (const { index: choice, parts, finish, logprobs, ...rest } of choices) {
    for (const [block, part] of parts.entries()) events.push(...unfoldPart(choice, block, part));
    if (logprobs !== undefined) events.push({ type: 'logprobs', choice, logprobs });
    events.push({ type: 'finish', choice, reason: finish, ...rest });
  }
  if (usage !== undefined) events.push({ type: 'usage', usage });
  if (error !== undefined) events.push({ type: 'error', error });
  return events;
}

type PartEvent = Extract<GenerateEvent, { block: number }>;

function pushToPart(parts: Map<number, DraftPart>, event: PartEvent): void {
  const known = parts.get(event.block);
  switch (event.type) {
    case 'text-start':
      parts.set(event.block, { type: 'text', text: '' });
      return;
    case 'text-delta':
      if (known?.type === 'text') known.text += event.text;
      else parts.set(event.block, { type: 'text', text: event.text });
      return;
    case 'citation':
      if (known?.type === 'text') known.citations = [...(known.citations ?? []), event.citation];
      else parts.set(event.block, { type: 'text', text: '', citations: [event.citation] });
      return;
    case 'refusal-delta':
      if (known?.type === 'refusal') known.text += event.text;
      else parts.set(event.block, { type: 'refusal', text: event.text });
      return;
    case 'reasoning-start':
      parts.set(event.block, { type: 'reasoning', text: '', ...(event.origin !== undefined && { origin: event.origin }) });
      return;
    case 'reasoning-delta':
      if (known?.type === 'reasoning') known.text += event.text;
      else parts.set(event.block, { type: 'reasoning', text: event.text });
      return;
    case 'reasoning-end':
    case 'tool-call-end': {
      const { type: _, choice: _choice, block: _block, ...proofs } = event;
      if (known !== undefined) Object.assign(known, proofs);
      return;
    }
    case 'tool-call-start': {
      const { choice: _choice, block: _block, ...call } = event;
      parts.set(event.block, { ...call, type: 'tool-call', arguments: '' });
      return;
    }
    case 'tool-call-delta':
      if (known?.type === 'tool-call') known.arguments += event.arguments;
      return;
    case 'media':
    case 'opaque':
      parts.set(event.block, event.part);
      return;
    case 'text-end':
  }
}

function choiceOf(index: number, draft: DraftChoice, unfinished: FinishReason): Choice {
  const { reason, ...rest } = draft.ending ?? { reason: unfinished };
  return {
    index,
    parts: Array.from(draft.parts.values(), (part) => ({ ...part })),
    finish: reason,
    ...rest,
    ...(draft.logprobs !== undefined && { logprobs: draft.logprobs }),
  };
}

/** Log probabilities come per chunk as lists of tokens (`content`, `refusal`): the whole is their concatenation. */
function joinLogprobs(known: Logprobs | undefined, later: Logprobs): Logprobs {
  if (known === undefined) return later;
  const joined: Logprobs = { ...known };
  for (const [name, value] of Object.entries(later)) {
    const before = joined[name];
    joined[name] = Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : (value ?? before);
  }
  return joined;
}

function unfoldPart(choice: number, block: number, part: Part): GenerateEvent[] {
  const at = { choice, block };
  switch (part.type) {
    case 'text':
      return [
        { type: 'text-start', ...at },
        ...(part.text === '' ? [] : [{ type: 'text-delta' as const, ...at, text: part.text }]),
        ...(part.citations ?? []).map((citation) => ({ type: 'citation' as const, ...at, citation })),
        { type: 'text-end', ...at },
      ];
    case 'refusal':
      return [{ type: 'refusal-delta', ...at, text: part.text }];
    case 'reasoning': {
      const { type: _, text, origin, ...proofs } = part;
      return [
        { type: 'reasoning-start', ...at, ...(origin !== undefined && { origin }) },
        ...(text === '' ? [] : [{ type: 'reasoning-delta' as const, ...at, text }]),
        { type: 'reasoning-end', ...at, ...proofs },
      ];
    }
    case 'tool-call': {
      const { id, name, custom, signature, extensions } = part;
      return [
        { type: 'tool-call-start', ...at, id, name, ...(custom !== undefined && { custom }) },
        ...(part.arguments === '' ? [] : [{ type: 'tool-call-delta' as const, ...at, arguments: part.arguments }]),
        {
          type: 'tool-call-end',
          ...at,
          ...(signature !== undefined && { signature }),
          ...(extensions !== undefined && { extensions }),
        },
      ];
    }
    case 'image':
    case 'audio':
      return [{ type: 'media', ...at, part }];
    case 'opaque':
      return [{ type: 'opaque', ...at, part }];
    case 'document':
    case 'tool-result':
      break;
  }
  throw new TypeError(`unfold: a ${part.type} is no part of an answer`);
}
