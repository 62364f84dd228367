/**
 * Official clients of every dialect, against one provider that speaks OpenAI's: each chats, streams, makes a tool round trip, and gets
 * the provider's error in its own words.
 */
import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { createGoogleGenerativeAI } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand, type Message } from '@aws-sdk/client-bedrock-runtime';
import { GoogleGenAI } from '@google/genai';
import { ChatAnthropic } from '@langchain/anthropic';
import { HumanMessage, ToolMessage } from '@langchain/core/messages';
import { ChatOpenAI } from '@langchain/openai';
import { Mistral } from '@mistralai/mistralai';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { generateText, jsonSchema, stepCountIs, streamText, tool, type LanguageModel } from 'ai';
import { CohereClientV2 } from 'cohere-ai';
import Groq from 'groq-sdk';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { scriptedChat } from '../support/scripted-chat.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;

beforeAll(async () => {
  upstream = await startUpstream(scriptedChat);
  // A provider that speaks chat alone, so that every other dialect is translated.
  const chatOnly = aDeployment({
    provider: 'groq',
    apiBase: `${upstream.url}/v1`,
    credential: { type: 'value', value: 'secret' },
  });
  gateway = await serveGateway(upstream.url, { deployments: [chatOnly] });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const MODEL = 'gpt-4o-mini';
const SCHEMA = { type: 'object' as const, properties: { city: { type: 'string' as const } }, required: ['city'] };
const TOOL = { name: 'weather', description: 'Weather of a city', parameters: SCHEMA };
const QUESTION = 'Weather in Paris?';
const RESULT = '18 C';

/** What each client must be able to do. `tool` runs the whole round trip and returns what the model says at the end. */
interface Client {
  readonly chat: (text: string) => Promise<string>;
  readonly stream: (text: string) => Promise<string>;
  readonly tool: () => Promise<string>;
}

function google(): Client {
  const ai = new GoogleGenAI({ apiKey: gateway.masterKey, httpOptions: { baseUrl: gateway.url } });
  const config = {
    tools: [{ functionDeclarations: [{ name: TOOL.name, description: TOOL.description, parametersJsonSchema: SCHEMA }] }],
  };
  return {
    chat: async (text) => (await ai.models.generateContent({ model: MODEL, contents: text })).text ?? '',
    stream: async (text) => {
      const chunks = await Array.fromAsync(await ai.models.generateContentStream({ model: MODEL, contents: text }));
      return chunks.map((chunk) => chunk.text ?? '').join('');
    },
    tool: async () => {
      const first = await ai.models.generateContent({ model: MODEL, contents: QUESTION, config });
      const call = first.functionCalls?.[0];
      expect(call).toMatchObject({ name: 'weather', args: { city: 'Paris' } });
      const second = await ai.models.generateContent({
        model: MODEL,
        config,
        contents: [
          { role: 'user', parts: [{ text: QUESTION }] },
          { role: 'model', parts: first.candidates?.[0]?.content?.parts ?? [] },
          {
            role: 'user',
            parts: [
              {
                functionResponse: {
                  name: 'weather',
                  ...(call?.id === undefined ? {} : { id: call.id }),
                  response: { output: RESULT },
                },
              },
            ],
          },
        ],
      });
      return second.text ?? '';
    },
  };
}

function bedrock(): Client {
  const client = new BedrockRuntimeClient({
    region: 'us-east-1',
    endpoint: gateway.url,
    token: { token: gateway.masterKey },
    authSchemePreference: ['httpBearerAuth'],
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  const toolConfig = {
    tools: [{ toolSpec: { name: TOOL.name, description: TOOL.description, inputSchema: { json: SCHEMA } } }],
  };
  const user = (text: string): Message => ({ role: 'user', content: [{ text }] });
  const textIn = (message: Message | undefined): string => (message?.content ?? []).map((block) => block.text ?? '').join('');
  return {
    chat: async (text) =>
      textIn((await client.send(new ConverseCommand({ modelId: MODEL, messages: [user(text)] }))).output?.message),
    stream: async (text) => {
      const { stream = [] } = await client.send(new ConverseStreamCommand({ modelId: MODEL, messages: [user(text)] }));
      const events = await Array.fromAsync(stream as AsyncIterable<{ contentBlockDelta?: { delta?: { text?: string } } }>);
      return events.map(({ contentBlockDelta }) => contentBlockDelta?.delta?.text ?? '').join('');
    },
    tool: async () => {
      const first = await client.send(new ConverseCommand({ modelId: MODEL, messages: [user(QUESTION)], toolConfig }));
      expect(first.stopReason).toBe('tool_use');
      const assistant = first.output?.message ?? { role: 'assistant', content: [] };
      const use = assistant.content?.find((block) => block.toolUse !== undefined)?.toolUse;
      expect(use).toMatchObject({ name: 'weather', input: { city: 'Paris' } });
      const result: Message = {
        role: 'user',
        content: [{ toolResult: { toolUseId: use?.toolUseId, content: [{ text: RESULT }] } }],
      };
      const second = await client.send(
        new ConverseCommand({ modelId: MODEL, messages: [user(QUESTION), assistant, result], toolConfig }),
      );
      return textIn(second.output?.message);
    },
  };
}

function cohere(): Client {
  const client = new CohereClientV2({ token: gateway.masterKey, environment: gateway.url });
  const tools = [{ type: 'function' as const, function: TOOL }];
  const textIn = (content: readonly { type: string; text?: string }[] | undefined): string =>
    (content ?? []).map(({ text }) => text ?? '').join('');
  const user = (content: string) => ({ role: 'user' as const, content });
  return {
    chat: async (text) =>
      textIn((await client.chat({ model: MODEL, messages: [user(text)] }, { maxRetries: 0 })).message.content),
    stream: async (text) => {
      const events = await Array.fromAsync(
        await client.chatStream({ model: MODEL, messages: [user(text)] }, { maxRetries: 0 }),
      );
      return events
        .map((event) => (event.type === 'content-delta' ? (event.delta?.message?.content?.text ?? '') : ''))
        .join('');
    },
    tool: async () => {
      const first = await client.chat({ model: MODEL, messages: [user(QUESTION)], tools });
      const calls = first.message.toolCalls ?? [];
      expect(calls[0]?.function).toMatchObject({ name: 'weather', arguments: '{"city":"Paris"}' });
      const second = await client.chat({
        model: MODEL,
        tools,
        messages: [
          user(QUESTION),
          { role: 'assistant', toolCalls: calls },
          { role: 'tool', toolCallId: calls[0]?.id ?? '', content: RESULT },
        ],
      });
      return textIn(second.message.content);
    },
  };
}

function mistral(): Client {
  const client = new Mistral({ apiKey: gateway.masterKey, serverURL: gateway.url });
  const tools = [{ type: 'function' as const, function: TOOL }];
  const user = (content: string) => ({ role: 'user' as const, content });
  const textIn = (content: unknown): string => (typeof content === 'string' ? content : '');
  return {
    chat: async (text) =>
      textIn((await client.chat.complete({ model: MODEL, messages: [user(text)] })).choices[0]?.message?.content),
    stream: async (text) => {
      const events = await Array.fromAsync(await client.chat.stream({ model: MODEL, messages: [user(text)] }));
      return events.map(({ data }) => textIn(data.choices[0]?.delta.content)).join('');
    },
    tool: async () => {
      const first = await client.chat.complete({ model: MODEL, messages: [user(QUESTION)], tools });
      const toolCalls = first.choices[0]?.message?.toolCalls ?? [];
      expect(toolCalls[0]?.function.name).toBe('weather');
      const second = await client.chat.complete({
        model: MODEL,
        tools,
        messages: [
          user(QUESTION),
          { role: 'assistant', toolCalls },
          { role: 'tool', toolCallId: toolCalls[0]?.id ?? '', content: RESULT },
        ],
      });
      return textIn(second.choices[0]?.message?.content);
    },
  };
}

function ollama(): Client {
  const client = new Ollama({ host: gateway.url, headers: { authorization: `Bearer ${gateway.masterKey}` } });
  const tools = [{ type: 'function', function: { ...TOOL, parameters: SCHEMA } }];
  const user = { role: 'user', content: QUESTION };
  return {
    chat: async (text) => (await client.chat({ model: MODEL, messages: [{ role: 'user', content: text }] })).message.content,
    stream: async (text) => {
      const parts = await Array.fromAsync(
        await client.chat({ model: MODEL, messages: [{ role: 'user', content: text }], stream: true }),
      );
      return parts.map(({ message }) => message.content).join('');
    },
    tool: async () => {
      const { message } = await client.chat({ model: MODEL, messages: [user], tools });
      expect(message.tool_calls?.[0]?.function).toMatchObject({ name: 'weather', arguments: { city: 'Paris' } });
      const second = await client.chat({
        model: MODEL,
        messages: [user, message, { role: 'tool', tool_name: 'weather', content: RESULT }],
        tools,
      });
      return second.message.content;
    },
  };
}

function groq(): Client {
  const client = new Groq({ apiKey: gateway.masterKey, baseURL: gateway.url, maxRetries: 0 });
  const tools = [{ type: 'function' as const, function: TOOL }];
  const user = (content: string) => ({ role: 'user' as const, content });
  return {
    chat: async (text) =>
      (await client.chat.completions.create({ model: MODEL, messages: [user(text)] })).choices[0]?.message.content ?? '',
    stream: async (text) => {
      const chunks = await Array.fromAsync(
        await client.chat.completions.create({ model: MODEL, messages: [user(text)], stream: true }),
      );
      return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    },
    tool: async () => {
      const first = await client.chat.completions.create({ model: MODEL, messages: [user(QUESTION)], tools });
      const calls = first.choices[0]?.message.tool_calls ?? [];
      expect(calls[0]?.function.arguments).toBe('{"city":"Paris"}');
      const second = await client.chat.completions.create({
        model: MODEL,
        tools,
        messages: [
          user(QUESTION),
          { role: 'assistant', tool_calls: calls },
          { role: 'tool', tool_call_id: calls[0]?.id ?? '', content: RESULT },
        ],
      });
      return second.choices[0]?.message.content ?? '';
    },
  };
}

function langchain(model: () => ChatOpenAI | ChatAnthropic): Client {
  const tools = [{ type: 'function' as const, function: TOOL }];
  return {
    chat: async (text) => (await model().invoke(text)).text,
    stream: async (text) => (await Array.fromAsync(await model().stream(text))).map((chunk) => chunk.text).join(''),
    tool: async () => {
      const bound = model().bindTools(tools);
      const first = await bound.invoke(QUESTION);
      const call = first.tool_calls?.[0];
      expect(call).toMatchObject({ name: 'weather', args: { city: 'Paris' } });
      const result = new ToolMessage({ content: RESULT, tool_call_id: call?.id ?? '' });
      return (await bound.invoke([new HumanMessage(QUESTION), first, result])).text;
    },
  };
}

function vercel(model: () => LanguageModel): Client {
  const weather = tool({
    description: TOOL.description,
    inputSchema: jsonSchema<{ city: string }>(SCHEMA),
    execute: async () => RESULT,
  });
  return {
    chat: async (prompt) => (await generateText({ model: model(), prompt, maxRetries: 0 })).text,
    stream: async (prompt) =>
      (await Array.fromAsync(streamText({ model: model(), prompt, maxRetries: 0 }).textStream)).join(''),
    tool: async () =>
      (await generateText({ model: model(), prompt: QUESTION, tools: { weather }, stopWhen: stepCountIs(3), maxRetries: 0 }))
        .text,
  };
}

const key = (): string => gateway.masterKey;
const CLIENTS: Readonly<Record<string, () => Client>> = {
  '@google/genai': google,
  '@aws-sdk/client-bedrock-runtime': bedrock,
  'cohere-ai': cohere,
  '@mistralai/mistralai': mistral,
  ollama,
  'groq-sdk': groq,
  '@langchain/openai': () =>
    langchain(
      () => new ChatOpenAI({ model: MODEL, apiKey: key(), maxRetries: 0, configuration: { baseURL: `${gateway.url}/v1` } }),
    ),
  '@langchain/anthropic': () =>
    langchain(() => new ChatAnthropic({ model: MODEL, apiKey: key(), maxRetries: 0, anthropicApiUrl: gateway.url })),
  '@ai-sdk/openai, Responses API': () =>
    vercel(() => createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key() }).responses(MODEL)),
  '@ai-sdk/openai, chat': () => vercel(() => createOpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key() }).chat(MODEL)),
  '@ai-sdk/google': () => vercel(() => createGoogleGenerativeAI({ baseURL: `${gateway.url}/v1beta`, apiKey: key() })(MODEL)),
  '@ai-sdk/amazon-bedrock': () =>
    vercel(() => createAmazonBedrock({ baseURL: gateway.url, apiKey: key(), region: 'us-east-1' })(MODEL)),
};

describe.each(Object.keys(CLIENTS))('%s', (name) => {
  const client = (): Client => {
    const make = CLIENTS[name];
    if (make === undefined) throw new Error(`no client ${name}`);
    return make();
  };

  it('chats', async () => {
    expect(await client().chat('Hello there')).toBe('You said: Hello there');
  });

  it('streams', async () => {
    expect(await client().stream('Hello there')).toBe('You said: Hello there');
  });

  it('makes a tool round trip', async () => {
    expect(await client().tool()).toContain(RESULT);
  });

  it("gets the provider's error", async () => {
    await expect(client().chat('please fail')).rejects.toThrow(/It failed\./);
  });
});
