/** The form of the answer: JSON by schema, by the API's own parameter or by a tool the model must call. */
import type { FunctionTool, GenerateRequest, OutputFormat, ToolChoice, Warning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { readObject, readOptionalObject, readWord } from './fields.ts';
import { ID } from './wire.ts';

/** `output_config.format`, or the `output_format` of earlier versions. The API gives schemas no name; other dialects need one. */
export function decodeOutput(body: JsonObject): OutputFormat | undefined {
  const config = readOptionalObject(body, 'output_config', '');
  const current = config && readOptionalObject(config, 'format', 'output_config');
  if (current !== undefined) return formatOf(current, 'output_config.format');
  const earlier = readOptionalObject(body, 'output_format', '');
  return earlier === undefined ? undefined : formatOf(earlier, 'output_format');
}

function formatOf(format: JsonObject, path: string): OutputFormat {
  const type = readWord(format, 'type', path, ['json_schema']);
  // The shape of OpenAI, which some clients send here.
  const nested = readOptionalObject(format, type, path);
  const schema = nested === undefined ? readObject(format, 'schema', path) : readObject(nested, 'schema', `${path}.${type}`);
  return { type: 'json-schema', name: 'answer', schema };
}

/** How the wanted form is asked for. */
export interface EncodedOutput {
  /** For `output_config`. */
  readonly format?: JsonObject;
  /** A tool whose arguments are the answer, and the choice that makes the model call it. */
  readonly jsonTool?: FunctionTool;
  readonly toolChoice?: ToolChoice;
}

/** Asks for the form natively where the model can and a schema is known, else by a tool. */
export function encodeOutput(
  { output, tools = [], toolChoice, extensions }: GenerateRequest,
  target: UpstreamTarget,
  warn: (warning: Warning) => void,
): EncodedOutput {
  if (output === undefined || output.type === 'text') return {};
  if (output.type === 'json-schema' && target.structuredOutput === 'native') {
    // A client of this dialect knows what the API demands of a schema.
    const schema = extensions[ID] === undefined ? closed(output.schema) : output.schema;
    if (schema !== output.schema) {
      warn({ kind: 'changed', field: 'response_format', reason: 'Objects of the schema were closed to further properties.' });
    }
    return { format: { type: 'json_schema', schema } };
  }
  const name = freeName(tools.flatMap((tool) => (tool.type === 'function' ? [tool.name] : [])));
  warn({ kind: 'changed', field: 'response_format', reason: 'JSON was asked for by a tool that the model must call.' });
  const description = output.type === 'json' ? undefined : output.description;
  return {
    jsonTool: {
      type: 'function',
      name,
      description: description ?? 'Give the final answer to the user, as JSON.',
      parameters: output.type === 'json' ? { type: 'object', additionalProperties: true } : output.schema,
    },
    // With tools of the client the model may call one of those first.
    toolChoice: tools.length === 0 || toolChoice?.type === 'none' ? { type: 'tool', name } : { type: 'required' },
  };
}

function freeName(taken: readonly string[]): string {
  let name = 'json_answer';
  while (taken.includes(name)) name += '_';
  return name;
}

/** The schema with `additionalProperties: false` wherever an object leaves it open: the API demands it. Same object if unchanged. */
function closed<T>(schema: T): T {
  if (Array.isArray(schema)) {
    const items = schema.map((item: unknown) => closed(item));
    return items.every((item, index) => item === schema[index]) ? schema : (items as T);
  }
  if (!isObject(schema)) return schema;
  const fields = Object.entries(schema).map(([name, value]) => [name, closed(value)] as const);
  const open = schema.type === 'object' && schema.additionalProperties === undefined;
  if (!open && fields.every(([name, value]) => value === schema[name])) return schema;
  return { ...Object.fromEntries(fields), ...(open && { additionalProperties: false }) } as T;
}
