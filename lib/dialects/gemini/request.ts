/** Requests: a client's to canonical, canonical to a provider's. */
import { GatewayError } from '../../errors.ts';
import type { GenerateRequest, Sampling, Tool, Warning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Asked, EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { Fields, wrong } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { decodeContents, decodeSystem } from './contents.ts';
import { decodeOutput, encodeOutput } from './output.ts';
import { decodeThinking, encodeThinking } from './thinking.ts';
import { decodeToolChoice, decodeTools, encodeToolChoice, encodeTools } from './tools.ts';
import { encodeContents } from './turns.ts';
import { camelised, ID } from './wire.ts';

/**
 * A client's request. `extensions.gemini` is always there, so that an encoder can tell that the client speaks this dialect; it holds
 * the fields we do not model (`safetySettings`, `cachedContent`, `labels`, the rest of `generationConfig`, ...).
 *
 * @param asked Model and streaming, which the path names.
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject, asked: Asked = {}): GenerateRequest {
  const fields = new Fields(camelised(body) as JsonObject, '');
  const named = asked.model ?? fields.string('model');
  if (named === undefined || named === '') throw wrong('model', 'the name of a model in the path', named);
  fields.any('model');
  const system = decodeSystem(fields);
  const messages = decodeContents(fields, fields.peek('cachedContent') === undefined);
  const tools = decodeTools(fields);
  const { toolChoice, toolConfig } = decodeToolChoice(fields);
  const tier = fields.string('serviceTier')?.toLowerCase();
  const config = fields.peek('generationConfig') === undefined ? new Fields({}, '') : fields.inner('generationConfig');
  const sampling = decodeSampling(config);
  const maxOutputTokens = config.integer('maxOutputTokens', 1);
  const output = decodeOutput(config);
  const reasoning = decodeThinking(config);
  const others = config.rest();
  return {
    model: named.replace(/^models\//, ''),
    messages: [...system, ...messages],
    ...(tools !== undefined && tools.length > 0 && { tools }),
    ...present('toolChoice', toolChoice),
    ...present('output', output),
    sampling,
    ...present('maxOutputTokens', maxOutputTokens),
    ...present('reasoning', reasoning),
    stream: asked.stream ?? false,
    includeUsage: true,
    ...(tier !== undefined && tier !== 'unspecified' && { serviceTier: tier === 'standard' ? 'default' : tier }),
    extensions: {
      [ID]: { ...fields.rest(), ...present('toolConfig', toolConfig), ...present('generationConfig', others) },
    },
  };
}

function decodeSampling(config: Fields): Sampling {
  const stop = config.array('stopSequences')?.map((item, index): string => {
    if (typeof item === 'string') return item;
    throw wrong(`${config.at('stopSequences')}[${index}]`, 'a string', item);
  });
  const logprobs = config.boolean('responseLogprobs');
  return {
    ...present('temperature', config.number('temperature')),
    ...present('topP', config.number('topP')),
    ...present('topK', config.number('topK')),
    ...present('seed', config.integer('seed')),
    ...present('frequencyPenalty', config.number('frequencyPenalty')),
    ...present('presencePenalty', config.number('presencePenalty')),
    ...present('choices', config.integer('candidateCount', 1)),
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...present('logprobs', logprobs),
    ...present('topLogprobs', config.integer('logprobs', 0)),
  };
}

/**
 * The request as other dialects are to read it; `warn` is told of settings that only Google has.
 *
 * @throws GatewayError `invalid_request` when most of the prompt is kept by Google.
 */
export function forOthers(request: GenerateRequest, warn: Warn): GenerateRequest {
  const { generationConfig, toolConfig: _, cachedContent, ...own } = request.extensions[ID] ?? {};
  if (cachedContent !== undefined) {
    const message = 'cachedContent: only Google can read content it cached; this model is served by another provider.';
    throw new GatewayError('invalid_request', message, { param: 'cachedContent' });
  }
  const config = Object.keys(isObject(generationConfig) ? generationConfig : {}).map((name) => `generationConfig.${name}`);
  for (const field of [...Object.keys(own), ...config]) {
    warn({ kind: 'dropped', field, reason: 'Only Google knows this setting.' });
  }
  return request;
}

/** The request for a provider. What the API cannot say, or refuses in combination, is left out with a warning. */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const { generationConfig: ownConfig, toolConfig: _, ...own } = request.extensions[ID] ?? {};
  const native = request.extensions[ID] !== undefined;

  const { system, contents } = encodeContents(request.messages, target.model, warn);
  const output = encodeOutput(request, target, warn);
  const { jsonTool } = output;
  const tools: readonly Tool[] = [...(request.tools ?? []), ...(jsonTool === undefined ? [] : [jsonTool])];
  const sentTools = encodeTools(tools, target.model, warn);
  const hasFunctions = tools.some(({ type }) => type === 'function');
  const toolConfig = encodeToolChoice(request, output.toolChoice, hasFunctions, warn);
  const thinkingConfig = encodeThinking(request.reasoning, target, native, warn);
  warnUnsaid(request, warn);

  const config: JsonObject = {
    ...(isObject(ownConfig) && ownConfig),
    ...present('maxOutputTokens', request.maxOutputTokens),
    ...encodeSampling(request.sampling, target, warn),
    ...output.config,
    ...present('thinkingConfig', thinkingConfig),
  };
  const body: JsonObject = {
    ...own,
    ...(system.length > 0 && { systemInstruction: { parts: system } }),
    contents,
    ...(sentTools.length > 0 && { tools: sentTools }),
    ...present('toolConfig', toolConfig),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
    ...encodeServiceTier(request.serviceTier, warn),
  };
  return { body, warnings, decoding: jsonTool === undefined ? {} : { jsonTool: jsonTool.name } };
}

/** Most stop sequences the API takes. */
const MOST_STOPS = 5;

function encodeSampling(sampling: Sampling, { model, supportsSampling }: UpstreamTarget, warn: Warn): JsonObject {
  const {
    temperature,
    topP,
    topK,
    seed,
    frequencyPenalty,
    presencePenalty,
    choices,
    stop = [],
    logprobs,
    topLogprobs,
  } = sampling;
  const drawn = { ...present('temperature', temperature), ...present('topP', topP), ...present('topK', topK) };
  const refused = supportsSampling === false;
  for (const field of refused ? Object.keys(drawn) : []) {
    warn({ kind: 'dropped', field, reason: `${model} takes no sampling settings.` });
  }
  if (stop.length > MOST_STOPS) {
    warn({ kind: 'changed', field: 'stop', reason: `The provider takes ${MOST_STOPS} stop sequences: the first were sent.` });
  }
  return {
    ...(!refused && drawn),
    ...present('seed', seed),
    // Models without penalties refuse even the neutral value.
    ...(frequencyPenalty !== 0 && present('frequencyPenalty', frequencyPenalty)),
    ...(presencePenalty !== 0 && present('presencePenalty', presencePenalty)),
    ...present('candidateCount', choices),
    ...(stop.length > 0 && { stopSequences: stop.slice(0, MOST_STOPS) }),
    ...present('responseLogprobs', logprobs),
    ...(logprobs === true && present('logprobs', topLogprobs)),
  };
}

function encodeServiceTier(tier: string | undefined, warn: Warn): JsonObject {
  switch (tier) {
    case undefined:
    case 'auto':
      return {};
    case 'default':
    case 'standard':
      return { serviceTier: 'standard' };
    case 'flex':
    case 'priority':
      return { serviceTier: tier };
    default:
      warn({ kind: 'dropped', field: 'service_tier', reason: `The provider has no tier ${tier}.` });
      return {};
  }
}

/** Settings of other dialects that the API has no word for. A value that means the default is no loss. */
function warnUnsaid({ sampling, metadata, user, cache }: GenerateRequest, warn: Warn): void {
  const unsaid: Readonly<Record<string, boolean>> = {
    logit_bias: Object.keys(sampling.logitBias ?? {}).length > 0,
    metadata: Object.keys(metadata ?? {}).length > 0,
    user: user !== undefined,
    cache_control: cache !== undefined,
  };
  for (const [field, said] of Object.entries(unsaid)) {
    if (said) warn({ kind: 'dropped', field, reason: 'The provider has no such setting.' });
  }
}
