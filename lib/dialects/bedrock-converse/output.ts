/** The form of the answer: JSON by schema, by the API's own parameter or by a tool the model must call. */
import type { FunctionTool, GenerateRequest, OutputFormat, ToolChoice } from '../../kinds/generate.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import { oneOf, wrong, type Fields } from '../fields.ts';
import { answerTool, closedSchema } from '../json-answer.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { ID } from './wire.ts';

/** `outputConfig.textFormat`. The schema is JSON text inside JSON. */
export function decodeOutput(config: Fields | undefined): OutputFormat | undefined {
  if (config?.peek('textFormat') === undefined) return undefined;
  const format = config.inner('textFormat');
  const type = format.name('type');
  if (type !== 'json_schema') throw wrong(format.at('type'), oneOf(['json_schema']), type);
  const definition = format.inner('structure').inner('jsonSchema');
  const text = definition.name('schema');
  const schema = parseJson(text);
  if (!isObject(schema)) throw wrong(definition.at('schema'), 'a JSON Schema as JSON text', text);
  return {
    type: 'json-schema',
    name: definition.string('name') ?? 'answer',
    ...present('description', definition.string('description')),
    schema,
  };
}

/** How the wanted form is asked for. */
export interface EncodedOutput {
  /** For `outputConfig.textFormat`. */
  readonly textFormat?: JsonObject;
  /** A tool whose arguments are the answer, and the choice that makes the model call it. */
  readonly jsonTool?: FunctionTool;
  readonly toolChoice?: ToolChoice;
}

/** Asks for the form natively where the model can and a schema is known, else by a tool. */
export function encodeOutput(request: GenerateRequest, target: UpstreamTarget, warn: Warn): EncodedOutput {
  const { output, extensions } = request;
  if (output === undefined || output.type === 'text') return {};
  if (output.type === 'json-schema' && target.structuredOutput === 'native') {
    // A client of this dialect knows what the API demands of a schema.
    const schema = extensions[ID] === undefined ? closedSchema(output.schema) : output.schema;
    if (schema !== output.schema) {
      warn({ kind: 'changed', field: 'response_format', reason: 'Objects of the schema were closed to further properties.' });
    }
    const { name, description } = output;
    const jsonSchema = { schema: JSON.stringify(schema), name, ...present('description', description) };
    return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
  }
  warn({ kind: 'changed', field: 'response_format', reason: 'JSON was asked for by a tool that the model must call.' });
  return answerTool(output, request);
}
