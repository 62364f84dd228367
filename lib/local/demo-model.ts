/**
 * The demo model: no model at all, but it answers like one. It repeats what it was told, calls tools when they are asked for, keeps to
 * a JSON schema, and counts what it "read" and "wrote". The same request gets the same answer.
 */
import { isObject, type JsonObject } from '../kinds/json.ts';
import { instanceOf } from './demo-schema.ts';

/** A call of a tool; `arguments` is JSON text. */
interface DemoToolCall {
  readonly name: string;
  readonly arguments: string;
}

/** One alternative of an answer. */
export interface DemoChoice {
  readonly text: string;
  readonly toolCalls: readonly DemoToolCall[];
  readonly finish: 'stop' | 'length' | 'tool_calls';
}

/** An answer with its token counts. */
export interface DemoAnswer {
  readonly choices: readonly DemoChoice[];
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What the demo model says to a chat completion request, whose `messages` is a list of objects. */
export function demoAnswer(request: JsonObject): DemoAnswer {
  const messages = (request['messages'] as unknown[]).filter(isObject);
  const count = typeof request['n'] === 'number' ? Math.min(Math.max(1, Math.trunc(request['n'])), 16) : 1;
  const toolCalls = calledTools(request, messages);
  const choices = Array.from({ length: count }, (_, index): DemoChoice => {
    if (toolCalls.length > 0) return { text: '', toolCalls, finish: 'tool_calls' };
    const text = spoken(request, messages, count === 1 ? '' : ` (answer ${index + 1} of ${count})`);
    return shortened(text, request);
  });
  const tools = request['tools'] === undefined ? '' : JSON.stringify(request['tools']);
  return {
    choices,
    promptTokens: tokensOf(messages.map(textOf).join('\n') + tools).length + 4 * messages.length,
    completionTokens: choices
      .map(({ text, toolCalls: calls }) => tokensOf(text + calls.map((call) => call.name + call.arguments).join('')).length)
      .reduce((sum, tokens) => sum + tokens, 0),
  };
}

/** Text in the pieces it is streamed in: words with the space before them. */
export const wordsOf = (text: string): string[] => text.match(/\s*\S+|\s+$/g) ?? [];

/** The demo model's tokens: up to four letters or digits, or one other character, with a space before it. */
const tokensOf = (text: string): string[] => text.match(/\s?[\p{L}\p{N}]{1,4}|\s?[^\s\p{L}\p{N}]|\s/gu) ?? [];

function spoken(request: JsonObject, messages: readonly JsonObject[], suffix: string): string {
  const said = lastOf(messages, 'user');
  const format = request['response_format'];
  if (isObject(format) && format['type'] === 'json_schema' && isObject(format['json_schema'])) {
    return JSON.stringify(instanceOf(format['json_schema']['schema'], nameIn(said)));
  }
  if (isObject(format) && format['type'] === 'json_object') return JSON.stringify({ demo: true, you_said: said });
  if (messages.at(-1)?.['role'] === 'tool') {
    return `The tool answered: ${lastOf(messages, 'tool')}\nI am the demo model of Tollgate, so I cannot make more of it${suffix}.`;
  }
  return (
    `Hello from the demo model of Tollgate${suffix}. I run on this machine and am no language model: I repeat what I hear.\n\n` +
    `You said: ${said === '' ? '(nothing)' : said}\n\n` +
    'Set a provider key such as OPENAI_API_KEY or ANTHROPIC_API_KEY and start again to talk to a real model.'
  );
}

/** Cuts at the first stop sequence, then at the token limit. */
function shortened(text: string, request: JsonObject): DemoChoice {
  const stops = [request['stop']].flat().filter((stop) => typeof stop === 'string' && stop !== '') as string[];
  const ends = stops.map((stop) => text.indexOf(stop)).filter((at) => at !== -1);
  const stopped = text.slice(0, Math.min(text.length, ...ends));
  const limit = request['max_completion_tokens'] ?? request['max_tokens'];
  const tokens = tokensOf(stopped);
  if (typeof limit !== 'number' || tokens.length <= limit) return { text: stopped, toolCalls: [], finish: 'stop' };
  return { text: tokens.slice(0, Math.max(0, limit)).join(''), toolCalls: [], finish: 'length' };
}

/** Tools that `tool_choice` demands, or that the last words of the user name or ask for. None once results are in. */
function calledTools(request: JsonObject, messages: readonly JsonObject[]): DemoToolCall[] {
  const offered = (Array.isArray(request['tools']) ? (request['tools'] as unknown[]) : [])
    .map((tool) => (isObject(tool) ? tool['function'] : undefined))
    .filter(isObject);
  const choice = request['tool_choice'] ?? 'auto';
  const [first] = offered;
  if (first === undefined || choice === 'none') return [];

  const said = lastOf(messages, 'user');
  const call = (tool: JsonObject): DemoToolCall => ({
    name: String(tool['name']),
    arguments: JSON.stringify(instanceOf(tool['parameters'] ?? { type: 'object' }, nameIn(said))),
  });
  if (isObject(choice) && isObject(choice['function'])) {
    const { name } = choice['function'];
    return offered.filter((tool) => tool['name'] === name).map(call);
  }
  const named = offered.filter((tool) => asksFor(said, String(tool['name'])));
  const wanted = request['parallel_tool_calls'] === false ? named.slice(0, 1) : named;
  if (choice === 'required') return (wanted.length > 0 ? wanted : [first]).map(call);
  if (messages.at(-1)?.['role'] !== 'user') return [];
  return (wanted.length === 0 && /\btools?\b/i.test(said) ? [first] : wanted).map(call);
}

/** True when the text has a telling word of the tool's name: `weather` of `get_weather`. */
function asksFor(text: string, name: string): boolean {
  const telling = name
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 3);
  const words = new Set(text.toLowerCase().split(/[^a-z0-9]+/));
  return text.includes(name) || telling.some((word) => words.has(word));
}

/** A name in the text, for free strings of schemas: its last capitalised word that does not begin a sentence. */
const nameIn = (text: string): string => [...text.matchAll(/(?<=[\p{Ll},] )\p{Lu}\p{L}+/gu)].at(-1)?.[0] ?? 'demo';

const lastOf = (messages: readonly JsonObject[], role: string): string =>
  textOf(messages.findLast((message) => message['role'] === role) ?? {});

function textOf(message: JsonObject): string {
  const { content } = message;
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .filter(isObject)
    .map((part) => (typeof part['text'] === 'string' ? part['text'] : `(${String(part['type'])})`))
    .join(' ');
}
