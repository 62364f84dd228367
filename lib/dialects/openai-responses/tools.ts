/** Tools, the choice among them, and the form of the answer, both ways. */
import type { GenerateRequest, OutputFormat, ProviderTool, Tool, ToolChoice } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import { encodeToolUse } from '../openai-request.ts';
import type { Warn } from '../telling.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { DIALECT, extensionsOf } from './wire.ts';

/** Tools and choice of a request; `kept` is a choice that only this dialect understands. */
export interface Tooling {
  readonly tooling: Pick<GenerateRequest, 'tools' | 'toolChoice' | 'parallelToolCalls'>;
  readonly kept?: JsonObject;
}

/** Reads `tools`, `tool_choice` and `parallel_tool_calls`. */
export function decodeTools(fields: Fields): Tooling {
  const tools = (fields.array('tools') ?? []).map((tool, index) => decodeTool(tool, `tools[${index}]`));
  const parallelToolCalls = fields.boolean('parallel_tool_calls');
  const { tooling, kept } = decodeChoice(fields.any('tool_choice'), tools);
  return {
    tooling: { ...(tools.length > 0 && { tools }), ...present('parallelToolCalls', parallelToolCalls), ...tooling },
    ...present('kept', kept),
  };
}

function decodeTool(value: unknown, path: string): Tool {
  const fields = fieldsOf(value, path);
  const type = fields.name('type');
  if (type === 'custom') fields.name('name');
  if (type !== 'function') return { type: 'provider', origin: DIALECT, value: value as JsonObject };
  const name = fields.name('name');
  return {
    type: 'function',
    name,
    ...present('description', fields.string('description')),
    ...present('parameters', fields.object('parameters')),
    ...present('strict', fields.boolean('strict')),
    ...extensionsOf(fields.rest()),
  };
}

/** Names of the tools a choice can mean; those inside a `namespace` too. */
function namesOf(tool: Tool): readonly string[] {
  if (tool.type === 'function') return [tool.name];
  const { type, name, tools } = tool.value;
  if (type === 'namespace') return objectsOf(tools).flatMap((inner) => textOf(inner['name']) ?? []);
  return type === 'custom' && typeof name === 'string' ? [name] : [];
}

function decodeChoice(choice: unknown, tools: readonly Tool[]): Tooling {
  if (choice === undefined) return { tooling: {} };
  if (choice === 'auto' || choice === 'none') return { tooling: tools.length === 0 ? {} : { toolChoice: { type: choice } } };
  if (choice === 'required') {
    if (tools.length > 0) return { tooling: { toolChoice: { type: choice } } };
    throw contradiction('tool_choice', "Tool choice 'required' must be specified with 'tools' parameter.");
  }
  if (!isObject(choice)) throw wrong('tool_choice', `${oneOf(['none', 'auto', 'required'])} or an object`, choice);
  const fields = fieldsOf(choice, 'tool_choice');
  const type = fields.name('type');
  if (type === 'function' || type === 'custom') return { tooling: { toolChoice: named(fields, tools) } };
  if (type === 'allowed_tools') return { tooling: allowed(fields, tools) };
  // A tool the provider runs.
  return { tooling: {}, kept: { tool_choice: choice } };
}

function named(fields: Fields, tools: readonly Tool[]): ToolChoice {
  const name = fields.name('name');
  const known = tools.flatMap(namesOf);
  if (known.includes(name)) return { type: 'tool', name };
  const names = known.length === 0 ? 'there are none' : `the tools are ${oneOf(known)}`;
  throw contradiction(fields.at('name'), `Tool choice '${name}' not found in 'tools' parameter: ${names}.`);
}

/** `allowed_tools` is a subset of the tools with a mode: the same as having only those tools. */
function allowed(fields: Fields, tools: readonly Tool[]): Tooling['tooling'] {
  const mode = fields.any('mode');
  if (mode !== 'auto' && mode !== 'required') throw wrong(fields.at('mode'), oneOf(['auto', 'required']), mode);
  const items = objectsOf(fields.array('tools'));
  const names = items.flatMap((item) => textOf(item['name']) ?? []);
  const types = items.flatMap((item) => (item['type'] === 'function' ? [] : (textOf(item['type']) ?? [])));
  return {
    tools: tools.filter((tool) => {
      const own = namesOf(tool);
      if (own.length > 0) return own.some((name) => names.includes(name));
      return tool.type === 'provider' && types.includes(String(tool.value['type']));
    }),
    toolChoice: { type: mode },
  };
}

/** Reads `text`; `kept` is what stands beside the format (`verbosity`). */
export function decodeText(fields: Fields): { readonly output?: OutputFormat; readonly kept?: JsonObject } {
  const text = fields.object('text');
  if (text === undefined) return {};
  const inner = fieldsOf(text, 'text');
  const output = decodeFormat(inner);
  const rest = inner.rest();
  return { ...present('output', output), ...present('kept', rest && { text: rest }) };
}

function decodeFormat(fields: Fields): OutputFormat | undefined {
  if (fields.any('format') === undefined) return undefined;
  const format = fields.inner('format');
  const type = format.any('type');
  if (type === 'text') return { type };
  if (type === 'json_object') return { type: 'json' };
  if (type !== 'json_schema') throw wrong(format.at('type'), oneOf(['text', 'json_object', 'json_schema']), type);
  const name = format.name('name');
  const schema = format.object('schema');
  if (schema === undefined) throw wrong(format.at('schema'), 'an object', schema);
  return {
    type: 'json-schema',
    name,
    schema,
    ...present('description', format.string('description')),
    ...present('strict', format.boolean('strict')),
  };
}

/** Tools, choice and form of the answer as fields of a body; `jsonTool` is a tool forced to get JSON by schema. */
export interface EncodedTools {
  readonly fields: JsonObject;
  readonly jsonTool?: string;
}

/** Writes them for a provider. `own` are the client's own fields of this dialect. */
export function encodeTools(request: GenerateRequest, own: JsonObject, target: UpstreamTarget, warn: Warn): EncodedTools {
  const tools = (request.tools ?? [])
    .map((tool, index) => encodeTool(tool, `tools[${index}]`, warn))
    .filter((tool) => tool !== undefined);
  const { output } = request;
  const beside = isObject(own['text']) ? own['text'] : undefined;
  if (output?.type === 'json-schema' && target.structuredOutput === 'tool') return forced(request, output, tools, beside);
  const format = encodeFormat(output);
  const text = format === undefined && beside === undefined ? undefined : { ...present('format', format), ...beside };
  return { fields: { ...encodeToolUse(request, tools, encodeChoice, warn), ...present('text', text) } };
}

function encodeTool(tool: Tool, path: string, warn: Warn): JsonObject | undefined {
  if (tool.type === 'function') {
    const { name, description, parameters, strict = false } = tool;
    // The API takes an absent `strict` for true; other dialects mean false by it.
    return {
      type: 'function',
      name,
      ...present('description', description),
      parameters: parameters ?? { type: 'object', properties: {} },
      strict,
      ...tool.extensions?.[DIALECT],
    };
  }
  if (tool.origin === DIALECT) return tool.value;
  const custom = customTool(tool);
  if (custom === undefined) {
    const reason = `The tool ${String(tool.value['type'])} is run by ${tool.origin} providers only.`;
    warn({ kind: 'dropped', field: path, reason });
  }
  return custom;
}

/** A custom tool of chat completions, which has the same fields one level deeper. */
function customTool({ origin, value }: ProviderTool): JsonObject | undefined {
  const { type, custom } = value;
  if (origin !== 'openai-chat' || type !== 'custom' || !isObject(custom)) return undefined;
  const { format, ...rest } = custom;
  if (!isObject(format)) return { type, ...rest };
  const { grammar, ...kind } = format;
  return { type, ...rest, format: { ...kind, ...(isObject(grammar) && grammar) } };
}

function encodeChoice(choice: ToolChoice, tools: readonly JsonObject[]): string | JsonObject {
  if (choice.type !== 'tool') return choice.type;
  const { name } = choice;
  const custom = tools.some((tool) => tool['type'] === 'custom' && tool['name'] === name);
  return { type: custom ? 'custom' : 'function', name };
}

/** A schema for a model without schemas: a tool whose arguments are the answer, forced unless there are others to call first. */
function forced(
  request: GenerateRequest,
  output: Extract<OutputFormat, { type: 'json-schema' }>,
  tools: readonly JsonObject[],
  text: JsonObject | undefined,
): EncodedTools {
  const taken = new Set((request.tools ?? []).flatMap(namesOf));
  let { name } = output;
  while (taken.has(name)) name += '_';
  const description = output.description ?? 'Gives the final answer. Its arguments are the answer.';
  return {
    fields: {
      tools: [...tools, { type: 'function', name, description, parameters: output.schema, strict: output.strict ?? false }],
      tool_choice: tools.length === 0 ? { type: 'function', name } : 'required',
      ...(tools.length > 0 && present('parallel_tool_calls', request.parallelToolCalls)),
      ...present('text', text),
    },
    jsonTool: name,
  };
}

function encodeFormat(output: OutputFormat | undefined): JsonObject | undefined {
  if (output === undefined) return undefined;
  if (output.type !== 'json-schema') return { type: output.type === 'json' ? 'json_object' : 'text' };
  const { type: _, ...schema } = output;
  return { type: 'json_schema', ...schema };
}
