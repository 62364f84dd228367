/** Requests: a client's, whichever vendor's body it has. */
import { GatewayError } from '../../errors.ts';
import type { GenerateRequest } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Asked, EncodedRequest } from '../dialect.ts';
import { claude, mistral, nova, openai } from './chat-bodies.ts';
import type { Codec } from './codec.ts';
import { cohere } from './cohere-body.ts';
import { deepseekText, llama, mistralText, titan } from './text-bodies.ts';
import { bodyOf, type Body } from './wire.ts';

/** The codec of each body. */
export const CODECS: Readonly<Record<Body, Codec>> = {
  claude,
  nova,
  openai,
  mistral,
  cohere,
  titan,
  llama,
  'mistral-text': mistralText,
  'deepseek-text': deepseekText,
};

/** The codec of a client's body. Throws `invalid_request` for one of a kind that nobody knows. */
export const codecFor = (body: JsonObject, model: string): Codec => CODECS[bodyOf(body, model)];

/** A client's request; model and streaming are in its path. */
export function decodeRequest(body: JsonObject, { model = '', stream = false }: Asked = {}): GenerateRequest {
  return codecFor(body, model).decodeRequest(body, { model, stream });
}

/** Bodies go to Bedrock only as clients wrote them; everything else goes by Converse. */
export function encodeRequest(): EncodedRequest {
  throw new GatewayError('internal', "A vendor's body of Bedrock is passed on, never written.");
}
