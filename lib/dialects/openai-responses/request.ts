/** Requests, both ways: what a client asks, and what a provider is asked. */
import type { GenerateRequest, Message, Part, Reasoning, Sampling, Warning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { effortOf, EFFORTS, isEffort } from '../effort.ts';
import { contradiction, fieldsOf, Fields, oneOf, wrong } from '../fields.ts';
import { encodeMetadata, encodeTier } from '../openai-request.ts';
import { ownFields, type Warn } from '../telling.ts';
import { present } from '../values.ts';
import { encodeInput } from './conversation.ts';
import { decodeInput } from './input.ts';
import { decodeText, decodeTools, encodeTools } from './tools.ts';
import { DIALECT } from './wire.ts';

/** Asks for reasoning in a form that can be sent back to a provider that keeps nothing. */
const ENCRYPTED = 'reasoning.encrypted_content';
/** Asks for log probabilities. */
const LOGPROBS = 'message.output_text.logprobs';

/**
 * Reads a client's body.
 *
 * What has no neutral meaning stays in `extensions['openai-responses']`: state (`previous_response_id`, `conversation`, `store`,
 * `background`), `include`, `truncation`, a choice of a hosted tool, and what stands beside the neutral part of `text` and `reasoning`.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject): GenerateRequest {
  const fields = new Fields(body, '');
  const model = fields.name('model');
  const messages = decodeInput(fields, checkState(body));
  const { tooling, kept: choice } = decodeTools(fields);
  const { output, kept: text } = decodeText(fields);
  const { reasoning, kept: thinking } = decodeReasoning(fields);
  const sampling = decodeSampling(fields);
  const maxOutputTokens = fields.integer('max_output_tokens', 1);
  const stream = fields.boolean('stream') ?? false;
  const user = fields.string('user');
  const serviceTier = fields.string('service_tier');
  const metadata = fields.object('metadata');
  if (fields.peek('stream_options') !== undefined && !stream) {
    throw contradiction('stream_options', "The 'stream_options' parameter is only allowed when 'stream' is enabled.");
  }
  const own = { ...fields.rest(), ...choice, ...text, ...thinking };
  return {
    model,
    messages,
    ...tooling,
    ...present('output', output),
    sampling,
    ...present('maxOutputTokens', maxOutputTokens),
    ...present('reasoning', reasoning),
    stream,
    includeUsage: true,
    ...present('serviceTier', serviceTier),
    ...present('user', user),
    ...present('metadata', metadata),
    extensions: Object.keys(own).length === 0 ? {} : { [DIALECT]: own },
  };
}

/** Checks the fields about state, which stay with the extensions. True when earlier turns are kept by whoever answers. */
function checkState(body: JsonObject): boolean {
  const fields = new Fields(body, '');
  const previous = fields.string('previous_response_id');
  const conversation = fields.any('conversation');
  if (conversation !== undefined && typeof conversation !== 'string' && !isObject(conversation)) {
    throw wrong('conversation', 'a string or an object', conversation);
  }
  if (previous !== undefined && conversation !== undefined) {
    throw contradiction(
      'previous_response_id',
      "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing one of them.",
    );
  }
  const background = fields.boolean('background');
  const store = fields.boolean('store');
  if (background === true && store === false) {
    throw contradiction('background', "Background mode requires 'store' to be true.");
  }
  const truncation = fields.string('truncation');
  if (truncation !== undefined && truncation !== 'auto' && truncation !== 'disabled') {
    throw wrong('truncation', oneOf(['auto', 'disabled']), truncation);
  }
  for (const [index, item] of (fields.array('include') ?? []).entries()) {
    if (typeof item !== 'string') throw wrong(`include[${index}]`, 'a string', item);
  }
  return (previous ?? conversation ?? fields.object('prompt')) !== undefined;
}

function decodeSampling(fields: Fields): Sampling {
  const topLogprobs = fields.integer('top_logprobs', 0);
  const include = fields.peek('include');
  const logprobs = (topLogprobs ?? 0) > 0 || (Array.isArray(include) && include.includes(LOGPROBS));
  return {
    ...present('temperature', fields.number('temperature')),
    ...present('topP', fields.number('top_p')),
    ...(logprobs && { logprobs, ...present('topLogprobs', topLogprobs) }),
  };
}

/** `summary` says in which form the client wants to read the reasoning; its words other than `auto` stay beside. */
function decodeReasoning(fields: Fields): { readonly reasoning?: Reasoning; readonly kept?: JsonObject } {
  if (fields.object('reasoning') === undefined) return {};
  const inner = fieldsOf(fields.any('reasoning'), 'reasoning');
  const effort = inner.any('effort');
  if (effort !== undefined && !isEffort(effort)) throw wrong(inner.at('effort'), oneOf(EFFORTS), effort);
  const summary = inner.string('summary') ?? inner.string('generate_summary');
  const rest = { ...inner.rest(), ...(summary !== 'auto' && present('summary', summary)) };
  const reasoning: Reasoning = {
    ...present('effort', effort),
    ...(summary !== undefined && summary !== 'none' && { display: 'summarized' }),
  };
  return {
    ...(Object.keys(reasoning).length > 0 && { reasoning }),
    ...(Object.keys(rest).length > 0 && { kept: { reasoning: rest } }),
  };
}

/**
 * Writes a request for a provider. It keeps nothing (`store: false`) unless the client asked for it, so reasoning is asked for in its
 * encrypted form.
 */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const own = ownFields(request.extensions, DIALECT, warn);
  const { text: _, reasoning: _reasoning, include, store = false, stream_options: streamOptions, ...extensions } = own;
  const { reasoningField } = target;
  const readable = reasoningField === 'reasoning_content' || reasoningField === 'reasoning';
  const { fields: tooling, jsonTool } = encodeTools(request, own, target, warn);
  warnOfMarks(request, warn);
  const wanted = [
    ...(Array.isArray(include) ? (include as unknown[]) : []),
    ...(store === false && target.supportsReasoning !== false && !readable ? [ENCRYPTED] : []),
    ...(request.sampling.logprobs === true ? [LOGPROBS] : []),
  ];
  const body: JsonObject = {
    model: target.model,
    ...encodeInput(request.messages, { reasoning: { stored: store === true, readable }, warn }),
    ...tooling,
    ...encodeSampling(request.sampling, target, warn),
    ...present('max_output_tokens', request.maxOutputTokens),
    ...encodeReasoning(request.reasoning, own, target, warn),
    ...(request.stream && { stream: true, ...present('stream_options', streamOptions) }),
    ...encodeTier(request.serviceTier, warn),
    ...present('user', request.user),
    ...encodeMetadata(request.metadata, warn),
    store,
    ...(wanted.length > 0 && { include: [...new Set(wanted)] }),
    ...extensions,
  };
  return { body, warnings, decoding: present('jsonTool', jsonTool) };
}

const marked = (item: object): boolean => 'cache' in item && item.cache !== undefined;

/** Cache marks have no place here: the API caches by itself. One warning for all of them. */
function warnOfMarks(request: GenerateRequest, warn: Warn): void {
  const inPart = (part: Part): boolean => marked(part) || (part.type === 'tool-result' && part.parts.some(marked));
  const some =
    marked(request) || (request.tools ?? []).some(marked) || request.messages.some(({ parts }: Message) => parts.some(inPart));
  if (!some) return;
  warn({ kind: 'dropped', field: 'cache_control', reason: 'The API takes no cache marks: it caches by itself.' });
}

/** Settings of other dialects without a place here, by the names their clients know. */
const UNSAID = {
  topK: 'top_k',
  seed: 'seed',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  logitBias: 'logit_bias',
  stop: 'stop',
} as const satisfies Partial<Record<keyof Sampling, string>>;

function encodeSampling(sampling: Sampling, target: UpstreamTarget, warn: Warn): JsonObject {
  const { temperature, topP, choices = 1, topLogprobs } = sampling;
  for (const [name, field] of Object.entries(UNSAID)) {
    if (sampling[name as keyof typeof UNSAID] === undefined) continue;
    warn({ kind: 'dropped', field, reason: 'The Responses API has no such setting.' });
  }
  if (choices > 1) warn({ kind: 'dropped', field: 'n', reason: 'The Responses API gives one answer.' });
  const fixed = target.supportsSampling === false;
  if (fixed && temperature !== undefined) warn({ kind: 'dropped', field: 'temperature', reason: 'The model takes none.' });
  if (fixed && topP !== undefined) warn({ kind: 'dropped', field: 'top_p', reason: 'The model takes none.' });
  return {
    ...(!fixed && { ...present('temperature', temperature), ...present('top_p', topP) }),
    ...present('top_logprobs', topLogprobs),
  };
}

/** How much to think, and whether to tell of it: clients that turned thinking on expect to read it, unless they say otherwise. */
function encodeReasoning(reasoning: Reasoning | undefined, own: JsonObject, target: UpstreamTarget, warn: Warn): JsonObject {
  const kept = isObject(own['reasoning']) ? own['reasoning'] : {};
  const { effort, budgetTokens, mode, display } = reasoning ?? {};
  const off = mode === 'disabled' || effort === 'none';
  if (target.supportsReasoning === false) {
    if (reasoning !== undefined && !off) warn({ kind: 'dropped', field: 'reasoning', reason: 'The model does not reason.' });
    return {};
  }
  if (mode === 'disabled' && effort === undefined) {
    const reason = 'Not every model can be told not to think: it decides itself.';
    warn({ kind: 'dropped', field: 'thinking', reason });
  }
  const word = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens));
  if (effort === undefined && word !== undefined) {
    const reason = `The API has no budget of thinking tokens: ${budgetTokens} became the effort "${word}".`;
    warn({ kind: 'changed', field: 'thinking.budget_tokens', reason });
  }
  const told = display === 'summarized' || (display === undefined && (mode === 'enabled' || mode === 'adaptive'));
  const fields = { ...present('effort', word), ...(told && { summary: 'auto' }), ...kept };
  return Object.keys(fields).length === 0 ? {} : { reasoning: fields };
}
