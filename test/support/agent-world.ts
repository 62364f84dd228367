/**
 * Two providers behind one address that reason with proofs, call two tools a turn, and refuse what the real ones refuse: proofs that are
 * not their own or were changed, calls without results, results without calls.
 */
import type { Script, Seen } from './upstream.ts';

type Fields = Record<string, unknown>;

/** Calls made by the model each turn. */
const CITIES = ['Paris', 'Rome'] as const;

/** Longest id of a tool call that OpenAI takes. */
const LONGEST_ID = 40;

/** What the providers said and were told. */
export interface World {
  readonly script: Script;
  /** What was wrong with requests, in words. */
  readonly faults: string[];
  /** Proofs given out, by provider. */
  readonly proofs: { readonly anthropic: readonly string[]; readonly router: readonly string[] };
}

/** A world whose models call tools in every turn but the `turns`th, in which they answer. */
export function createWorld(turns: number): World {
  const faults: string[] = [];
  const proofs = { anthropic: [] as string[], router: [] as string[] };
  let turn = 0;

  const script: Script = (seen, response) => {
    turn += 1;
    const isAnthropic = seen.path.endsWith('/messages');
    const turnFaults = isAnthropic ? faultsOfMessages(seen, proofs) : faultsOfChat(seen, proofs);
    faults.push(...turnFaults.map((fault) => `turn ${turn}, ${seen.path}: ${fault}`));
    const last = turn >= turns;
    const isRouter = seen.path.startsWith('/router');
    if (isAnthropic) proofs.anthropic.push(`sig-a-${turn}`, `red-a-${turn}`);
    else if (isRouter) proofs.router.push(`enc-r-${turn}`);
    const stream = seen.body['stream'] === true;
    const body = isAnthropic ? message(turn, last) : chat(turn, last, isRouter);
    response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
    if (!stream) response.end(JSON.stringify(body));
    else response.end(isAnthropic ? messageStream(body) : chatStream(body));
  };
  return { script, faults, proofs };
}

function message(turn: number, last: boolean): Fields {
  const calls = CITIES.map((city, at) => ({
    type: 'tool_use',
    id: `toolu_${turn}_${at}`,
    name: 'weather',
    input: { city },
  }));
  return {
    id: `msg_${turn}`,
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5',
    content: [
      { type: 'thinking', thinking: `Thought ${turn}.`, signature: `sig-a-${turn}` },
      { type: 'redacted_thinking', data: `red-a-${turn}` },
      { type: 'text', text: last ? 'Sunny in both.' : 'Let me look.' },
      ...(last ? [] : calls),
    ],
    stop_reason: last ? 'end_turn' : 'tool_use',
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 5 },
  };
}

function chat(turn: number, last: boolean, isRouter: boolean): Fields {
  const calls = CITIES.map((city, at) => ({
    id: `call_${turn}_${at}`,
    type: 'function',
    function: { name: 'weather', arguments: JSON.stringify({ city }) },
  }));
  const details = [
    { type: 'reasoning.summary', summary: `Thought ${turn}.`, format: 'openai-responses-v1', index: 0 },
    { type: 'reasoning.encrypted', data: `enc-r-${turn}`, id: `rs_${turn}`, format: 'openai-responses-v1', index: 1 },
  ];
  return {
    id: `chatcmpl-${turn}`,
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'upstream-model',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: last ? 'Sunny in both.' : 'Let me look.',
          ...(isRouter && { reasoning: `Thought ${turn}.`, reasoning_details: details }),
          ...(!last && { tool_calls: calls }),
        },
        finish_reason: last ? 'stop' : 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
  };
}

/** A message as its stream, each block with one delta per field that grows. */
function messageStream(body: Fields): string {
  const events: Fields[] = [{ type: 'message_start', message: { ...body, content: [], stop_reason: null } }];
  for (const [index, block] of (body['content'] as Fields[]).entries()) {
    const deltas: Fields[] = [];
    let start = block;
    if (block['type'] === 'thinking') {
      start = { type: 'thinking', thinking: '', signature: '' };
      deltas.push({ type: 'thinking_delta', thinking: block['thinking'] });
      deltas.push({ type: 'signature_delta', signature: block['signature'] });
    } else if (block['type'] === 'text') {
      start = { type: 'text', text: '' };
      deltas.push({ type: 'text_delta', text: block['text'] });
    } else if (block['type'] === 'tool_use') {
      start = { ...block, input: {} };
      deltas.push({ type: 'input_json_delta', partial_json: JSON.stringify(block['input']) });
    }
    events.push({ type: 'content_block_start', index, content_block: start });
    for (const delta of deltas) events.push({ type: 'content_block_delta', index, delta });
    events.push({ type: 'content_block_stop', index });
  }
  const { stop_reason: reason, usage } = body;
  events.push({ type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage }, { type: 'message_stop' });
  return events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('');
}

/** A chat completion as its stream: reasoning, text and calls one after the other. */
function chatStream({ choices, usage, ...head }: Fields): string {
  const [choice] = choices as { message: Fields; finish_reason: string }[];
  const { reasoning, reasoning_details: details, content, tool_calls: calls = [] } = choice?.message ?? {};
  const deltas: Fields[] = [
    { role: 'assistant', content: '', ...(details !== undefined && { reasoning, reasoning_details: details }) },
    { content },
    ...(calls as Fields[]).map((call, index) => ({ tool_calls: [{ index, ...call }] })),
    {},
  ];
  const chunks = deltas.map((delta, at) => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: at === deltas.length - 1 ? choice?.finish_reason : null }],
  }));
  const data = [...chunks, { ...head, object: 'chat.completion.chunk', choices: [], usage }];
  return [...data.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((line) => `data: ${line}\n\n`).join('');
}

const objects = (value: unknown): Fields[] => (Array.isArray(value) ? (value as Fields[]) : []);
const isProof = (type: unknown): boolean => type === 'thinking' || type === 'redacted_thinking';

/** Words of a request that belong to somebody else. */
const strays = (text: string, words: readonly string[]): string[] =>
  words.filter((word) => text.includes(word)).map((word) => `holds ${word}`);

/** What Anthropic would refuse. */
function faultsOfMessages({ body, text }: Seen, proofs: World['proofs']): string[] {
  const faults = strays(text, ['enc-r-', 'tg1.', 'reasoning_details', 'reasoning_content', 'thinking_blocks']);
  const messages = objects(body['messages']);
  let open: string[] = [];
  for (const [index, { role, content }] of messages.entries()) {
    if (role !== (index % 2 === 0 ? 'user' : 'assistant')) faults.push(`messages[${index}] is of the ${String(role)}`);
    const blocks = objects(content);
    const results = blocks.filter(({ type }) => type === 'tool_result').map((block) => String(block['tool_use_id']));
    if (results.join() !== open.join())
      faults.push(`messages[${index}] has results of [${results.join()}], not of [${open.join()}]`);
    open = blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => String(id));
    for (const id of open) if (!/^[\w-]+$/.test(id)) faults.push(`${id} is no id`);
    for (const block of blocks.filter(({ type }) => isProof(type))) {
      const proof = String(block['signature'] ?? block['data']);
      if (!proofs.anthropic.includes(proof)) faults.push(`messages[${index}] has a proof ${proof} of nobody`);
      const thought = `Thought ${proof.replace('sig-a-', '')}.`;
      if (block['type'] === 'thinking' && block['thinking'] !== thought) faults.push(`${proof} proves another thought`);
    }
  }
  if (open.length > 0) faults.push('calls without results');
  const thinking = body['thinking'] as Fields | undefined;
  if (thinking?.['type'] === 'enabled' && goesOnUnthought(messages)) faults.push('thinks on from calls without thinking');
  return faults;
}

/** True when the calls whose results come last were made without thinking. */
function goesOnUnthought(messages: readonly Fields[]): boolean {
  let at = messages.length - 1;
  for (; objects(messages[at]?.['content'])[0]?.['type'] === 'tool_result'; at -= 2) {
    if (isProof(objects(messages[at - 1]?.['content'])[0]?.['type'])) return false;
  }
  return at < messages.length - 1;
}

/** What an OpenAI-like provider would refuse. */
function faultsOfChat({ body, text, path }: Seen, proofs: World['proofs']): string[] {
  const isRouter = path.startsWith('/router');
  const faults = strays(text, ['sig-a-', 'red-a-', 'tg1.', 'thinking_blocks', ...(isRouter ? [] : ['enc-r-'])]);
  let open: string[] = [];
  for (const [index, { role, tool_call_id: answered, tool_calls: calls, reasoning_details: details }] of objects(
    body['messages'],
  ).entries()) {
    if (role === 'tool') {
      if (open.shift() !== answered) faults.push(`messages[${index}] is the result of ${String(answered)}, out of order`);
    } else if (open.length > 0) faults.push(`messages[${index}] comes before the results of ${open.join()}`);
    if (role === 'assistant') open = objects(calls).map(({ id }) => String(id));
    for (const id of open) if (id.length > LONGEST_ID) faults.push(`${id} is too long`);
    for (const { data } of objects(details)) {
      if (typeof data === 'string' && !proofs.router.includes(data)) faults.push(`messages[${index}] has a proof of nobody`);
    }
  }
  if (open.length > 0) faults.push('calls without results');
  return faults;
}
