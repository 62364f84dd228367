/**
 * Agents on Vertex AI's Agent Engine: `:streamQuery`, always streamed, each event a step of the agent. Source: LiteLLM's adapter, checked
 * 2026-11-28. Frames are server-sent events; the row makes them where the agent answers with lines of JSON.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, textOf } from '../values.ts';
import { transcriptOf, userOf } from './agent.ts';
import { chunkOf, Counted, type ChunkReader, type Kin } from './wire.ts';

function request(body: JsonObject, warn: Warn): JsonObject {
  const { user = 'tollgate' } = userOf(body);
  return { class_method: 'stream_query', input: { message: transcriptOf(body, warn), user_id: user } };
}

/** A piece is repeated by the event that completes it: what was told in pieces is not told again, and not counted before. */
function chunks(): ChunkReader {
  const counted = new Counted();
  let pieces = false;
  return ({ content, partial, usage_metadata: usage }) => {
    const parts = isObject(content) ? objectsOf(content['parts']) : [];
    const text = parts.map((part) => (part['thought'] === true ? '' : (textOf(part['text']) ?? ''))).join('');
    const isPiece = partial === true;
    const told = !isPiece && pieces ? '' : text;
    pieces = isPiece;
    if (!isPiece && isObject(usage)) counted.add(usage['prompt_token_count'], usage['candidates_token_count']);
    return [{ ...chunkOf(told === '' ? undefined : told), ...(isPiece ? {} : counted.fields()) }];
  };
}

/** Agents, whose answers are never whole. */
export const agentEngine: Kin = { request, answer: () => undefined, chunks, endsWithBytes: true };
