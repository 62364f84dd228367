/** Tools and the choice among them, both ways. */
import type { FunctionTool, GenerateRequest, Tool, ToolChoice, Warning } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { decodeCache } from './content.ts';
import {
  asObject,
  at,
  invalid,
  readObject,
  readOptionalFlag,
  readOptionalList,
  readOptionalObject,
  readOptionalText,
  readText,
  readWord,
} from './fields.ts';
import { cacheControl, ID, otherFields } from './wire.ts';

/** The `tools` field. A `type` other than `custom` is a tool the provider runs, or whose shape it knows. */
export function decodeTools(body: JsonObject): Tool[] | undefined {
  return readOptionalList(body, 'tools', '')?.map((item, index) => {
    const path = at('tools', index);
    const tool = asObject(item, path);
    const type = readOptionalText(tool, 'type', path) ?? 'custom';
    return type === 'custom' ? functionTool(tool, path) : { type: 'provider', origin: ID, value: tool };
  });
}

const KNOWN: ReadonlySet<string> = new Set(['type', 'name', 'description', 'input_schema', 'strict', 'cache_control']);

function functionTool(tool: JsonObject, path: string): FunctionTool {
  const description = readOptionalText(tool, 'description', path);
  const strict = readOptionalFlag(tool, 'strict', path);
  const others = otherFields(tool, KNOWN);
  return {
    type: 'function',
    name: readText(tool, 'name', path),
    ...(description !== undefined && { description }),
    parameters: readObject(tool, 'input_schema', path),
    ...(strict !== undefined && { strict }),
    ...decodeCache(tool, path),
    ...(others !== undefined && { extensions: { [ID]: others } }),
  };
}

/** The `tool_choice` field. */
export function decodeToolChoice(body: JsonObject): Pick<GenerateRequest, 'toolChoice' | 'parallelToolCalls'> {
  const choice = readOptionalObject(body, 'tool_choice', '');
  if (choice === undefined) return {};
  const type = readWord(choice, 'type', 'tool_choice', ['auto', 'any', 'tool', 'none']);
  if ((type === 'any' || type === 'tool') && noTools(body)) {
    throw invalid('tool_choice', 'tool_choice may only be specified while providing tools');
  }
  const single = readOptionalFlag(choice, 'disable_parallel_tool_use', 'tool_choice');
  return {
    toolChoice: toolChoice(type, choice),
    ...(single !== undefined && { parallelToolCalls: !single }),
  };
}

/** True when there is nothing to choose from: neither tools nor servers that bring some. */
const noTools = (body: JsonObject): boolean =>
  ![body.tools, body.mcp_servers].some((list) => Array.isArray(list) && list.length > 0);

function toolChoice(type: 'auto' | 'any' | 'tool' | 'none', choice: JsonObject): ToolChoice {
  if (type === 'tool') return { type, name: readText(choice, 'name', 'tool_choice') };
  return { type: type === 'any' ? 'required' : type };
}

/** A schema as the API takes it: of an object. */
export const objectSchema = (schema: JsonObject | undefined): JsonObject => {
  if (schema === undefined) return { type: 'object', properties: {} };
  return schema.type === 'object' ? schema : { ...schema, type: 'object' };
};

/** Tools for a provider. Another dialect's own tools cannot be sent. */
export function encodeTools(tools: readonly Tool[], warn: (warning: Warning) => void): JsonObject[] {
  return tools.flatMap((tool, index) => {
    if (tool.type === 'function') return [encodeFunction(tool)];
    if (tool.origin === ID) return [tool.value];
    warn({ kind: 'dropped', field: `tools[${index}]`, reason: `The provider has no tool of type ${String(tool.value.type)}.` });
    return [];
  });
}

function encodeFunction({ name, description, parameters, strict, cache, extensions }: FunctionTool): JsonObject {
  return {
    ...extensions?.[ID],
    name,
    ...(description !== undefined && { description }),
    input_schema: objectSchema(parameters),
    ...(strict !== undefined && { strict }),
    ...cacheControl(cache),
  };
}

/** The `tool_choice` for a provider; undefined when there is none to send. */
export function encodeToolChoice(choice: ToolChoice | undefined, parallel: boolean | undefined): JsonObject | undefined {
  if (choice === undefined && parallel === undefined) return undefined;
  if (choice?.type === 'none') return { type: 'none' };
  const single = parallel === undefined ? {} : { disable_parallel_tool_use: !parallel };
  if (choice?.type === 'tool') return { type: 'tool', name: choice.name, ...single };
  return { type: choice?.type === 'required' ? 'any' : 'auto', ...single };
}
