/**
 * LangGraph's server: `POST /runs/wait` and `/runs/stream`, without a thread: the run is forgotten when it ends. Sources: the types of
 * `@langchain/langgraph-sdk` (1.15) and LiteLLM's adapter, checked 2026-11-28.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf } from '../values.ts';
import { saidIn } from './agent.ts';
import { answerOf, chunkOf, Counted, textOfContent, type ChunkReader, type Kin } from './wire.ts';

function request(body: JsonObject, warn: Warn): JsonObject {
  const messages = saidIn(body, warn).map(({ role, text }) => ({ role: role === 'user' ? 'human' : role, content: text }));
  return {
    assistant_id: body['model'],
    input: { messages },
    ...(body['stream'] === true && { stream_mode: 'messages-tuple' }),
  };
}

/** Words for what a model said: in a state, and in pieces of a stream. */
const isAnswer = ({ type, role }: JsonObject): boolean => type === 'ai' || type === 'AIMessageChunk' || role === 'assistant';

function count(counted: Counted, { usage_metadata: usage }: JsonObject): void {
  if (isObject(usage)) counted.add(usage['input_tokens'], usage['output_tokens']);
}

/** The state at the end of the run: the last answer in it, and what the run counted, which is all since the last question. */
function answer(state: JsonObject): JsonObject | undefined {
  const holder = isObject(state['values']) ? state['values'] : state;
  const messages = objectsOf(holder['messages']);
  const last = messages.findLast((message) => isAnswer(message));
  if (last === undefined) return undefined;
  const asked = messages.findLastIndex(({ type, role }) => type === 'human' || role === 'user');
  const counted = new Counted();
  for (const message of messages.slice(asked + 1)) if (isAnswer(message)) count(counted, message);
  return { ...answerOf(textOfContent(last['content'])), ...counted.fields() };
}

/** Events `messages`: a piece of a message, and whose it is. */
function chunks(): ChunkReader {
  const counted = new Counted();
  return ({ list }, event) => {
    if (event !== undefined && !event.startsWith('messages')) return [];
    const [piece] = objectsOf(list);
    if (piece === undefined || !isAnswer(piece)) return [];
    count(counted, piece);
    const text = textOfContent(piece['content']);
    return [{ ...chunkOf(text === '' ? undefined : text), ...counted.fields() }];
  };
}

/** Assistants of LangGraph. */
export const langgraph: Kin = { request, answer, chunks, endsWithBytes: true };
