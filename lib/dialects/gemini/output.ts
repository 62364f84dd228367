/** The form of the answer: JSON by schema, by the API's own fields or by a function the model must call. */
import type { FunctionTool, GenerateRequest, OutputFormat, ToolChoice } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { UpstreamTarget } from '../dialect.ts';
import type { Fields } from '../fields.ts';
import { answerTool } from '../json-answer.ts';
import type { Warn } from '../telling.ts';
import { present } from '../values.ts';
import { normaliseSchema, toJsonSchema } from './schema.ts';
import { lossOf } from './tools.ts';
import { generationOf } from './wire.ts';

/** `responseMimeType` with `responseSchema` or `responseJsonSchema`. The API gives schemas no name; other dialects need one. */
export function decodeOutput(config: Fields): OutputFormat | undefined {
  const type = config.peek('responseMimeType');
  // A bare word of a list is a form only this API has: it stays with the extensions.
  if (type === 'text/x.enum') return undefined;
  const mime = config.string('responseMimeType');
  const own = config.object('responseSchema');
  const schema = config.object('responseJsonSchema') ?? (own === undefined ? undefined : toJsonSchema(own));
  if (schema !== undefined) return { type: 'json-schema', name: 'answer', schema };
  if (mime === undefined) return undefined;
  return { type: mime === 'application/json' ? 'json' : 'text' };
}

/** How the wanted form is asked for. */
export interface EncodedOutput {
  /** For `generationConfig`. */
  readonly config: JsonObject;
  /** A function whose arguments are the answer, and the choice that makes the model call it. */
  readonly jsonTool?: FunctionTool;
  readonly toolChoice?: ToolChoice;
}

/** Asks for the form natively where the model can: up to Gemini 2.5 it cannot beside functions. */
export function encodeOutput(
  { output, tools = [], toolChoice }: GenerateRequest,
  { model, structuredOutput }: UpstreamTarget,
  warn: Warn,
): EncodedOutput {
  if (output === undefined || output.type === 'text') return { config: {} };
  const exclusive = tools.some(({ type }) => type === 'function') && (generationOf(model) ?? 0) < 3;
  if (structuredOutput === 'native' && !exclusive) {
    if (output.type === 'json') return { config: { responseMimeType: 'application/json' } };
    const { schema, lost } = normaliseSchema(output.schema);
    if (lost.length > 0) warn({ kind: 'changed', field: 'response_format', reason: lossOf(lost) });
    return { config: { responseMimeType: 'application/json', responseSchema: schema } };
  }
  warn({ kind: 'changed', field: 'response_format', reason: 'JSON was asked for by a function that the model must call.' });
  return { config: {}, ...answerTool(output, { tools, ...present('toolChoice', toolChoice) }) };
}
