/** Requests: a client's to canonical, canonical to a provider's. */
import type { GenerateRequest, Sampling, Tool } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Asked, EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { Fields, wrong } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { decodeMessages, decodeSystem } from './content.ts';
import { familyOf, knowsCachePoints, type Family } from './family.ts';
import { decodeOutput, encodeOutput } from './output.ts';
import { decodeReasoning, decodeTopK, encodeReasoning } from './reasoning.ts';
import { decodeTools, encodeTools, forcesTool } from './tools.ts';
import { encodeMessages, type Turn } from './turns.ts';
import { cachePoint, ID, SIGNER } from './wire.ts';

/**
 * A client's request; model and streaming are in its path. `extensions['bedrock-converse']` is always there, so that an encoder can
 * tell that the client speaks this dialect; it holds the fields we do not model, and `additionalModelRequestFields` as they came.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject, asked: Asked = {}): GenerateRequest {
  if (asked.model === undefined) throw wrong('modelId', 'the name of a model in the path', asked.model);
  const fields = new Fields(body, '');
  const inference = fields.peek('inferenceConfig') === undefined ? undefined : fields.inner('inferenceConfig');
  const toolConfig = fields.peek('toolConfig') === undefined ? undefined : fields.inner('toolConfig');
  const outputConfig = fields.peek('outputConfig') === undefined ? undefined : fields.inner('outputConfig');
  const additional = fields.object('additionalModelRequestFields') ?? {};
  const reasoning = decodeReasoning(outputConfig?.string('effort'), additional);
  const request = {
    model: asked.model,
    messages: [...decodeSystem(fields), ...decodeMessages(fields)],
    ...decodeTools(toolConfig),
    ...present('output', decodeOutput(outputConfig)),
    sampling: decodeSampling(inference, additional),
    ...present('maxOutputTokens', inference?.integer('maxTokens', 1)),
    ...present('reasoning', reasoning),
    stream: asked.stream ?? false,
    includeUsage: true,
    ...present('serviceTier', fields.peek('serviceTier') === undefined ? undefined : fields.inner('serviceTier').name('type')),
    ...present('metadata', fields.object('requestMetadata')),
  };
  const unmodelled = {
    ...fields.rest(),
    ...present('inferenceConfig', inference?.rest()),
    ...present('outputConfig', outputConfig?.rest()),
    ...(Object.keys(additional).length > 0 && { additionalModelRequestFields: additional }),
  };
  return { ...request, extensions: { [ID]: unmodelled } };
}

function decodeSampling(inference: Fields | undefined, additional: JsonObject): Sampling {
  const stop = inference?.array('stopSequences')?.map((item, index) => {
    if (typeof item === 'string') return item;
    throw wrong(`inferenceConfig.stopSequences[${index}]`, 'a string', item);
  });
  return {
    ...present('temperature', inference?.number('temperature')),
    ...present('topP', inference?.number('topP')),
    ...present('topK', decodeTopK(additional)),
    ...(stop !== undefined && stop.length > 0 && { stop }),
  };
}

/** The request for a provider. What the API cannot say, or refuses in combination, is left out with a warning. */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: EncodedRequest['warnings'][number][] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const own = request.extensions[ID];
  const family = familyOf(target.model);
  const caches = knowsCachePoints(family);

  const { system, messages, called } = encodeMessages(request.messages, family, warn);
  markLast(messages, request, caches, warn);
  const { textFormat, jsonTool, toolChoice } = encodeOutput(request, target, warn);
  const tools: Tool[] = [...(request.tools ?? []), ...(jsonTool === undefined ? [] : [jsonTool])];
  const use = { called, caches, strict: target.structuredOutput === 'native' };
  const toolConfig = encodeTools(tools, toolChoice ?? request.toolChoice, use, warn);
  // A client of this dialect said it in the model's own fields, which go as they are.
  const reasoning =
    own === undefined ? encodeReasoning(request, target, { family, forcesTool: forcesTool(toolConfig), messages }, warn) : {};
  const sampling = encodeSampling(
    request.sampling,
    { target, family, thinks: reasoning.thinks === true, native: own !== undefined },
    warn,
  );
  warnUnsaid(request, tools.length > 0, warn);

  const inferenceConfig = withOwn(own?.inferenceConfig, {
    ...present('maxTokens', request.maxOutputTokens),
    ...sampling.common,
  });
  const effort = reasoning.effort ?? (own === undefined ? undefined : request.reasoning?.effort);
  const outputConfig = withOwn(own?.outputConfig, { ...present('textFormat', textFormat), ...present('effort', effort) });
  const additional = withOwn(own?.additionalModelRequestFields, {
    ...reasoning.fields,
    ...sampling.fields,
    ...(family === 'claude' && betasOf(request)),
  });
  const body: JsonObject = {
    ...own,
    messages,
    ...(system.length > 0 && { system }),
    ...present('inferenceConfig', inferenceConfig),
    ...present('toolConfig', toolConfig),
    ...present('additionalModelRequestFields', additional),
    ...present('outputConfig', outputConfig),
    ...encodeTier(request.serviceTier, warn),
    ...encodeMetadata(request.metadata, warn),
  };
  return { body, warnings, decoding: jsonTool === undefined ? {} : { jsonTool: jsonTool.name } };
}

/** Betas that a client of Claude named in its body. */
const betasOf = ({ extensions }: GenerateRequest): JsonObject => present('anthropic_beta', extensions[SIGNER]?.anthropic_beta);

/** Fields of ours beside those of the client; undefined when there are none at all. */
function withOwn(own: unknown, fields: JsonObject): JsonObject | undefined {
  const merged = { ...fields, ...(isObject(own) && own) };
  return Object.keys(merged).length === 0 ? undefined : merged;
}

/** A cache mark on the request as a whole stands at its end. */
function markLast(messages: readonly Turn[], { cache }: GenerateRequest, caches: boolean, warn: Warn): void {
  if (cache === undefined) return;
  if (caches) messages.at(-1)?.content.push(...cachePoint(cache));
  else warn({ kind: 'dropped', field: 'cache_control', reason: 'The model knows no cache points.' });
}

interface SamplingLimits {
  readonly target: UpstreamTarget;
  readonly family: Family;
  readonly thinks: boolean;
  readonly native: boolean;
}

/** Settings by where they go. */
interface EncodedSampling {
  /** For `inferenceConfig`. */
  readonly common: JsonObject;
  /** For `additionalModelRequestFields`. */
  readonly fields: JsonObject;
}

/** Temperature and its relatives, as far as the model, its thinking and each other allow. */
function encodeSampling(
  { temperature, topP, topK, stop = [] }: Sampling,
  { target, family, thinks, native }: SamplingLimits,
  warn: Warn,
): EncodedSampling {
  const drop = (field: string, reason: string): undefined => {
    warn({ kind: 'dropped', field, reason });
  };
  const obstacle =
    target.supportsSampling === false
      ? `${target.model} takes no sampling settings.`
      : thinks
        ? 'The model does not take it while it thinks.'
        : undefined;
  const allowed = (field: string, value: number | undefined, neutral?: number): number | undefined => {
    if (value === undefined || obstacle === undefined) return value;
    return value === neutral ? undefined : drop(field, obstacle);
  };
  const heat = allowed('temperature', temperature, 1);
  if (heat !== undefined && heat > 1) {
    warn({ kind: 'changed', field: 'temperature', reason: `The provider takes at most 1, not ${heat}.` });
  }
  const share = allowed('top_p', topP, 1);
  // Later models of Claude refuse both at once; a client of this dialect knows whether its model does.
  const both = family === 'claude' && !native && heat !== undefined && share !== undefined && share !== 1;
  if (both) drop('top_p', 'The model takes either temperature or top_p.');
  const sentShare = family === 'claude' && !native && (both || share === 1) ? undefined : share;
  const stopSequences = stop.filter((sequence) => sequence.trim() !== '');
  if (stopSequences.length < stop.length) drop('stop', 'The model refuses stop sequences of white space alone.');
  const top = native ? undefined : allowed('top_k', topK);
  return {
    common: {
      ...present('temperature', heat === undefined ? undefined : Math.min(1, heat)),
      ...present('topP', sentShare),
      ...(stopSequences.length > 0 && { stopSequences }),
    },
    fields: top === undefined ? {} : family === 'nova' ? { inferenceConfig: { topK: top } } : { top_k: top },
  };
}

/** The API's tiers; `auto` and `standard` are what it does without being asked. */
function encodeTier(tier: string | undefined, warn: Warn): JsonObject {
  switch (tier) {
    case undefined:
    case 'auto':
    case 'standard':
    case 'standard_only':
      return {};
    case 'default':
    case 'flex':
    case 'priority':
    case 'reserved':
      return { serviceTier: { type: tier } };
    default:
      warn({ kind: 'dropped', field: 'service_tier', reason: `The provider has no tier ${tier}.` });
      return {};
  }
}

/** Keys and values of request metadata, as the API takes them: 1 and 0 to 256 characters of a small set, at most 16 entries. */
const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;
const METADATA_ENTRIES = 16;

function encodeMetadata(metadata: JsonObject | undefined, warn: Warn): JsonObject {
  const entries = Object.entries(metadata ?? {});
  const sent = entries
    .filter(([key, value]) => key !== '' && METADATA.test(key) && typeof value === 'string' && METADATA.test(value))
    .slice(0, METADATA_ENTRIES);
  if (sent.length < entries.length) {
    warn({ kind: 'dropped', field: 'metadata', reason: 'The provider takes 16 plain texts of at most 256 characters.' });
  }
  return sent.length === 0 ? {} : { requestMetadata: Object.fromEntries(sent) };
}

/** Settings of other dialects that the API has no word for. A value that means the default is no loss. */
function warnUnsaid({ sampling, user, parallelToolCalls }: GenerateRequest, hasTools: boolean, warn: Warn): void {
  const unsaid: Readonly<Record<string, boolean>> = {
    n: (sampling.choices ?? 1) !== 1,
    seed: sampling.seed !== undefined,
    frequency_penalty: (sampling.frequencyPenalty ?? 0) !== 0,
    presence_penalty: (sampling.presencePenalty ?? 0) !== 0,
    logit_bias: Object.keys(sampling.logitBias ?? {}).length > 0,
    logprobs: sampling.logprobs === true,
    top_logprobs: (sampling.topLogprobs ?? 0) !== 0,
    parallel_tool_calls: parallelToolCalls === false && hasTools,
    user: user !== undefined,
  };
  for (const [field, said] of Object.entries(unsaid)) {
    if (said) warn({ kind: 'dropped', field, reason: 'The provider has no such setting.' });
  }
}
