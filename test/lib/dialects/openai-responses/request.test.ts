import { describe, expect, it } from 'vitest';
import type { UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';
import { packProof } from '../../../../lib/dialects/proof.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateRequest, Message, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { roundTrip } from './support.ts';

const decodeRequest = (body: JsonObject): GenerateRequest => openaiResponses.decodeRequest(body);

const decode = (more: JsonObject): GenerateRequest => decodeRequest({ model: 'm', input: 'Hi', ...more });
const messagesOf = (...input: JsonObject[]): readonly Message[] => decode({ input }).messages;

const requestOf = (more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model: 'm',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  sampling: {},
  stream: false,
  includeUsage: true,
  extensions: {},
  ...more,
});

/** What a provider is asked, and the fields named in warnings. */
function encode(more: Partial<GenerateRequest>, target: Partial<UpstreamTarget> = {}): { body: JsonObject; fields: string[] } {
  const encoded = openaiResponses.encodeRequest(requestOf(more), { model: 'up', structuredOutput: 'native', ...target });
  return { body: encoded.body, fields: encoded.warnings.map(({ field }) => field) };
}

/** The input items that these messages become. */
const inputOf = (messages: readonly Message[], target: Partial<UpstreamTarget> = {}): unknown =>
  encode({ messages }, target).body['input'];

const said = (...parts: Part[]): Message[] => [{ role: 'assistant', parts }];

/** The error a body is refused with. */
function refusal(body: JsonObject): GatewayError {
  try {
    decodeRequest(body);
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
    throw thrown;
  }
  throw new Error('the body was accepted');
}

describe('the conversation of a client', () => {
  it('may be a text with instructions', () => {
    expect(decode({ instructions: 'Be brief.' }).messages).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    ]);
  });

  it('may hold texts, pictures, files and sounds', () => {
    const content = [
      { type: 'input_text', text: 'Look' },
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'low' },
      { type: 'input_image', image_url: 'https://example.com/a.png' },
      { type: 'input_image', file_id: 'file-1' },
      { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,BBBB' },
      { type: 'input_file', filename: 'a.txt', file_data: 'CCCC' },
      { type: 'input_file', file_url: 'https://example.com/a.pdf' },
      { type: 'input_file', file_id: 'file-2' },
      { type: 'input_audio', input_audio: { data: 'DDDD', format: 'mp3' } },
      { type: 'input_later', value: 1 },
    ];
    const origin = 'openai-responses' as const;
    expect(messagesOf({ role: 'developer', content: 'Rules' }, { type: 'message', role: 'user', content })).toEqual([
      { role: 'developer', parts: [{ type: 'text', text: 'Rules' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'Look' },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' }, detail: 'low' },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          { type: 'image', source: { type: 'file', id: 'file-1', origin } },
          { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'BBBB' }, title: 'a.pdf' },
          { type: 'document', source: { type: 'base64', mediaType: 'text/plain', data: 'CCCC' }, title: 'a.txt' },
          { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' } },
          { type: 'document', source: { type: 'file', id: 'file-2', origin } },
          { type: 'audio', source: { type: 'base64', mediaType: 'audio/mpeg', data: 'DDDD' }, format: 'mp3' },
          { type: 'opaque', origin, value: { type: 'input_later', value: 1 } },
        ],
      },
    ]);
    const sent = roundTrip({ model: 'm', input: [{ role: 'user', content }] })['input'] as [{ content: JsonObject[] }];
    expect(sent[0].content).toEqual([
      content[0],
      content[1],
      { ...content[2], detail: 'auto' },
      { ...content[3], detail: 'auto' },
      content[4],
      { ...content[5], file_data: 'data:text/plain;base64,CCCC' },
      ...content.slice(6),
    ]);
  });

  it('gathers what the model said into one message, and results into another', () => {
    const messages = messagesOf(
      { role: 'user', content: 'Hi' },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'opaque' },
      { type: 'web_search_call', id: 'ws_1', status: 'completed' },
      {
        type: 'message',
        id: 'msg_1',
        status: 'completed',
        role: 'assistant',
        phase: 'commentary',
        content: [
          { type: 'output_text', text: 'One', annotations: [], logprobs: [] },
          { type: 'refusal', refusal: 'No' },
        ],
      },
      { type: 'function_call', id: 'fc_1', status: 'completed', call_id: 'a', name: 'f', arguments: '{}', namespace: 'ns' },
      { type: 'custom_tool_call', call_id: 'b', name: 'g', input: 'free' },
      { type: 'image_generation_call', id: 'ig_1', result: 'AAAA' },
      { type: 'function_call_output', call_id: 'a', output: 'done' },
      { type: 'custom_tool_call_output', call_id: 'b', output: [{ type: 'input_image', image_url: 'https://e.com/a.png' }] },
      { type: 'mcp_approval_response', approve: true, approval_request_id: 'x' },
    );
    const origin = 'openai-responses' as const;
    expect(messages).toEqual([
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'Hm', data: 'opaque', details: [{ id: 'rs_1' }], origin },
          { type: 'opaque', origin, value: { type: 'web_search_call', id: 'ws_1', status: 'completed' } },
          { type: 'text', text: 'One', extensions: { [origin]: { message: { phase: 'commentary' } } } },
          { type: 'refusal', text: 'No' },
          { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', extensions: { [origin]: { namespace: 'ns' } } },
          { type: 'tool-call', id: 'b', name: 'g', arguments: 'free', custom: true },
          {
            type: 'image',
            source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' },
            extensions: { [origin]: { type: 'image_generation_call', id: 'ig_1' } },
          },
        ],
      },
      {
        role: 'tool',
        parts: [
          { type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: 'done' }] },
          { type: 'tool-result', callId: 'b', parts: [{ type: 'image', source: { type: 'url', url: 'https://e.com/a.png' } }] },
        ],
      },
      {
        role: 'user',
        parts: [{ type: 'opaque', origin, value: { type: 'mcp_approval_response', approve: true, approval_request_id: 'x' } }],
      },
    ]);
  });

  it('comes back as it was, but for ids and status of messages and calls', () => {
    const input: JsonObject[] = [
      { role: 'user', content: 'Hi' },
      { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'opaque' },
      { type: 'file_search_call', id: 'fs_1', queries: ['a'] },
      { role: 'assistant', content: 'One', phase: 'commentary' },
      { role: 'assistant', content: 'Two', phase: 'final_answer' },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{"x":1}', namespace: 'ns' },
      { type: 'custom_tool_call', call_id: 'b', name: 'g', input: 'free' },
      { type: 'image_generation_call', id: 'ig_1', status: 'completed', result: 'AAAA' },
      { type: 'function_call_output', call_id: 'a', output: 'done' },
      { type: 'custom_tool_call_output', call_id: 'b', output: 'patched' },
      { type: 'computer_call_output', call_id: 'x', output: { type: 'computer_screenshot' } },
      { role: 'developer', content: 'More rules' },
      {
        role: 'assistant',
        content: [
          {
            type: 'output_text',
            text: 'Cited',
            annotations: [{ type: 'url_citation', url: 'https://e.com', title: 'E', start_index: 0, end_index: 5 }],
          },
        ],
      },
    ];
    expect(roundTrip({ model: 'm', instructions: 'Be brief.', input })).toMatchObject({ instructions: 'Be brief.', input });
  });

  it('gets back what we packed into reasoning items of our own', () => {
    const proof = { signature: 'sig', origin: 'anthropic-messages' as const };
    const [message] = messagesOf(
      {
        type: 'reasoning',
        id: 'rs_x',
        summary: [{ type: 'summary_text', text: 'Hm' }],
        encrypted_content: packProof(proof),
      },
      { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      { type: 'reasoning', id: 'rs_y', summary: [], encrypted_content: packProof({ call: 'a', signature: 'thought' }) },
      { type: 'reasoning', id: 'rs_z', summary: [], encrypted_content: packProof({ call: 'nobody', signature: 'x' }) },
    );
    expect(message?.parts).toEqual([
      { type: 'reasoning', text: 'Hm', ...proof },
      { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: 'thought' },
    ]);
  });

  it('may go on from a response that is kept elsewhere', () => {
    const result = { type: 'function_call_output', call_id: 'a', output: 'done' };
    expect(decode({ input: [result], previous_response_id: 'resp_1' })).toMatchObject({
      messages: [{ role: 'tool', parts: [{ callId: 'a' }] }],
      extensions: { 'openai-responses': { previous_response_id: 'resp_1' } },
    });
    expect(decodeRequest({ model: 'm', previous_response_id: 'resp_1' }).messages).toEqual([]);
    expect(messagesOf({ type: 'item_reference', id: 'fc_1' }, result)).toHaveLength(2);
  });

  it.each<[string, JsonObject, string, RegExp]>([
    ['no model', { input: 'Hi' }, 'model', /non-empty string/],
    ['no input', { model: 'm' }, 'input', /array of input items, got nothing/],
    ['an empty input', { model: 'm', input: [] }, 'input', /at least one/],
    ['a number as input', { model: 'm', input: 3 }, 'input', /the number 3/],
    ['an item that is no object', { model: 'm', input: ['x'] }, 'input', /an object/],
    ['a message without role', { model: 'm', input: [{ content: 'Hi' }] }, 'input[0].role', /"user", "assistant"/],
    ['a message without content', { model: 'm', input: [{ role: 'user' }] }, 'input[0].content', /got nothing/],
    ['a part without type', { model: 'm', input: [{ role: 'user', content: [{}] }] }, 'input[0].content[0].type', /non-empty/],
    [
      'a text without text',
      { model: 'm', input: [{ role: 'user', content: [{ type: 'input_text' }] }] },
      'input[0].content[0].text',
      /a string, got nothing/,
    ],
    [
      'an image without address',
      { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image' }] }] },
      'input[0].content[0].image_url',
      /file_id/,
    ],
    [
      'a file without data',
      { model: 'm', input: [{ role: 'user', content: [{ type: 'input_file' }] }] },
      'input[0].content[0].file_data',
      /file_url/,
    ],
    ['a call without id', { model: 'm', input: [{ type: 'function_call', name: 'f' }] }, 'input[0].call_id', /non-empty/],
    [
      'a call without arguments',
      { model: 'm', input: [{ type: 'function_call', call_id: 'a', name: 'f' }] },
      'input[0].arguments',
      /a string/,
    ],
    [
      'a result of no call',
      { model: 'm', input: [{ type: 'function_call_output', call_id: 'a', output: '' }] },
      'input',
      /No tool call found for function call output with call_id a\./,
    ],
    [
      'a result of a wrong kind',
      {
        model: 'm',
        previous_response_id: 'r',
        input: [{ type: 'function_call_output', call_id: 'a', output: [{ type: 'refusal', refusal: 'x' }] }],
      },
      'input[0].output[0].type',
      /input_text/,
    ],
    ['tools that are no list', { model: 'm', input: 'Hi', tools: {} }, 'tools', /an array/],
    ['a function without name', { model: 'm', input: 'Hi', tools: [{ type: 'function' }] }, 'tools[0].name', /non-empty/],
    ['a custom tool without name', { model: 'm', input: 'Hi', tools: [{ type: 'custom' }] }, 'tools[0].name', /non-empty/],
    ['a choice without tools', { model: 'm', input: 'Hi', tool_choice: 'required' }, 'tool_choice', /'tools'/],
    ['a choice of another type', { model: 'm', input: 'Hi', tool_choice: 7 }, 'tool_choice', /"none", "auto" or "required"/],
    [
      'a choice of an unknown tool',
      { model: 'm', input: 'Hi', tools: [{ type: 'function', name: 'f' }], tool_choice: { type: 'function', name: 'g' } },
      'tool_choice.name',
      /'g' not found.*"f"/,
    ],
    [
      'a choice among tools without a mode',
      { model: 'm', input: 'Hi', tool_choice: { type: 'allowed_tools', tools: [] } },
      'tool_choice.mode',
      /"auto" or "required"/,
    ],
    [
      'a format of another type',
      { model: 'm', input: 'Hi', text: { format: { type: 'xml' } } },
      'text.format.type',
      /json_schema/,
    ],
    [
      'a format without schema',
      { model: 'm', input: 'Hi', text: { format: { type: 'json_schema', name: 'x' } } },
      'text.format.schema',
      /an object/,
    ],
    ['an unknown effort', { model: 'm', input: 'Hi', reasoning: { effort: 'huge' } }, 'reasoning.effort', /"huge"/],
    ['a cap of nothing', { model: 'm', input: 'Hi', max_output_tokens: 0 }, 'max_output_tokens', /at least 1/],
    ['a word as temperature', { model: 'm', input: 'Hi', temperature: 'hot' }, 'temperature', /a number/],
    ['a word as store', { model: 'm', input: 'Hi', store: 'yes' }, 'store', /true or false/],
    ['an unknown truncation', { model: 'm', input: 'Hi', truncation: 'some' }, 'truncation', /"auto" or "disabled"/],
    ['a number to include', { model: 'm', input: 'Hi', include: [1] }, 'include[0]', /a string/],
    ['a number as conversation', { model: 'm', input: 'Hi', conversation: 1 }, 'conversation', /a string or an object/],
    [
      'two kinds of state',
      { model: 'm', input: 'Hi', conversation: 'c', previous_response_id: 'r' },
      'previous_response_id',
      /Mutually exclusive/,
    ],
    ['background without store', { model: 'm', input: 'Hi', background: true, store: false }, 'background', /'store'/],
    ['stream options without a stream', { model: 'm', input: 'Hi', stream_options: {} }, 'stream_options', /'stream'/],
  ])('is refused: %s', (_, body, param, message) => {
    const error = refusal(body);
    expect(error).toMatchObject({ kind: 'invalid_request', status: 400, detail: { param } });
    expect(error.message).toMatch(message);
  });
});

describe('the settings of a client', () => {
  it('are read into neutral ones where there are such', () => {
    const request = decode({
      max_output_tokens: 100,
      temperature: 0.2,
      top_p: 0.9,
      top_logprobs: 2,
      stream: true,
      user: 'u',
      service_tier: 'flex',
      metadata: { a: 'b' },
      reasoning: { effort: 'high', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' }, strict: true }, verbosity: 'low' },
      parallel_tool_calls: false,
      store: true,
      safety_identifier: 's',
      prompt_cache_key: 'k',
      stream_options: { include_obfuscation: false },
    });
    expect(request).toEqual({
      model: 'm',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
      maxOutputTokens: 100,
      sampling: { temperature: 0.2, topP: 0.9, logprobs: true, topLogprobs: 2 },
      stream: true,
      includeUsage: true,
      user: 'u',
      serviceTier: 'flex',
      metadata: { a: 'b' },
      reasoning: { effort: 'high', display: 'summarized' },
      output: { type: 'json-schema', name: 'x', schema: { type: 'object' }, strict: true },
      parallelToolCalls: false,
      extensions: {
        'openai-responses': {
          text: { verbosity: 'low' },
          store: true,
          safety_identifier: 's',
          prompt_cache_key: 'k',
          stream_options: { include_obfuscation: false },
        },
      },
    });
  });

  it('come back as they were', () => {
    const body: JsonObject = {
      model: 'm',
      input: 'Hi',
      max_output_tokens: 100,
      temperature: 0.2,
      top_p: 0.9,
      top_logprobs: 2,
      stream: true,
      stream_options: { include_obfuscation: false },
      user: 'u',
      service_tier: 'flex',
      metadata: { a: 'b' },
      reasoning: { effort: 'high', summary: 'detailed' },
      text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' }, description: 'd' }, verbosity: 'low' },
      store: true,
      include: ['file_search_call.results', 'message.output_text.logprobs'],
      truncation: 'auto',
      prompt_cache_key: 'k',
      max_tool_calls: 3,
    };
    expect(roundTrip(body)).toEqual({ ...body, input: [{ role: 'user', content: 'Hi' }] });
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['plain text', { format: { type: 'text' } }, { format: { type: 'text' } }],
    ['JSON', { format: { type: 'json_object' } }, { format: { type: 'json_object' } }],
    ['only a verbosity', { verbosity: 'high' }, { verbosity: 'high' }],
  ])('may ask for %s', (_, text, sent) => {
    expect(roundTrip({ model: 'm', input: 'Hi', text })['text']).toEqual(sent);
  });

  const tools: JsonObject[] = [
    { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true, defer_loading: true },
    { type: 'custom', name: 'g', format: { type: 'text' } },
    { type: 'web_search', search_context_size: 'low' },
    { type: 'namespace', name: 'ns', tools: [{ type: 'function', name: 'inner' }] },
  ];

  it.each<[string, unknown, unknown]>([
    ['auto', 'auto', 'auto'],
    ['none', 'none', 'none'],
    ['required', 'required', 'required'],
    ['a function', { type: 'function', name: 'f' }, { type: 'function', name: 'f' }],
    ['a custom tool', { type: 'custom', name: 'g' }, { type: 'custom', name: 'g' }],
    ['a function of a namespace', { type: 'function', name: 'inner' }, { type: 'function', name: 'inner' }],
    ['a hosted tool', { type: 'web_search' }, { type: 'web_search' }],
  ])('name tools and a choice among them: %s', (_, choice, sent) => {
    const body = roundTrip({ model: 'm', input: 'Hi', tools, tool_choice: choice, parallel_tool_calls: false });
    expect(body).toMatchObject({ tools, parallel_tool_calls: false });
    expect(body['tool_choice']).toEqual(sent);
  });

  it('may allow some of the tools', () => {
    const allowed = {
      type: 'allowed_tools',
      mode: 'required',
      tools: [{ type: 'function', name: 'f' }, { type: 'web_search' }],
    };
    expect(roundTrip({ model: 'm', input: 'Hi', tools, tool_choice: allowed })).toMatchObject({
      tools: [tools[0], tools[2]],
      tool_choice: 'required',
    });
  });

  it('may choose nothing where there is nothing', () => {
    expect(decode({ tool_choice: 'auto' })).not.toHaveProperty('toolChoice');
  });
});

describe('the request to a provider', () => {
  it('keeps nothing and asks for encrypted reasoning', () => {
    expect(encode({}).body).toEqual({
      model: 'up',
      input: [{ role: 'user', content: 'Hi' }],
      store: false,
      include: ['reasoning.encrypted_content'],
    });
    expect(encode({}, { supportsReasoning: false }).body).not.toHaveProperty('include');
    expect(encode({}, { reasoningField: 'reasoning_content' }).body).not.toHaveProperty('include');
  });

  it('has instructions from a first system message of plain text only', () => {
    const system = (...parts: Part[]): Message => ({ role: 'system', parts });
    const text: Part = { type: 'text', text: 'A' };
    const image: Part = { type: 'image', source: { type: 'url', url: 'https://e.com/a.png' } };
    expect(encode({ messages: [system(text, text), system(text)] }).body).toMatchObject({
      instructions: 'A\n\nA',
      input: [{ role: 'system', content: 'A' }],
    });
    expect(encode({ messages: [system(text, image)] }).body).not.toHaveProperty('instructions');
  });

  it('takes back reasoning only in a form the provider understands', () => {
    const own: Part = { type: 'reasoning', text: 'Hm', data: 'x', details: [{ id: 'rs_1' }], origin: 'openai-responses' };
    const raw: Part = {
      type: 'reasoning',
      text: 'Hm',
      details: [{ id: 'rs_2', place: 'content' }],
      origin: 'openai-responses',
    };
    const foreign: Part = { type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' };
    const item = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm' }], encrypted_content: 'x' };
    const words = [{ type: 'reasoning_text', text: 'Hm' }];

    expect(inputOf(said(own, raw, foreign))).toEqual([item]);
    expect(encode({ messages: said(own, raw, foreign) }).fields).toEqual(['messages[0].content[1]', 'messages[0].content[2]']);
    expect(inputOf(said(own, raw, foreign), { reasoningField: 'reasoning_content' })).toEqual([
      item,
      { type: 'reasoning', id: 'rs_2', summary: [], content: words },
      { type: 'reasoning', summary: [], content: words },
    ]);
    expect(encode({ messages: said(raw), extensions: { 'openai-responses': { store: true } } }).body['input']).toEqual([
      { type: 'reasoning', id: 'rs_2', summary: [], content: words },
    ]);
  });

  it('says failed results in words, and pictures in results as they are', () => {
    const result = (isError: boolean): Message => ({
      role: 'tool',
      parts: [
        {
          type: 'tool-result',
          callId: 'a',
          isError,
          parts: [
            { type: 'text', text: 'boom' },
            { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } },
          ],
        },
      ],
    });
    const content = [
      { type: 'input_text', text: 'boom' },
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
    ];
    expect(inputOf([result(false)])).toEqual([{ type: 'function_call_output', call_id: 'a', output: content }]);
    expect(inputOf([result(true)])).toEqual([
      { type: 'function_call_output', call_id: 'a', output: [{ type: 'input_text', text: 'Error:' }, ...content] },
    ]);
  });

  it('keeps items of its own wherever they stand', () => {
    const item = { type: 'computer_call_output', call_id: 'x' };
    const opaque: Part = { type: 'opaque', origin: 'openai-responses', value: item };
    const text: Part = { type: 'text', text: 'And' };
    expect(
      inputOf([
        { role: 'tool', parts: [opaque] },
        { role: 'user', parts: [opaque, text] },
      ]),
    ).toEqual([item, item, { role: 'user', content: 'And' }]);
  });

  it('tells documents of text as text, and audio by its type', () => {
    const parts: Part[] = [
      { type: 'document', source: { type: 'text', text: 'Long' }, title: 'T', context: 'C', citations: true },
      { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'AAAA' } },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/x-wav', data: 'BBBB' } },
      { type: 'refusal', text: 'No' },
    ];
    expect(inputOf([{ role: 'user', parts }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'input_text', text: '<document title="T">\nC\nLong\n</document>' },
          { type: 'input_file', filename: 'document.pdf', file_data: 'data:application/pdf;base64,AAAA' },
          { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
          { type: 'input_text', text: 'No' },
        ],
      },
    ]);
  });

  it('warns of everything it cannot say', () => {
    const file = { type: 'file', id: 'x', origin: 'anthropic-messages' } as const;
    const { body, fields } = encode({
      messages: [
        {
          role: 'user',
          name: 'Ann',
          parts: [
            { type: 'image', source: file },
            { type: 'document', source: file },
            { type: 'audio', source: file },
            { type: 'opaque', origin: 'gemini', value: { type: 'x' } },
            { type: 'tool-call', id: 'a', name: 'f', arguments: '' },
          ],
        },
        {
          role: 'assistant',
          parts: [
            { type: 'opaque', origin: 'gemini', value: {} },
            { type: 'image', source: { type: 'url', url: 'https://e.com/a.png' } },
            { type: 'audio', source: file },
            { type: 'text', text: 'A', citations: [{ origin: 'gemini', raw: {} }], cache: {} },
            { type: 'tool-call', id: 'a', name: 'f', arguments: '' },
          ],
        },
      ],
      tools: [{ type: 'provider', origin: 'anthropic-messages', value: { type: 'web_search_20250305' } }],
      toolChoice: { type: 'required' },
      sampling: { topK: 1, seed: 2, frequencyPenalty: 1, presencePenalty: 1, logitBias: {}, stop: ['x'], choices: 2 },
      metadata: { a: 'b', c: {} },
      serviceTier: 'standard_only',
      extensions: { 'openai-chat': { prediction: {} } },
    });
    expect(fields.toSorted()).toEqual(
      [
        'prediction',
        'messages[0].name',
        'messages[0].content[0]',
        'messages[0].content[1]',
        'messages[0].content[2]',
        'messages[0].content[3]',
        'messages[0].content[4]',
        'messages[1].content[0]',
        'messages[1].content[1]',
        'messages[1].content[2]',
        'messages[1].content[3].citations',
        'tools[0]',
        'tool_choice',
        'cache_control',
        'top_k',
        'seed',
        'frequency_penalty',
        'presence_penalty',
        'logit_bias',
        'stop',
        'n',
        'metadata',
        'service_tier',
      ].toSorted(),
    );
    expect(body).toMatchObject({
      input: [
        { role: 'assistant', content: 'A' },
        { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' },
      ],
      metadata: { a: 'b' },
      service_tier: 'default',
    });
  });

  it.each<[NonNullable<GenerateRequest['reasoning']>, unknown, string[]]>([
    [{ effort: 'low' }, { effort: 'low' }, []],
    [{ mode: 'enabled', budgetTokens: 2048 }, { effort: 'low', summary: 'auto' }, ['thinking.budget_tokens']],
    [{ mode: 'enabled', budgetTokens: 10_000, display: 'omitted' }, { effort: 'medium' }, ['thinking.budget_tokens']],
    [{ mode: 'adaptive' }, { summary: 'auto' }, []],
    [{ mode: 'disabled' }, undefined, ['thinking']],
    [{ effort: 'none' }, { effort: 'none' }, []],
  ])('says how much to think: %j', (reasoning, sent, warned) => {
    const { body, fields } = encode({ reasoning });
    expect(body['reasoning']).toEqual(sent);
    expect(fields).toEqual(warned);
  });

  it('does not ask a model to think that cannot, nor to sample where it is fixed', () => {
    const target = { supportsReasoning: false, supportsSampling: false };
    const { body, fields } = encode({ reasoning: { effort: 'high' }, sampling: { temperature: 1, topP: 1 } }, target);
    expect(body).not.toHaveProperty('reasoning');
    expect(body).not.toHaveProperty('temperature');
    expect(fields).toEqual(['temperature', 'top_p', 'reasoning']);
    expect(encode({ reasoning: { mode: 'disabled' } }, target).fields).toEqual([]);
  });

  it('forces a tool where a model has no schemas', () => {
    const output = { type: 'json-schema', name: 'f', schema: { type: 'object' } } as const;
    const tools = [{ type: 'function', name: 'f' }] as const;
    const target = { model: 'up', structuredOutput: 'tool' } as const;
    const alone = openaiResponses.encodeRequest(requestOf({ output }), target);
    expect(alone.decoding).toEqual({ jsonTool: 'f' });
    expect(alone.body).toMatchObject({
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object' } }],
      tool_choice: { type: 'function', name: 'f' },
    });
    const beside = openaiResponses.encodeRequest(requestOf({ output, tools, parallelToolCalls: false }), target);
    expect(beside.decoding).toEqual({ jsonTool: 'f_' });
    expect(beside.body).toMatchObject({ tool_choice: 'required', parallel_tool_calls: false });
  });

  it.each<[JsonObject, JsonObject]>([
    [
      { name: 'g', description: 'd' },
      { type: 'custom', name: 'g', description: 'd' },
    ],
    [
      { name: 'g', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } } },
      { type: 'custom', name: 'g', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
    ],
  ])('takes custom tools of chat completions: %j', (custom, sent) => {
    const tools = [{ type: 'provider', origin: 'openai-chat', value: { type: 'custom', custom } }] as const;
    expect(encode({ tools, toolChoice: { type: 'tool', name: 'g' } }).body).toMatchObject({
      tools: [sent],
      tool_choice: { type: 'custom', name: 'g' },
    });
  });
});
