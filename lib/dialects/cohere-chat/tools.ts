/** Tools, the choice among them, and the form of the answer, both ways. */
import type { FunctionTool, GenerateRequest, OutputFormat, Tool, ToolChoice } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { answerTool } from '../json-answer.ts';
import { contradiction, fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import { decodeFunction } from '../openai-content.ts';
import type { Warn } from '../telling.ts';
import { DIALECT, extensionsOf } from './wire.ts';

/** Reads `tools`, `tool_choice` and `strict_tools`. */
export function decodeTools(fields: Fields): Pick<GenerateRequest, 'tools' | 'toolChoice'> {
  const strict = fields.boolean('strict_tools');
  const tools = (fields.array('tools') ?? []).map((tool, index) => decodeTool(fieldsOf(tool, `tools[${index}]`), strict));
  const choice = fields.any('tool_choice');
  if (choice !== undefined && choice !== 'REQUIRED' && choice !== 'NONE') {
    throw wrong('tool_choice', oneOf(['REQUIRED', 'NONE']), choice);
  }
  if (choice === 'REQUIRED' && tools.length === 0) {
    throw contradiction('tool_choice', "tool_choice: 'REQUIRED' needs tools, but there are none.");
  }
  return {
    ...(tools.length > 0 && { tools }),
    ...(choice !== undefined && { toolChoice: { type: choice === 'NONE' ? 'none' : 'required' } }),
  };
}

function decodeTool(fields: Fields, strict: boolean | undefined): FunctionTool {
  const type = fields.any('type');
  if (type !== 'function') throw wrong(fields.at('type'), oneOf(['function']), type);
  const tool = decodeFunction(fields.inner('function'));
  return { ...tool, ...(strict !== undefined && { strict }), ...extensionsOf(fields.rest()) };
}

/** Reads `response_format`. `schema` is the older name of `json_schema`. */
export function decodeOutput(fields: Fields): OutputFormat | undefined {
  const format = fields.object('response_format');
  if (format === undefined) return undefined;
  const inner = fieldsOf(format, 'response_format');
  const type = inner.any('type');
  if (type === 'text') return { type };
  if (type !== 'json_object') throw wrong('response_format.type', oneOf(['text', 'json_object']), type);
  const schema = inner.object('json_schema') ?? inner.object('schema');
  return schema === undefined ? { type: 'json' } : { type: 'json-schema', name: 'response', schema };
}

/** What of a body is about tools and the form of the answer. */
export interface EncodedTools {
  readonly fields: JsonObject;
  readonly jsonTool?: string;
}

/**
 * Tools, choice and form. The API takes no form beside tools: a schema becomes one more tool, of which the model must call one, and whose
 * arguments are the answer. A tool that must be called is the only one sent, since the API cannot name it.
 */
export function encodeTools(request: GenerateRequest, target: UpstreamTarget, warn: Warn): EncodedTools {
  const { output, toolChoice, parallelToolCalls } = request;
  const known = (request.tools ?? []).flatMap((tool, index) => sendable(tool, `tools[${index}]`, warn));
  const chosen = namedOnly(known, toolChoice, warn);
  const forced = output?.type === 'json-schema' && (target.structuredOutput === 'tool' || callable(chosen, toolChoice));
  if (parallelToolCalls === false && chosen.length > 0) {
    warn({ kind: 'dropped', field: 'parallel_tool_calls', reason: 'The API cannot forbid several calls at once.' });
  }
  if (forced) {
    const { jsonTool } = answerTool(output, request);
    const tools = toolChoice?.type === 'none' ? [jsonTool] : [...chosen, jsonTool];
    return { fields: { ...toolFields(tools, warn), tool_choice: 'REQUIRED' }, jsonTool: jsonTool.name };
  }
  const choice = encodeChoice(toolChoice, chosen, warn);
  const formless = output?.type === 'json' && callable(chosen, toolChoice);
  if (formless)
    warn({ kind: 'dropped', field: 'response_format', reason: 'The API takes no form of the answer beside tools.' });
  const silent = output !== undefined && output.type !== 'text' && toolChoice?.type === 'none';
  return {
    fields: { ...(!silent && { ...toolFields(chosen, warn), ...choice }), ...(!formless && encodeOutput(output)) },
  };
}

/** Whether the model may call something. */
const callable = (tools: readonly Tool[], choice: ToolChoice | undefined): boolean =>
  tools.length > 0 && choice?.type !== 'none';

function sendable(tool: Tool, path: string, warn: Warn): Tool[] {
  if (tool.type === 'function' || tool.origin === DIALECT) return [tool];
  const reason = `The tool ${String(tool.value.type)} is run by ${tool.origin} providers only.`;
  warn({ kind: 'dropped', field: path, reason });
  return [];
}

function namedOnly(tools: readonly Tool[], choice: ToolChoice | undefined, warn: Warn): readonly Tool[] {
  if (choice?.type !== 'tool') return tools;
  const named = tools.filter((tool) => tool.type === 'function' && tool.name === choice.name);
  if (named.length === 0 || named.length === tools.length) return tools;
  warn({ kind: 'changed', field: 'tool_choice', reason: `The API cannot name a tool: only ${choice.name} was sent.` });
  return named;
}

function encodeChoice(choice: ToolChoice | undefined, tools: readonly Tool[], warn: Warn): JsonObject {
  if (choice === undefined || choice.type === 'auto') return {};
  if (choice.type === 'none') return tools.length === 0 ? {} : { tool_choice: 'NONE' };
  if (tools.length > 0) return { tool_choice: 'REQUIRED' };
  warn({ kind: 'dropped', field: 'tool_choice', reason: 'There is no tool left to choose.' });
  return {};
}

function toolFields(tools: readonly Tool[], warn: Warn): JsonObject {
  if (tools.length === 0) return {};
  const words = new Set(tools.map((tool) => (tool.type === 'function' ? tool.strict : undefined)));
  const [strict] = words;
  if (words.size > 1 && words.has(true)) {
    warn({ kind: 'dropped', field: 'tools[].function.strict', reason: 'The API is strict with all tools or with none.' });
  }
  return {
    tools: tools.map(encodeTool),
    ...(words.size === 1 && strict !== undefined && { strict_tools: strict }),
  };
}

function encodeTool(tool: Tool): JsonObject {
  if (tool.type === 'provider') return tool.value;
  const { name, description, parameters = { type: 'object', properties: {} }, extensions } = tool;
  const named = { name, ...(description !== undefined && { description }), parameters };
  return { type: 'function', function: named, ...extensions?.[DIALECT] };
}

function encodeOutput(output: OutputFormat | undefined): JsonObject {
  if (output === undefined) return {};
  if (output.type === 'text') return { response_format: { type: 'text' } };
  const schema = output.type === 'json-schema' ? { json_schema: output.schema } : {};
  return { response_format: { type: 'json_object', ...schema } };
}
