/** The form of the answer: JSON by schema, by the API's own parameter or by a tool the model must call. */
import type { FunctionTool, GenerateRequest, OutputFormat, ToolChoice, Warning } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { answerTool, closedSchema } from '../json-answer.ts';
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
  request: GenerateRequest,
  target: UpstreamTarget,
  warn: (warning: Warning) => void,
): EncodedOutput {
  const { output, extensions } = request;
  if (output === undefined || output.type === 'text') return {};
  if (output.type === 'json-schema' && target.structuredOutput === 'native') {
    // A client of this dialect knows what the API demands of a schema.
    const schema = extensions[ID] === undefined ? closedSchema(output.schema) : output.schema;
    if (schema !== output.schema) {
      warn({ kind: 'changed', field: 'response_format', reason: 'Objects of the schema were closed to further properties.' });
    }
    return { format: { type: 'json_schema', schema } };
  }
  warn({ kind: 'changed', field: 'response_format', reason: 'JSON was asked for by a tool that the model must call.' });
  return answerTool(output, request);
}
