/** Tools and the choice among them, both ways. */
import type { FunctionTool, GenerateRequest, ProviderTool, Tool, ToolChoice } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { fieldsOf, wrong, type Fields } from '../fields.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { normaliseSchema, toJsonSchema } from './schema.ts';
import { generationOf, ID } from './wire.ts';

/** The `tools` field: each element holds functions, tools that Google runs, or both. */
export function decodeTools(body: Fields): Tool[] | undefined {
  return body.array('tools')?.flatMap((item, index) => {
    const tool = fieldsOf(item, `tools[${index}]`);
    const functions = (tool.array('functionDeclarations') ?? []).map((declaration, position) =>
      functionTool(fieldsOf(declaration, `${tool.at('functionDeclarations')}[${position}]`)),
    );
    const others = Object.entries(tool.rest() ?? {}).map(([name, value]): ProviderTool => {
      return { type: 'provider', origin: ID, value: { [name]: value } };
    });
    return [...functions, ...others];
  });
}

function functionTool(declaration: Fields): FunctionTool {
  const name = declaration.name('name');
  const description = declaration.string('description');
  const schema = declaration.object('parametersJsonSchema');
  const parameters = declaration.object('parameters');
  const others = declaration.rest();
  return {
    type: 'function',
    name,
    ...present('description', description),
    ...present('parameters', schema ?? (parameters === undefined ? undefined : toJsonSchema(parameters))),
    ...(others !== undefined && { extensions: { [ID]: others } }),
  };
}

/** The `toolConfig`: a choice where it means one, and the whole of it for the way back where it says more than a choice can. */
export interface DecodedChoice {
  readonly toolChoice?: ToolChoice;
  readonly toolConfig?: JsonObject;
}

/** Reads `toolConfig`. */
export function decodeToolChoice(body: Fields): DecodedChoice {
  const config = body.object('toolConfig');
  if (config === undefined) return {};
  const calling = isObject(config.functionCallingConfig) ? config.functionCallingConfig : {};
  const mode = typeof calling.mode === 'string' ? calling.mode.toUpperCase() : 'AUTO';
  const names = Array.isArray(calling.allowedFunctionNames) ? (calling.allowedFunctionNames as unknown[]) : [];
  const choice = choiceOf(mode, names);
  if (choice === undefined) throw wrong('toolConfig.functionCallingConfig.mode', 'AUTO, ANY, NONE or VALIDATED', calling.mode);
  const said = Object.keys(config).length <= 1 && mode !== 'VALIDATED' && names.length <= (choice.type === 'tool' ? 1 : 0);
  return { toolChoice: choice, ...(!said && { toolConfig: config }) };
}

function choiceOf(mode: string, names: readonly unknown[]): ToolChoice | undefined {
  const [name] = names;
  switch (mode) {
    case 'MODE_UNSPECIFIED':
    case 'AUTO':
    case 'VALIDATED':
      return { type: 'auto' };
    case 'NONE':
      return { type: 'none' };
    case 'ANY':
      return names.length === 1 && typeof name === 'string' ? { type: 'tool', name } : { type: 'required' };
    default:
      return undefined;
  }
}

/** Google's counterparts of tools that other providers run, by the beginning of their type. */
const COUNTERPARTS: readonly (readonly [string, string])[] = [
  ['web_search', 'googleSearch'],
  ['web_fetch', 'urlContext'],
  ['code_interpreter', 'codeExecution'],
  ['code_execution', 'codeExecution'],
];

/** Tools for a provider. Up to Gemini 2.5 functions and tools that Google runs exclude each other: functions win. */
export function encodeTools(tools: readonly Tool[], model: string, warn: Warn): JsonObject[] {
  const functions = tools.flatMap((tool, index) =>
    tool.type === 'function' ? [encodeFunction(tool, `tools[${index}]`, warn)] : [],
  );
  const exclusive = functions.length > 0 && (generationOf(model) ?? 0) < 3;
  const others = tools.flatMap((tool, index) => {
    if (tool.type === 'function') return [];
    const field = `tools[${index}]`;
    if (tool.origin === ID) return [tool.value];
    const type = String(tool.value.type);
    const counterpart = COUNTERPARTS.find(([beginning]) => type.startsWith(beginning))?.[1];
    if (counterpart === undefined || exclusive) {
      const why =
        counterpart === undefined
          ? `The provider has no tool of type ${type}.`
          : `${model} takes no ${counterpart} beside functions.`;
      warn({ kind: 'dropped', field, reason: why });
      return [];
    }
    warn({ kind: 'changed', field, reason: `${counterpart} was sent in place of ${type}.` });
    return [{ [counterpart]: {} }];
  });
  return [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...others];
}

function encodeFunction(
  { name, description, parameters, cache, strict, extensions }: FunctionTool,
  field: string,
  warn: Warn,
): JsonObject {
  const { schema, lost } = normaliseSchema(parameters ?? { type: 'object' });
  if (lost.length > 0) warn({ kind: 'changed', field: `${field}.parameters`, reason: lossOf(lost) });
  if (schema.type !== 'object') {
    warn({ kind: 'dropped', field: `${field}.parameters`, reason: 'The provider takes parameters as one object only.' });
  }
  if (cache !== undefined) {
    warn({ kind: 'dropped', field: `${field}.cache_control`, reason: 'The provider caches by itself, without marks.' });
  }
  if (strict === true)
    warn({ kind: 'dropped', field: `${field}.strict`, reason: 'The provider checks no arguments by schema.' });
  return {
    name,
    ...present('description', description),
    // The API refuses an object without members: a function without parameters has no schema.
    ...(isObject(schema.properties) && { parameters: schema }),
    ...extensions?.[ID],
  };
}

/** One sentence about what a schema lost. */
export const lossOf = (lost: readonly string[]): string => `The provider's schemas cannot say: ${lost.join(', ')}.`;

/** The `toolConfig` for a provider; undefined when there is none to send. */
export function encodeToolChoice(
  { toolChoice, parallelToolCalls, extensions }: GenerateRequest,
  jsonChoice: ToolChoice | undefined,
  hasFunctions: boolean,
  warn: Warn,
): JsonObject | undefined {
  if (parallelToolCalls === false && hasFunctions) {
    warn({
      kind: 'dropped',
      field: 'parallel_tool_calls',
      reason: 'The provider decides itself how many tools it calls at once.',
    });
  }
  const own = extensions[ID]?.toolConfig;
  if (isObject(own)) return own;
  const choice = jsonChoice ?? toolChoice;
  if (choice === undefined) return undefined;
  if (!hasFunctions) {
    if (choice.type === 'required' || choice.type === 'tool') {
      warn({ kind: 'dropped', field: 'tool_choice', reason: 'There is no function to choose.' });
    }
    return undefined;
  }
  return { functionCallingConfig: callingConfig(choice) };
}

function callingConfig(choice: ToolChoice): JsonObject {
  switch (choice.type) {
    case 'auto':
      return { mode: 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
  }
}
