/** Requests: a client's to canonical, canonical to a provider's. */
import type { FunctionTool, GenerateRequest, Tool, Warning } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { Fields, fieldsOf, oneOf, wrong } from '../fields.ts';
import { decodeFunction } from '../openai-content.ts';
import { ownFields, type Warn } from '../telling.ts';
import { decodeMessages, encodeMessages } from './messages.ts';
import { decodeFormat, decodeSettings, decodeThink, encodeFormat, encodeSettings, encodeThink } from './settings.ts';
import { DIALECT, extensionsOf } from './wire.ts';

/**
 * Reads a client's body. Answers are streamed unless it says otherwise. Fields without a neutral meaning (`keep_alive`, most `options`)
 * stay in `extensions['ollama-chat']`.
 *
 * @throws GatewayError `invalid_request` with the path of the field.
 */
export function decodeRequest(body: JsonObject): GenerateRequest {
  const fields = new Fields(body, '');
  const model = fields.name('model');
  const messages = decodeMessages(fields.any('messages'));
  const tools = (fields.array('tools') ?? []).map((tool, index) => decodeTool(fieldsOf(tool, `tools[${index}]`)));
  const output = decodeFormat(fields);
  const { sampling, maxOutputTokens, kept } = decodeSettings(fields);
  const reasoning = decodeThink(fields);
  const stream = fields.boolean('stream') ?? true;
  const own = { ...fields.rest(), ...(kept !== undefined && { options: kept }) };
  return {
    model,
    messages,
    ...(tools.length > 0 && { tools }),
    ...(output !== undefined && { output }),
    sampling,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(reasoning !== undefined && { reasoning }),
    stream,
    includeUsage: true,
    extensions: Object.keys(own).length === 0 ? {} : { [DIALECT]: own },
  };
}

function decodeTool(fields: Fields): FunctionTool {
  const type = fields.any('type') ?? 'function';
  if (type !== 'function') throw wrong(fields.at('type'), oneOf(['function']), type);
  return { ...decodeFunction(fields.inner('function')), ...extensionsOf(fields.rest()) };
}

/** The request for a provider. What the API cannot say is left out with a warning. */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const warnings: Warning[] = [];
  const warn: Warn = (warning) => void warnings.push(warning);
  const own = ownFields(request.extensions, DIALECT, warn);
  const { options, ...beside } = own;
  const tools = encodeTools(request, warn);
  warnUnsaid(request, warn);
  const body: JsonObject = {
    model: target.model,
    messages: encodeMessages(request.messages, warn),
    stream: request.stream,
    ...(tools.length > 0 && { tools }),
    ...encodeFormat(request.output),
    ...encodeThink(request.reasoning, target, warn),
    ...encodeSettings(request, options, target, warn),
    ...beside,
  };
  return { body, warnings, decoding: {} };
}

/** Tools the model may call. The API has no choice among them: `none` sends none, a tool that must be called is the only one sent. */
function encodeTools({ tools = [], toolChoice, parallelToolCalls }: GenerateRequest, warn: Warn): JsonObject[] {
  const sent = tools.flatMap((tool, index) => encodeTool(tool, `tools[${index}]`, warn));
  if (parallelToolCalls === false && sent.length > 0) {
    warn({ kind: 'dropped', field: 'parallel_tool_calls', reason: 'The API cannot forbid several calls at once.' });
  }
  switch (toolChoice?.type) {
    case undefined:
    case 'auto':
      return sent.map(({ wire }) => wire);
    case 'none':
      return [];
    case 'required':
      warn({ kind: 'dropped', field: 'tool_choice', reason: 'The API cannot force a call: the model decides.' });
      return sent.map(({ wire }) => wire);
    case 'tool':
      break;
  }
  const reason = `The API cannot force a call: only ${toolChoice.name} was sent, and the model decides.`;
  warn({ kind: 'changed', field: 'tool_choice', reason });
  return sent.filter(({ name }) => name === toolChoice.name).map(({ wire }) => wire);
}

function encodeTool(tool: Tool, path: string, warn: Warn): { name: string; wire: JsonObject }[] {
  if (tool.type === 'provider') {
    const reason = `The tool ${String(tool.value.type)} is run by ${tool.origin} providers only.`;
    warn({ kind: 'dropped', field: path, reason });
    return [];
  }
  const { name, description, parameters = { type: 'object', properties: {} }, strict, extensions } = tool;
  if (strict === true) warn({ kind: 'dropped', field: `${path}.function.strict`, reason: 'The API checks no arguments.' });
  const named = { name, ...(description !== undefined && { description }), parameters };
  return [{ name, wire: { type: 'function', function: named, ...extensions?.[DIALECT] } }];
}

/** Settings of other dialects that the API has no word for. A value that means the default is no loss. */
function warnUnsaid({ sampling, metadata, serviceTier, user, cache, messages, tools = [] }: GenerateRequest, warn: Warn): void {
  const marked = (item: object): boolean => 'cache' in item && item.cache !== undefined;
  const unsaid: Readonly<Record<string, boolean>> = {
    n: (sampling.choices ?? 1) !== 1,
    logit_bias: Object.keys(sampling.logitBias ?? {}).length > 0,
    metadata: Object.keys(metadata ?? {}).length > 0,
    service_tier: serviceTier !== undefined && !/^(auto|default|standard)/.test(serviceTier),
    user: user !== undefined,
    cache_control: cache !== undefined || tools.some(marked) || messages.some(({ parts }) => parts.some(marked)),
  };
  for (const [field, said] of Object.entries(unsaid)) {
    if (said) warn({ kind: 'dropped', field, reason: 'The API has no such setting.' });
  }
}
