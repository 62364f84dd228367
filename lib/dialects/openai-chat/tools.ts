/** Tools, the choice among them, and the form of the answer, both ways. */
import type { GenerateRequest, OutputFormat, ProviderTool, Tool, ToolChoice } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { decodeCache, encodeCache } from './cache.ts';
import { extensionsOf } from './content.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import { decodeFunction } from '../openai-content.ts';
import { encodeToolUse } from '../openai-request.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { DIALECT } from './wire.ts';

type Tooling = Pick<GenerateRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'>;

/** Reads `tools` and `tool_choice`, and the deprecated `functions` and `function_call`, which say the same. */
export function decodeTools(fields: Fields): Tooling {
  const listed = fields.array('tools')?.map((tool, index) => decodeTool(tool, `tools[${index}]`)) ?? [];
  const legacy = fields.array('functions')?.map((item, index) => decodeFunction(fieldsOf(item, `functions[${index}]`))) ?? [];
  const tools: Tool[] = [...listed, ...legacy];
  const parallel = fields.boolean('parallel_tool_calls');
  const legacyChoice = fields.any('function_call');
  const choice = fields.any('tool_choice');
  const decoded = tools.length === 0 ? withoutTools(choice) : decodeChoice(choice ?? legacyChoice, choice === undefined, tools);
  return {
    ...(tools.length > 0 && { tools }),
    ...decoded,
    ...(parallel !== undefined && { parallelToolCalls: parallel }),
  };
}

/** A choice without anything to choose from is OpenAI's 400; only `none` says nothing wrong. */
function withoutTools(choice: unknown): Tooling {
  if (choice === undefined || choice === 'none') return {};
  throw contradiction(
    'tool_choice',
    "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
  );
}

function decodeTool(value: unknown, path: string): Tool {
  const fields = fieldsOf(value, path);
  if (fields.name('type') !== 'function') {
    if ((value as JsonObject)['type'] === 'custom') fields.inner('custom').name('name');
    return { type: 'provider', origin: DIALECT, value: value as JsonObject };
  }
  const inner = fields.inner('function');
  return {
    ...decodeFunction(inner),
    ...present('strict', inner.boolean('strict')),
    ...decodeCache(fields.any('cache_control')),
    ...extensionsOf(fields.rest()),
  };
}

/** Name of a tool a choice can mean. */
function nameOf(tool: Tool): string | undefined {
  if (tool.type === 'function') return tool.name;
  const custom = tool.value['custom'];
  return isObject(custom) && typeof custom['name'] === 'string' ? custom['name'] : undefined;
}

function decodeChoice(choice: unknown, legacy: boolean, tools: readonly Tool[]): Tooling {
  const path = legacy ? 'function_call' : 'tool_choice';
  if (choice === undefined) return {};
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { toolChoice: { type: choice } };
  // Mistral's word for `required`.
  if (choice === 'any') return { toolChoice: { type: 'required' } };
  if (!isObject(choice)) throw wrong(path, `${oneOf(['none', 'auto', 'required'])} or an object`, choice);
  const fields = fieldsOf(choice, path);
  if (legacy) return { toolChoice: named(fields.name('name'), fields.at('name'), tools) };
  const type = fields.any('type');
  if (type === 'function' || type === 'custom') {
    const inner = fields.inner(type);
    return { toolChoice: named(inner.name('name'), inner.at('name'), tools) };
  }
  if (type === 'allowed_tools') return allowed(fields.inner('allowed_tools'), tools);
  throw wrong(fields.at('type'), oneOf(['function', 'custom', 'allowed_tools']), type);
}

function named(name: string, path: string, tools: readonly Tool[]): ToolChoice {
  if (tools.some((tool) => nameOf(tool) === name)) return { type: 'tool', name };
  const known = tools.flatMap((tool) => nameOf(tool) ?? []);
  throw contradiction(path, `${path}: no tool is named ${JSON.stringify(name)}; the tools are ${oneOf(known)}.`);
}

/** `allowed_tools` is a subset of the tools with a mode: the same as having only those tools. */
function allowed(fields: Fields, tools: readonly Tool[]): Tooling {
  const mode = fields.any('mode');
  if (mode !== 'auto' && mode !== 'required') throw wrong(fields.at('mode'), oneOf(['auto', 'required']), mode);
  const names = (fields.array('tools') ?? []).map((tool, index) => {
    const item = fieldsOf(tool, `${fields.at('tools')}[${index}]`);
    const inner = item.inner(item.any('type') === 'custom' ? 'custom' : 'function');
    const name = inner.name('name');
    named(name, inner.at('name'), tools);
    return name;
  });
  return {
    tools: tools.filter((tool) => {
      const name = nameOf(tool);
      return name === undefined || names.includes(name);
    }),
    toolChoice: { type: mode },
  };
}

/** Formats that only single providers have (Fireworks' grammar, Perplexity's regex): kept for them, unknown to the rest. */
const VENDOR_FORMATS: readonly unknown[] = ['grammar', 'regex'];

/** Reads `response_format`. */
export function decodeOutput(fields: Fields): { output?: OutputFormat; kept?: JsonObject } {
  const format = fields.object('response_format');
  if (format === undefined) return {};
  const inner = fieldsOf(format, 'response_format');
  const type = inner.any('type');
  if (type === 'text') return { output: { type: 'text' } };
  if (type === 'json_schema') return { output: decodeSchema(inner.inner('json_schema')) };
  if (type === 'json_object') {
    // Together and Fireworks take a schema beside the older word.
    const schema = inner.object('schema');
    return { output: schema === undefined ? { type: 'json' } : { type: 'json-schema', name: 'response', schema } };
  }
  if (VENDOR_FORMATS.includes(type)) return { kept: format };
  throw wrong('response_format.type', oneOf(['text', 'json_object', 'json_schema']), type);
}

function decodeSchema(fields: Fields): OutputFormat {
  const name = fields.string('name') ?? 'response';
  const description = fields.string('description');
  const strict = fields.boolean('strict');
  const schema = fields.object('schema');
  return {
    type: 'json-schema',
    name,
    schema: schema ?? {},
    ...(description !== undefined && { description }),
    ...(strict !== undefined && { strict }),
  };
}

/** Tools, choice and form of the answer as fields of a body. */
export function encodeTools(
  request: GenerateRequest,
  target: UpstreamTarget,
  warn: Warn,
): { readonly fields: JsonObject; readonly jsonTool?: string } {
  const tools = (request.tools ?? [])
    .map((tool, index) => encodeTool(tool, `tools[${index}]`, warn))
    .filter((tool) => tool !== undefined);
  const { output } = request;
  if (output?.type === 'json-schema' && target.structuredOutput === 'tool') return forced(request, output, tools);
  return { fields: { ...encodeToolUse(request, tools, encodeChoice, warn), ...encodeOutput(output) } };
}

function encodeTool(tool: Tool, path: string, warn: Warn): JsonObject | undefined {
  if (tool.type === 'provider') {
    if (tool.origin === DIALECT) return tool.value;
    const custom = customTool(tool);
    if (custom !== undefined) return custom;
    warn({
      kind: 'dropped',
      field: path,
      reason: `The tool ${String(tool.value['type'])} is run by ${tool.origin} providers only.`,
    });
    return undefined;
  }
  const { name, description, parameters, strict } = tool;
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      ...(parameters !== undefined && { parameters }),
      ...(strict !== undefined && { strict }),
    },
    ...encodeCache(tool.cache),
    ...tool.extensions?.[DIALECT],
  };
}

/** A custom tool of the Responses API, whose fields stand one level deeper here. */
function customTool({ origin, value }: ProviderTool): JsonObject | undefined {
  const { type, format, ...rest } = value;
  if (origin !== 'openai-responses' || type !== 'custom') return undefined;
  if (!isObject(format)) return { type, custom: rest };
  const { type: kind, ...grammar } = format;
  return { type, custom: { ...rest, format: kind === 'grammar' ? { type: kind, grammar } : format } };
}

function encodeChoice(choice: ToolChoice, tools: readonly JsonObject[]): string | JsonObject {
  if (choice.type !== 'tool') return choice.type;
  const { name } = choice;
  const custom = tools.some((tool) => isObject(tool['custom']) && tool['custom']['name'] === name);
  return custom ? { type: 'custom', custom: { name } } : { type: 'function', function: { name } };
}

/**
 * A schema for a model without schemas: a tool whose arguments are the answer. Alone it is forced; beside other tools the model must
 * call one of them, and this one ends the work.
 */
function forced(
  request: GenerateRequest,
  output: Extract<OutputFormat, { type: 'json-schema' }>,
  tools: readonly JsonObject[],
): { fields: JsonObject; jsonTool: string } {
  const taken = new Set((request.tools ?? []).map(nameOf));
  let name = output.name;
  while (taken.has(name)) name += '_';
  const description = output.description ?? 'Gives the final answer. Its arguments are the answer.';
  const tool = { type: 'function', function: { name, description, parameters: output.schema } };
  const choice = tools.length === 0 ? { type: 'function', function: { name } } : 'required';
  return {
    fields: {
      tools: [...tools, tool],
      tool_choice: choice,
      ...(tools.length > 0 && request.parallelToolCalls !== undefined && { parallel_tool_calls: request.parallelToolCalls }),
    },
    jsonTool: name,
  };
}

function encodeOutput(output: OutputFormat | undefined): JsonObject {
  if (output === undefined) return {};
  if (output.type !== 'json-schema') return { response_format: { type: output.type === 'json' ? 'json_object' : 'text' } };
  const { type: _, ...schema } = output;
  return { response_format: { type: 'json_schema', json_schema: schema } };
}
