/**
 * Agents with tools and signed reasoning whose provider changes between turns: whatever the client, each provider gets back its own
 * proofs unchanged, nobody else's, and every call with its result.
 */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, type World } from '../support/agent-world.ts';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { startUpstream, type Seen, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  gateway = await serveGateway(upstream.url, {
    deployments: [
      aDeployment({
        id: 'd1',
        modelName: 'llama',
        provider: 'groq',
        model: 'llama-3.3-70b',
        apiBase: `${upstream.url}/v1`,
        credential,
      }),
      aDeployment({
        id: 'd2',
        modelName: 'claude',
        provider: 'anthropic',
        model: 'claude-sonnet-4-5',
        apiBase: upstream.url,
        credential,
      }),
      aDeployment({
        id: 'd3',
        modelName: 'router',
        provider: 'openrouter',
        model: 'openai/gpt-5',
        apiBase: `${upstream.url}/router/v1`,
        credential,
      }),
    ],
  });
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.masterKey, maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: gateway.url, apiKey: gateway.masterKey, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const QUESTION = 'What is the weather in Paris and in Rome?';
const SCHEMA = { type: 'object' as const, properties: { city: { type: 'string' } } };

/** Models in the order of the turns: each provider comes back after the others have spoken. */
const ROUTES = [
  ['claude', 'router', 'claude', 'router', 'claude'],
  ['router', 'claude', 'router', 'claude', 'router'],
  ['claude', 'llama', 'router', 'llama', 'claude'],
  ['claude', 'claude', 'router', 'router', 'claude', 'claude'],
];

const MODES = ROUTES.flatMap((route) => [false, true].map((stream) => ({ route, stream, name: route.join(' > ') })));

type ChatMessage = OpenAI.ChatCompletionMessageParam & Record<string, unknown>;

/** An answer of the gateway as an OpenAI client keeps it: every field, also those the SDK does not know. */
async function chatTurn(model: string, messages: readonly ChatMessage[], stream: boolean): Promise<ChatMessage> {
  const asked = {
    model,
    messages: [...messages],
    reasoning_effort: 'medium' as const,
    tools: [{ type: 'function' as const, function: { name: 'weather', parameters: SCHEMA } }],
  };
  if (!stream) {
    const answer = await openai.chat.completions.create(asked);
    return answer.choices[0]?.message as unknown as ChatMessage;
  }
  const message: Record<string, unknown> = {};
  const calls: { id: string; type: string; function: { name: string; arguments: string } }[] = [];
  for await (const chunk of await openai.chat.completions.create({ ...asked, stream: true })) {
    const { tool_calls: pieces = [], ...delta } = chunk.choices[0]?.delta ?? {};
    for (const { index, id = '', function: piece } of pieces) {
      const call = (calls[index] ??= { id, type: 'function', function: { name: '', arguments: '' } });
      call.function.name += piece?.name ?? '';
      call.function.arguments += piece?.arguments ?? '';
    }
    for (const [name, value] of Object.entries(delta)) {
      const before = message[name];
      if (name === 'role') message[name] = value;
      else if (Array.isArray(value)) message[name] = [...((before as unknown[] | undefined) ?? []), ...(value as unknown[])];
      else if (typeof value === 'string') message[name] = (typeof before === 'string' ? before : '') + value;
    }
  }
  return { ...message, ...(calls.length > 0 && { tool_calls: calls }) } as unknown as ChatMessage;
}

async function chatLoop(route: readonly string[], stream: boolean): Promise<unknown> {
  const messages: ChatMessage[] = [{ role: 'user', content: QUESTION }];
  for (const model of route) {
    const message = await chatTurn(model, messages, stream);
    messages.push(message);
    for (const { id } of (message['tool_calls'] as { id: string }[] | undefined) ?? []) {
      messages.push({ role: 'tool', tool_call_id: id, content: 'Sunny' });
    }
  }
  return messages.at(-1)?.content;
}

async function messageLoop(route: readonly string[], stream: boolean): Promise<unknown> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: QUESTION }];
  for (const model of route) {
    const asked = {
      model,
      messages,
      max_tokens: 4_000,
      thinking: { type: 'enabled' as const, budget_tokens: 2_000 },
      tools: [{ name: 'weather', input_schema: SCHEMA }],
    };
    const { content } = stream ? await anthropic.messages.stream(asked).finalMessage() : await anthropic.messages.create(asked);
    messages.push({ role: 'assistant', content });
    const results = content
      .filter(({ type }) => type === 'tool_use')
      .map((block) => ({
        type: 'tool_result' as const,
        tool_use_id: (block as Anthropic.ToolUseBlock).id,
        content: 'Sunny',
      }));
    if (results.length > 0) messages.push({ role: 'user', content: results });
  }
  const last = messages.at(-1)?.content;
  return Array.isArray(last) ? last.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('') : last;
}

/** Proofs of a provider that its request holds, of those given out before it. */
function returned(seen: readonly Seen[], given: readonly string[]): string[][] {
  return seen.map(({ text }) => given.filter((proof) => text.includes(`"${proof}"`)));
}

function expectProofsBack(world: World, seen: readonly Seen[]): void {
  const ofAnthropic = seen.filter(({ path }) => path.endsWith('/messages'));
  const ofRouter = seen.filter(({ path }) => path.startsWith('/router'));
  const all = (given: readonly string[], each: number, requests: number): string[][] =>
    Array.from({ length: requests }, (_, at) => given.slice(0, at * each));
  expect(returned(ofAnthropic, world.proofs.anthropic)).toEqual(all(world.proofs.anthropic, 2, ofAnthropic.length));
  expect(returned(ofRouter, world.proofs.router)).toEqual(all(world.proofs.router, 1, ofRouter.length));
}

describe.each([
  { client: 'the OpenAI SDK', loop: chatLoop },
  { client: 'the Anthropic SDK', loop: messageLoop },
])('an agent on $client', ({ loop }) => {
  it.each(MODES)('goes $name (streams: $stream)', async ({ route, stream }) => {
    const world = createWorld(route.length);
    const before = upstream.seen.length;
    upstream.answer(world.script);

    const text = await loop(route, stream);

    expect(world.faults).toEqual([]);
    expect(text).toBe('Sunny in both.');
    expectProofsBack(world, upstream.seen.slice(before));
  });
});
