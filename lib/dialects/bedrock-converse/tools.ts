/** Tools and the choice among them, both ways. */
import type { FunctionTool, GenerateRequest, Tool, ToolChoice } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { fieldsOf, oneOf, wrong, type Fields } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { cacheMark } from './content.ts';
import { cachePoint, ID } from './wire.ts';

/** The `toolConfig` field: tools and choice. A cache point marks the tool before it. */
export function decodeTools(config: Fields | undefined): Pick<GenerateRequest, 'tools' | 'toolChoice'> {
  if (config === undefined) return {};
  const tools: Tool[] = [];
  for (const [index, item] of (config.array('tools') ?? []).entries()) {
    const tool = fieldsOf(item, `${config.at('tools')}[${index}]`);
    const last = tools.at(-1);
    if (tool.peek('cachePoint') !== undefined && last?.type === 'function') {
      tools[tools.length - 1] = { ...last, cache: cacheMark(tool.inner('cachePoint')) };
    } else if (tool.peek('toolSpec') === undefined) tools.push({ type: 'provider', origin: ID, value: tool.without() });
    else tools.push(functionTool(tool.inner('toolSpec')));
  }
  const choice = config.object('toolChoice');
  return {
    ...(tools.length > 0 && { tools }),
    ...(choice !== undefined && { toolChoice: decodeChoice(fieldsOf(choice, config.at('toolChoice')), choice) }),
  };
}

function functionTool(spec: Fields): FunctionTool {
  const schema = spec.inner('inputSchema').object('json');
  if (schema === undefined) throw wrong(`${spec.at('inputSchema')}.json`, 'a JSON Schema', schema);
  return {
    type: 'function',
    name: spec.name('name'),
    ...present('description', spec.string('description')),
    parameters: schema,
    ...present('strict', spec.boolean('strict')),
  };
}

function decodeChoice(choice: Fields, value: JsonObject): ToolChoice {
  if (choice.peek('auto') !== undefined) return { type: 'auto' };
  if (choice.peek('any') !== undefined) return { type: 'required' };
  if (choice.peek('tool') !== undefined) return { type: 'tool', name: choice.inner('tool').name('name') };
  throw wrong('toolConfig.toolChoice', `an object with ${oneOf(['auto', 'any', 'tool'])}`, value);
}

/** What the conversation means for tools: the API refuses blocks of calls and results without a `toolConfig`. */
export interface ToolUse {
  /** Names of the tools called in the conversation. */
  readonly called: ReadonlySet<string>;
  /** Whether the model knows cache points. */
  readonly caches: boolean;
  /** Whether the model can be held to a schema. */
  readonly strict: boolean;
}

/** The `toolConfig` for a provider; undefined when there is none to send. */
export function encodeTools(
  tools: readonly Tool[],
  choice: ToolChoice | undefined,
  use: ToolUse,
  warn: Warn,
): JsonObject | undefined {
  const { called } = use;
  const dropped = choice?.type === 'none' && called.size === 0;
  const sent = dropped ? [] : tools.flatMap((tool, index) => encodeTool(tool, `tools[${index}]`, use, warn));
  if (sent.length > 0) {
    if (choice?.type === 'none') {
      const reason = 'The provider wants the tools of earlier calls named, and cannot forbid them.';
      warn({ kind: 'changed', field: 'tool_choice', reason });
    }
    return { tools: sent, ...encodeChoice(choice) };
  }
  if (choice?.type === 'required' || choice?.type === 'tool') {
    warn({ kind: 'dropped', field: 'tool_choice', reason: 'There is no tool to choose.' });
  }
  if (called.size === 0) return undefined;
  warn({ kind: 'changed', field: 'tools', reason: 'The tools of earlier calls were named: the provider wants them to be.' });
  return { tools: Array.from(called, (name) => toolSpec({ type: 'function', name }, false)) };
}

function encodeTool(tool: Tool, field: string, { caches, strict }: ToolUse, warn: Warn): JsonObject[] {
  if (tool.type === 'function') {
    if (tool.strict === true && !strict) {
      warn({ kind: 'dropped', field: `${field}.strict`, reason: 'The model cannot be held to the schema of a tool.' });
    }
    if (tool.cache !== undefined && !caches) {
      warn({ kind: 'dropped', field: `${field}.cache_control`, reason: 'The model knows no cache points.' });
    }
    return [toolSpec(tool, strict && tool.strict === true), ...cachePoint(caches ? tool.cache : undefined)];
  }
  if (tool.origin === ID) return [tool.value];
  warn({ kind: 'dropped', field, reason: `The provider has no tool of type ${String(tool.value.type)}.` });
  return [];
}

/** The API wants a schema of an object, and no empty description. */
function toolSpec({ name, description, parameters }: FunctionTool, strict: boolean): JsonObject {
  const schema = parameters ?? { type: 'object', properties: {} };
  return {
    toolSpec: {
      name,
      ...(description !== undefined && description !== '' && { description }),
      inputSchema: { json: schema.type === 'object' ? schema : { ...schema, type: 'object' } },
      ...(strict && { strict }),
    },
  };
}

function encodeChoice(choice: ToolChoice | undefined): JsonObject {
  switch (choice?.type) {
    case 'auto':
      return { toolChoice: { auto: {} } };
    case 'required':
      return { toolChoice: { any: {} } };
    case 'tool':
      return { toolChoice: { tool: { name: choice.name } } };
    case 'none':
    case undefined:
      break;
  }
  return {};
}

/** True when the model must call a tool. */
export const forcesTool = (config: JsonObject | undefined): boolean =>
  isObject(config?.toolChoice) && config.toolChoice.auto === undefined;
