/**
 * The protocol of agents for agents (A2A 0.3): JSON-RPC, `message/send` and `message/stream`. Sources: its specification as LiteLLM's
 * adapter and the compatibility layer of `@a2a-js/sdk` (1.3) have it, checked 2026-11-28.
 */
import { createHash } from 'node:crypto';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, textOf } from '../values.ts';
import { transcriptOf } from './agent.ts';
import { answerOf, chunkOf, type ChunkReader, type Kin } from './wire.ts';

function request(body: JsonObject, warn: Warn): JsonObject {
  const text = transcriptOf(body, warn);
  const id = createHash('sha256').update(text).digest('hex').slice(0, 32);
  return {
    jsonrpc: '2.0',
    id,
    method: body['stream'] === true ? 'message/stream' : 'message/send',
    params: {
      message: { kind: 'message', role: 'user', messageId: id, parts: [{ kind: 'text', text }] },
      configuration: { blocking: true, acceptedOutputModes: ['text/plain', 'text'] },
    },
  };
}

/** The words of a message or an artifact. */
const wordsOf = (holder: unknown): string =>
  isObject(holder)
    ? objectsOf(holder['parts'])
        .map(({ text }) => textOf(text) ?? '')
        .join('')
    : '';

/** States of a task that came to nothing. */
const FAILED: ReadonlySet<unknown> = new Set(['failed', 'canceled', 'rejected', 'auth-required']);

/** The error of a task that failed; undefined for any other. */
function failureOf(status: JsonObject): JsonObject | undefined {
  if (!FAILED.has(status['state'])) return undefined;
  const words = wordsOf(status['message']);
  return { error: { message: words === '' ? `The agent ended its task as ${String(status['state'])}.` : words } };
}

const statusOf = ({ status }: JsonObject): JsonObject => (isObject(status) ? status : {});

/** A message, or a task: what it made, else what it says of its state, else what it said last. */
function answer({ result }: JsonObject): JsonObject | undefined {
  if (!isObject(result)) return undefined;
  const failure = failureOf(statusOf(result));
  if (failure !== undefined) return failure;
  const said = objectsOf(result['history']).findLast(({ role }) => role === 'agent');
  const made = objectsOf(result['artifacts']).map(wordsOf).join('');
  const texts = [wordsOf(result), made, wordsOf(statusOf(result)['message']), wordsOf(said)];
  return answerOf(texts.find((text) => text !== '') ?? '');
}

/** Updates of a task. What a state says on the way is no answer, unless nothing else comes. */
function chunks(): ChunkReader {
  let spoke = false;
  const tell = (text: string, finish: string | null): JsonObject[] => {
    spoke ||= text !== '';
    return [chunkOf(text === '' ? undefined : text, finish)];
  };
  return ({ result }) => {
    if (!isObject(result)) return [];
    const { kind } = result;
    if (kind === 'artifact-update') return tell(wordsOf(result['artifact']), null);
    if (kind === 'message') return tell(wordsOf(result), 'stop');
    const status = statusOf(result);
    const failure = failureOf(status);
    if (failure !== undefined) return [failure];
    const over = result['final'] === true || status['state'] === 'completed' || status['state'] === 'input-required';
    if (!over) return tell('', null);
    const made = kind === 'task' ? objectsOf(result['artifacts']).map(wordsOf).join('') : '';
    const text = spoke ? '' : made === '' ? wordsOf(status['message']) : made;
    return tell(text, 'stop');
  };
}

/** Agents that speak it. */
export const a2a: Kin = { request, answer, chunks };
