/** The settings of a request as its response object repeats them, with OpenAI's defaults where the client left them open. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { ReplyContext } from '../dialect.ts';

/** The format of `text` when nobody asked for another. */
const PLAIN: JsonObject = { type: 'text' };

/** Fields of the response object that come from the request. `tier` is the service tier that served the call, when known. */
export function echoOf({ request = {} }: ReplyContext, tier: string | undefined): JsonObject {
  const text = isObject(request['text']) ? request['text'] : {};
  const reasoning = isObject(request['reasoning']) ? request['reasoning'] : {};
  return {
    background: request['background'] ?? false,
    instructions: request['instructions'] ?? null,
    max_output_tokens: request['max_output_tokens'] ?? null,
    max_tool_calls: request['max_tool_calls'] ?? null,
    parallel_tool_calls: request['parallel_tool_calls'] ?? true,
    previous_response_id: request['previous_response_id'] ?? null,
    prompt_cache_key: request['prompt_cache_key'] ?? null,
    reasoning: { ...reasoning, effort: reasoning['effort'] ?? null, summary: reasoning['summary'] ?? null },
    safety_identifier: request['safety_identifier'] ?? null,
    service_tier: tier ?? request['service_tier'] ?? 'default',
    store: request['store'] ?? true,
    temperature: request['temperature'] ?? 1,
    text: { ...text, format: text['format'] ?? PLAIN },
    tool_choice: request['tool_choice'] ?? 'auto',
    tools: request['tools'] ?? [],
    top_logprobs: request['top_logprobs'] ?? 0,
    top_p: request['top_p'] ?? 1,
    truncation: request['truncation'] ?? 'disabled',
    user: request['user'] ?? null,
    metadata: request['metadata'] ?? {},
    ...(request['conversation'] != null && { conversation: conversationOf(request['conversation']) }),
  };
}

const conversationOf = (conversation: unknown): unknown =>
  typeof conversation === 'string' ? { id: conversation } : conversation;
