/** Requests: a client's to canonical, canonical to a provider's. */
import type { GenerateRequest, Sampling, Tool, Warning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { decodeCache, decodeMessages, decodeSystem } from './content.ts';
import {
  asText,
  at,
  readCount,
  readOptionalCount,
  readOptionalFlag,
  readOptionalList,
  readOptionalObject,
  readOptionalShare,
  readOptionalText,
  readOptionalWord,
  readText,
} from './fields.ts';
import { decodeOutput, encodeOutput } from './output.ts';
import { decodeReasoning, encodeReasoning, isKnownThinking, type EncodedReasoning } from './thinking.ts';
import { decodeToolChoice, decodeTools, encodeToolChoice, encodeTools } from './tools.ts';
import { encodeMessages } from './turns.ts';
import { cacheControl, ID, otherFields } from './wire.ts';

/** Output cap for models whose limit is unknown, tokens. The API demands a cap. */
const DEFAULT_MAX_TOKENS = 4096;

const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'stop_sequences',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'tools',
  'tool_choice',
  'output_format',
  'metadata',
  'service_tier',
  'cache_control',
]);

/**
 * A client's request. `extensions['anthropic-messages']` is always there, so that an encoder can tell that the client speaks this
 * dialect; it holds the fields we do not model.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject): GenerateRequest {
  const model = readText(body, 'model', '');
  const maxOutputTokens = readCount(body, 'max_tokens', '');
  const thread = body.thread !== undefined && body.thread !== null;
  const tools = decodeTools(body);
  const output = decodeOutput(body);
  const reasoning = decodeReasoning(body);
  return {
    model,
    messages: [...decodeSystem(body), ...decodeMessages(body, !thread)],
    ...(tools !== undefined && { tools }),
    ...decodeToolChoice(body),
    ...(output !== undefined && { output }),
    sampling: decodeSampling(body),
    maxOutputTokens,
    ...(reasoning !== undefined && { reasoning }),
    stream: readOptionalFlag(body, 'stream', '') ?? false,
    includeUsage: true,
    ...decodeServiceTier(body),
    ...decodeMetadata(body),
    ...decodeCache(body, ''),
    extensions: { [ID]: unmodelled(body) },
  };
}

function decodeSampling(body: JsonObject): Sampling {
  const temperature = readOptionalShare(body, 'temperature', '');
  const topP = readOptionalShare(body, 'top_p', '');
  const topK = readOptionalCount(body, 'top_k', '');
  const stop = readOptionalList(body, 'stop_sequences', '')?.map((item, index) => asText(item, at('stop_sequences', index)));
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(stop !== undefined && stop.length > 0 && { stop }),
  };
}

/** `standard_only` is what other dialects call `default`. */
function decodeServiceTier(body: JsonObject): Pick<GenerateRequest, 'serviceTier'> {
  const tier = readOptionalWord(body, 'service_tier', '', ['auto', 'standard_only']);
  return tier === undefined ? {} : { serviceTier: tier === 'standard_only' ? 'default' : tier };
}

function decodeMetadata(body: JsonObject): Pick<GenerateRequest, 'user' | 'metadata'> {
  const metadata = readOptionalObject(body, 'metadata', '');
  const user = metadata && readOptionalText(metadata, 'user_id', 'metadata');
  const others = metadata && otherFields(metadata, new Set(['user_id']));
  return { ...(user !== undefined && { user }), ...(others !== undefined && { metadata: others }) };
}

function unmodelled(body: JsonObject): JsonObject {
  const { thinking, output_config: config, ...others } = otherFields(body, KNOWN) ?? {};
  const outputConfig = isObject(config) ? otherFields(config, new Set(['effort', 'format'])) : undefined;
  return {
    ...others,
    ...(isObject(thinking) && !isKnownThinking(thinking) && { thinking }),
    ...(outputConfig !== undefined && { output_config: outputConfig }),
  };
}

/** The request for a provider. What the API cannot say, or refuses in combination, is left out with a warning. */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn = (warning: Warning): void => void warnings.push(warning);
  const { anthropic_beta: betas, ...own } = request.extensions[ID] ?? {};
  const native = request.extensions[ID] !== undefined;

  const maxTokens = request.maxOutputTokens ?? target.maxOutputTokens ?? DEFAULT_MAX_TOKENS;
  const { system, messages } = encodeMessages(request.messages, native, warn);
  const { format, jsonTool, toolChoice: jsonChoice } = encodeOutput(request, target, warn);
  const tools: Tool[] = [...(request.tools ?? []), ...(jsonTool === undefined ? [] : [jsonTool])];
  const sentTools = encodeTools(tools, warn);
  const toolChoice = chosenTool(request, jsonChoice, sentTools.length > 0, warn);
  const reasoning = encodeReasoning(
    request,
    target,
    { maxTokens, forcesTool: toolChoice?.type === 'any' || toolChoice?.type === 'tool', messages, native },
    warn,
  );
  const outputConfig = {
    ...(isObject(own.output_config) && own.output_config),
    ...(reasoning.effort !== undefined && { effort: reasoning.effort }),
    ...(format !== undefined && { format }),
  };
  warnUnsaid(request, warn);

  const body: JsonObject = {
    ...own,
    model: target.model,
    max_tokens: maxTokens,
    ...(system.length > 0 && { system }),
    messages,
    ...(sentTools.length > 0 && { tools: sentTools }),
    ...(toolChoice !== undefined && { tool_choice: toolChoice }),
    ...(reasoning.thinking !== undefined && { thinking: reasoning.thinking }),
    ...(Object.keys(outputConfig).length > 0 && { output_config: outputConfig }),
    ...encodeSampling(request.sampling, { target, native, thinks: thinks(reasoning) }, warn),
    ...encodeStop(request.sampling, warn),
    ...(request.user !== undefined && { metadata: { user_id: request.user } }),
    ...encodeServiceTier(request.serviceTier, warn),
    ...cacheControl(request.cache),
    ...(request.stream && { stream: true }),
  };
  return {
    body,
    ...encodeBetas(betas),
    warnings,
    decoding: jsonTool === undefined ? {} : { jsonTool: jsonTool.name },
  };
}

/** Betas that a client named in its body, where Bedrock has them: the API wants a header. */
function encodeBetas(betas: unknown): Pick<EncodedRequest, 'headers'> {
  const names = Array.isArray(betas) ? betas.filter((name) => typeof name === 'string' && /^[\w.-]+$/.test(name)) : [];
  return names.length === 0 ? {} : { headers: { 'anthropic-beta': names.join(',') } };
}

const thinks = ({ thinking }: EncodedReasoning): boolean => thinking !== undefined && thinking.type !== 'disabled';

/** The API takes a choice only beside tools. */
function chosenTool(
  { toolChoice, parallelToolCalls }: GenerateRequest,
  jsonChoice: GenerateRequest['toolChoice'],
  hasTools: boolean,
  warn: (warning: Warning) => void,
): JsonObject | undefined {
  if (hasTools) return encodeToolChoice(jsonChoice ?? toolChoice, parallelToolCalls);
  if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') {
    warn({ kind: 'dropped', field: 'tool_choice', reason: 'There is no tool to choose.' });
  }
  return undefined;
}

interface SamplingLimits {
  readonly target: UpstreamTarget;
  readonly native: boolean;
  readonly thinks: boolean;
}

/** Temperature and its relatives, as far as the model, its thinking and each other allow. Defaults of the API are no loss. */
function encodeSampling(
  { temperature, topP, topK }: Sampling,
  { target, native, thinks }: SamplingLimits,
  warn: (warning: Warning) => void,
): JsonObject {
  const sent: JsonObject = {};
  const put = (name: string, value: number | undefined, neutral: number | undefined, obstacle: string | undefined): void => {
    if (value === undefined) return;
    if (obstacle === undefined) sent[name] = value;
    else if (value !== neutral) warn({ kind: 'dropped', field: name, reason: obstacle });
  };
  const refused = target.supportsSampling === false ? `${target.model} takes no sampling settings.` : undefined;
  const whileThinking = thinks ? 'The provider does not take it while the model thinks.' : undefined;
  const heat = temperature === undefined ? undefined : Math.min(1, temperature);
  if (heat !== temperature && refused === undefined && !thinks) {
    warn({ kind: 'changed', field: 'temperature', reason: `The provider takes at most 1, not ${temperature}.` });
  }
  put('temperature', heat, 1, refused ?? whileThinking);
  // Later models refuse both at once; a client of this dialect knows whether its model does.
  const both = 'temperature' in sent && !native ? 'The provider takes either temperature or top_p.' : undefined;
  put('top_p', topP, 1, refused ?? both ?? (topP !== undefined && topP < 0.95 ? whileThinking : undefined));
  put('top_k', topK, undefined, refused ?? whileThinking);
  return sent;
}

/** The API refuses stop sequences of white space alone. */
function encodeStop({ stop = [] }: Sampling, warn: (warning: Warning) => void): JsonObject {
  const sent = stop.filter((sequence) => sequence.trim() !== '');
  if (sent.length < stop.length) {
    warn({ kind: 'dropped', field: 'stop', reason: 'The provider refuses stop sequences of white space alone.' });
  }
  return sent.length === 0 ? {} : { stop_sequences: sent };
}

/** The API knows `auto` (priority where the account has it) and `standard_only`. */
function encodeServiceTier(tier: string | undefined, warn: (warning: Warning) => void): JsonObject {
  switch (tier) {
    case undefined:
      return {};
    case 'auto':
      return { service_tier: 'auto' };
    case 'default':
    case 'standard':
    case 'standard_only':
      return { service_tier: 'standard_only' };
    case 'priority':
      warn({ kind: 'changed', field: 'service_tier', reason: 'The provider gives priority where the account has it (auto).' });
      return { service_tier: 'auto' };
    default:
      warn({ kind: 'dropped', field: 'service_tier', reason: `The provider has no tier ${tier}.` });
      return {};
  }
}

/** Settings of other dialects that the API has no word for. A value that means the default is no loss. */
function warnUnsaid({ sampling, metadata }: GenerateRequest, warn: (warning: Warning) => void): void {
  const unsaid: Readonly<Record<string, boolean>> = {
    n: (sampling.choices ?? 1) !== 1,
    seed: sampling.seed !== undefined,
    frequency_penalty: (sampling.frequencyPenalty ?? 0) !== 0,
    presence_penalty: (sampling.presencePenalty ?? 0) !== 0,
    logit_bias: Object.keys(sampling.logitBias ?? {}).length > 0,
    logprobs: sampling.logprobs === true,
    top_logprobs: (sampling.topLogprobs ?? 0) !== 0,
    metadata: Object.keys(metadata ?? {}).length > 0,
  };
  for (const [field, said] of Object.entries(unsaid)) {
    if (said) warn({ kind: 'dropped', field, reason: 'The provider has no such setting.' });
  }
}
