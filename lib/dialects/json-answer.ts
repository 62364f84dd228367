/** JSON by schema from models that need help for it: a tool that stands for the answer, and schemas closed as some APIs demand. */
import type { FunctionTool, GenerateRequest, OutputFormat, ToolChoice } from '../kinds/generate.ts';
import { isObject } from '../kinds/json.ts';

/** A tool whose arguments are the answer, and the choice that makes the model call it. */
export interface AnswerTool {
  readonly jsonTool: FunctionTool;
  readonly toolChoice: ToolChoice;
}

/** The tool for a wanted form. With tools of the client the model may call one of those first. */
export function answerTool(
  output: Exclude<OutputFormat, { type: 'text' }>,
  { tools = [], toolChoice }: Pick<GenerateRequest, 'tools' | 'toolChoice'>,
): AnswerTool {
  const name = freeName(tools.flatMap((tool) => (tool.type === 'function' ? [tool.name] : [])));
  const description = output.type === 'json' ? undefined : output.description;
  return {
    jsonTool: {
      type: 'function',
      name,
      description: description ?? 'Give the final answer to the user, as JSON.',
      parameters: output.type === 'json' ? { type: 'object', additionalProperties: true } : output.schema,
    },
    toolChoice: tools.length === 0 || toolChoice?.type === 'none' ? { type: 'tool', name } : { type: 'required' },
  };
}

function freeName(taken: readonly string[]): string {
  let name = 'json_answer';
  while (taken.includes(name)) name += '_';
  return name;
}

/** The schema with `additionalProperties: false` wherever an object leaves it open. Same object if unchanged. */
export function closedSchema<T>(schema: T): T {
  if (Array.isArray(schema)) {
    const items = schema.map((item: unknown) => closedSchema(item));
    return items.every((item, index) => item === schema[index]) ? schema : (items as T);
  }
  if (!isObject(schema)) return schema;
  const fields = Object.entries(schema).map(([name, value]) => [name, closedSchema(value)] as const);
  const open = schema.type === 'object' && schema.additionalProperties === undefined;
  if (!open && fields.every(([name, value]) => value === schema[name])) return schema;
  return { ...Object.fromEntries(fields), ...(open && { additionalProperties: false }) } as T;
}
