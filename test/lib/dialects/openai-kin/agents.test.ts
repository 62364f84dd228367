/** Agents: conversations in, words out, whatever they did in between. */
import { describe, expect, it } from 'vitest';
import { requestOf } from '../text-generation/support.ts';
import { encode, provesCuts, sse, streamed, TALK, whole } from './support.ts';

const text = (words: string) => ({ type: 'text', text: words }) as const;
const ANSWER = { choices: [{ index: 0, parts: [text('Grüezi – ✓')], finish: 'stop' }] };
const CHAT = requestOf({
  messages: [
    { role: 'system', parts: [text('Be kind.')] },
    { role: 'user', parts: [text('Hi')] },
    { role: 'assistant', parts: [text('Hello')] },
    { role: 'user', parts: [text('Bye')] },
  ],
  stream: true,
});
const TRANSCRIPT = 'System: Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye';
const named = (event: string, value: unknown): string => `event: ${event}\n${sse(value)}`;
/** `raw` is the word for the end, which not every answer has. */
const plain = ({ choices, usage, error }: ReturnType<typeof whole>) => ({
  choices: choices.map(({ index, parts, finish }) => ({ index, parts, finish })),
  ...(usage !== undefined && { usage }),
  ...(error !== undefined && { error }),
});

describe('an agent', () => {
  it.each(['a2a', 'agent-engine', 'azure-agents', 'langgraph'])(
    'of %s is told what was said, and what it is not told is warned of',
    (variant) => {
      const { body, warnings } = encode(variant, TALK);

      expect(JSON.stringify(body)).toContain('Weather?');
      expect(JSON.stringify(body)).toContain('sunny');
      expect(warnings.map(({ field }) => field)).toEqual(expect.arrayContaining(['tools', 'tool_choice', 'seed', 'stop']));
    },
  );
});

describe('LangGraph', () => {
  it('takes messages', () => {
    expect(encode('langgraph', CHAT, 'agent')).toMatchObject({
      body: {
        assistant_id: 'agent',
        input: {
          messages: [
            { role: 'system', content: 'Be kind.' },
            { role: 'human', content: 'Hi' },
            { role: 'assistant', content: 'Hello' },
            { role: 'human', content: 'Bye' },
          ],
        },
        stream_mode: 'messages-tuple',
      },
      warnings: [],
    });
  });

  const piece = (content: unknown, more: object = {}): string =>
    named('messages', [{ type: 'AIMessageChunk', content, ...more }, { langgraph_node: 'model' }]);
  const STREAM = [
    named('metadata', { run_id: 'r1' }),
    piece('', { tool_call_chunks: [{ name: 'f' }], usage_metadata: { input_tokens: 10, output_tokens: 2 } }),
    named('messages', [{ type: 'tool', content: 'sunny' }, {}]),
    piece([{ type: 'text', text: 'Grüezi' }]),
    piece(' – ✓', { usage_metadata: { input_tokens: 20, output_tokens: 5 } }),
    named('end', null),
  ].join('');
  const USAGE = { inputTokens: 30, outputTokens: 7, source: 'provider' };

  it('answers with a state, or in pieces; every call of a model counts', () => {
    const ai = (content: string, input: number, output: number) => ({
      type: 'ai',
      content,
      usage_metadata: { input_tokens: input, output_tokens: output },
    });
    const messages = [
      ai('Hello', 99, 99),
      { type: 'human', content: 'Bye' },
      ai('', 10, 2),
      { type: 'tool' },
      ai('Grüezi – ✓', 20, 5),
    ];

    expect(plain(whole('langgraph', { messages }))).toEqual({ ...ANSWER, usage: USAGE });
    expect(plain(whole('langgraph', { values: { messages } }))).toEqual({ ...ANSWER, usage: USAGE });
    expect(plain(streamed('langgraph', STREAM))).toEqual({ ...ANSWER, usage: USAGE });
    expect(() => whole('langgraph', { messages: [] })).toThrow();
    expect(() => whole('langgraph', { __error__: { error: 'ValueError', message: 'no' } })).toThrow();
  });

  it('may be cut anywhere; nothing at all is an error, and so is what it calls one', () => {
    provesCuts('langgraph', STREAM);
    expect(
      streamed('langgraph', piece('Hi') + named('error', { error: 'ValueError', message: 'It broke.' })).error?.message,
    ).toMatch(/It broke|ValueError/);
  });
});

describe('Azure’s agents', () => {
  it('take a thread, and instructions beside their own', () => {
    expect(
      encode('azure-agents', { ...CHAT, stream: false, maxOutputTokens: 64, sampling: { temperature: 0.5 } }, 'asst_1').body,
    ).toEqual({
      assistant_id: 'asst_1',
      thread: {
        messages: [
          { role: 'user', content: 'Hi' },
          { role: 'assistant', content: 'Hello' },
          { role: 'user', content: 'Bye' },
        ],
      },
      additional_instructions: 'Be kind.',
      max_completion_tokens: 64,
      temperature: 0.5,
      stream: true,
    });
  });

  const delta = (value: string): string =>
    named('thread.message.delta', { id: 'm', delta: { content: [{ index: 0, type: 'text', text: { value } }] } });
  const usage = { prompt_tokens: 30, completion_tokens: 7, total_tokens: 37 };
  const STREAM = [
    named('thread.run.created', { id: 'run_1', status: 'queued' }),
    delta('Grüezi'),
    delta(' – ✓'),
    named('thread.run.completed', { id: 'run_1', usage }),
    'event: done\ndata: [DONE]\n\n',
  ].join('');

  it('answer in pieces, with what the run counted', () => {
    expect(plain(streamed('azure-agents', STREAM))).toEqual({
      ...ANSWER,
      usage: { inputTokens: 30, outputTokens: 7, source: 'provider' },
    });
    provesCuts('azure-agents', STREAM);
    expect(streamed('azure-agents', delta('Hal')).error?.message).toMatch(/before the answer was finished/);
  });

  it.each([
    ['failed', { last_error: { code: 'rate_limit_exceeded', message: 'Too fast.' } }, 'Too fast.'],
    ['expired', {}, 'expired'],
    ['requires_action', {}, 'requires_action'],
  ])('whose run %s answer with an error', (ending, value, words) => {
    expect(streamed('azure-agents', delta('Hal') + named(`thread.run.${ending}`, value)).error?.message).toContain(words);
  });
});

describe('Agent Engine', () => {
  it('takes one message, of a user', () => {
    expect(encode('agent-engine', { ...CHAT, user: 'u1' })).toMatchObject({
      body: { class_method: 'stream_query', input: { message: TRANSCRIPT, user_id: 'u1' } },
      warnings: [{ kind: 'changed', field: 'messages' }],
    });
  });

  it('answers step by step: what came in pieces is neither told nor counted twice', () => {
    const counted = { prompt_token_count: 15, candidates_token_count: 3 };
    const step = (parts: readonly object[], more: object = {}) => ({ content: { parts, role: 'model' }, ...more });
    const stream = sse(
      step([{ text: 'Hm.', thought: true }, { function_call: {} }], { usage_metadata: counted }),
      step([{ text: 'Grüezi' }], { partial: true, usage_metadata: counted }),
      step([{ text: ' – ✓' }], { partial: true }),
      step([{ text: 'Grüezi – ✓' }], { usage_metadata: { ...counted, candidates_token_count: 4 } }),
    );

    expect(plain(streamed('agent-engine', stream))).toEqual({
      ...ANSWER,
      usage: { inputTokens: 30, outputTokens: 7, source: 'provider' },
    });
    expect(streamed('agent-engine', '').error?.kind).toBe('upstream');
    expect(streamed('agent-engine', sse({ error: { code: 500, message: 'It broke.' } })).error?.message).toBe('It broke.');
  });
});

describe('A2A', () => {
  it('takes one message, by one of two methods', () => {
    const { body } = encode('a2a', CHAT);

    expect(body).toMatchObject({
      jsonrpc: '2.0',
      method: 'message/stream',
      params: { message: { kind: 'message', role: 'user', parts: [{ kind: 'text', text: TRANSCRIPT }] } },
    });
    expect(encode('a2a', requestOf())).toMatchObject({
      body: { method: 'message/send', params: { message: { parts: [{ text: 'Hi' }] } } },
      warnings: [],
    });
  });

  const parts = (words: string) => [{ kind: 'text', text: words }];
  const rpc = (result: object) => ({ jsonrpc: '2.0', id: '1', result });
  const status = (state: string, words?: string) => ({
    state,
    ...(words !== undefined && { message: { role: 'agent', parts: parts(words) } }),
  });

  it.each([
    ['a message', { kind: 'message', role: 'agent', parts: parts('Grüezi – ✓') }],
    [
      'a task with artifacts',
      { kind: 'task', status: status('completed', 'Done.'), artifacts: [{ parts: parts('Grüezi – ✓') }] },
    ],
    ['the state of a task', { kind: 'task', status: status('input-required', 'Grüezi – ✓') }],
    [
      'the history of a task',
      { kind: 'task', status: status('completed'), history: [{ role: 'agent', parts: parts('Grüezi – ✓') }] },
    ],
  ])('answers with %s', (_what, result) => {
    expect(plain(whole('a2a', rpc(result)))).toEqual(ANSWER);
  });

  it('answers in updates of a task, or with one message', () => {
    const stream = sse(
      rpc({ kind: 'task', id: 't', status: status('submitted') }),
      rpc({ kind: 'status-update', status: status('working', 'Thinking'), final: false }),
      rpc({ kind: 'artifact-update', artifact: { parts: parts('Grüezi') } }),
      rpc({ kind: 'artifact-update', artifact: { parts: parts(' – ✓') }, append: true, lastChunk: true }),
      rpc({ kind: 'status-update', status: status('completed', 'Done.'), final: true }),
    );

    expect(plain(streamed('a2a', stream))).toEqual(ANSWER);
    expect(plain(streamed('a2a', sse(rpc({ kind: 'message', parts: parts('Grüezi – ✓') }))))).toEqual(ANSWER);
    expect(
      plain(streamed('a2a', sse(rpc({ kind: 'status-update', status: status('completed', 'Grüezi – ✓'), final: true })))),
    ).toEqual(ANSWER);
    provesCuts('a2a', stream);
  });

  it('may fail: as a call, as a task, or in the middle', () => {
    expect(() => whole('a2a', { jsonrpc: '2.0', id: '1', error: { code: -32603, message: 'Internal.' } })).toThrow('Internal.');
    expect(() => whole('a2a', rpc({ kind: 'task', status: status('failed', 'No tool.') }))).toThrow('No tool.');
    expect(() => whole('a2a', rpc({ kind: 'task', status: status('rejected') }))).toThrow(/rejected/);
    const broken = sse(
      rpc({ kind: 'artifact-update', artifact: { parts: parts('Hal') } }),
      rpc({ kind: 'status-update', status: status('failed', 'No.') }),
    );
    expect(streamed('a2a', broken).error?.message).toBe('No.');
  });
});
