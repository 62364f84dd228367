/**
 * Agents of Azure AI Foundry: `POST /threads/runs`, which begins a thread and runs the agent on it, always streamed. Source: the types
 * of `@azure/ai-agents` (1.1), checked 2026-11-28.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { saidIn } from './agent.ts';
import { chunkOf, type ChunkReader, type Kin } from './wire.ts';

/** What the system says goes beside the agent's own instructions. */
function request(body: JsonObject, warn: Warn): JsonObject {
  const { max_completion_tokens, temperature, top_p, ...rest } = body;
  const said = saidIn(rest, warn);
  const instructions = said.filter(({ role }) => role === 'system').map(({ text }) => text);
  const messages = said.filter(({ role }) => role !== 'system').map(({ role, text }) => ({ role, content: text }));
  return {
    assistant_id: body['model'],
    thread: { messages },
    ...(instructions.length > 0 && { additional_instructions: instructions.join('\n\n') }),
    ...present('max_completion_tokens', max_completion_tokens ?? undefined),
    ...present('temperature', temperature ?? undefined),
    ...present('top_p', top_p ?? undefined),
    stream: true,
  };
}

/** Words of runs that came to nothing. */
const FAILED: ReadonlySet<string> = new Set(['failed', 'cancelled', 'expired', 'incomplete', 'requires_action']);

function chunks(): ChunkReader {
  return (value, event = '') => {
    if (event === 'thread.message.delta') {
      const { delta } = value;
      const parts = isObject(delta) ? objectsOf(delta['content']) : [];
      const text = parts.map((part) => (isObject(part['text']) ? (textOf(part['text']['value']) ?? '') : '')).join('');
      return text === '' ? [] : [chunkOf(text)];
    }
    const [, ending = ''] = /^thread\.run\.(\w+)$/.exec(event) ?? [];
    if (ending === 'completed') {
      const usage = isObject(value['usage']) ? { usage: value['usage'] } : {};
      return [{ ...chunkOf(undefined, 'stop'), ...usage }];
    }
    if (!FAILED.has(ending)) return [];
    const reason = isObject(value['last_error']) ? textOf(value['last_error']['message']) : undefined;
    return [{ error: { message: reason ?? `The run of the agent ended as ${ending}.` } }];
  };
}

/** Agents, whose answers are never whole. */
export const azureAgents: Kin = { request, answer: () => undefined, chunks };
