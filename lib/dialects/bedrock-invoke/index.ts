/** Bedrock's InvokeModel, with the bodies of its vendors: a client's language, and Bedrock's own for whoever has its body already. */
import { GatewayError } from '../../errors.ts';
import type { ClientSide, UpstreamSide } from '../dialect.ts';
import { decodeError, encodeError } from './error.ts';
import { CODECS, codecFor, decodeRequest, encodeRequest } from './request.ts';
import { encodeResponse } from './response.ts';
import { decodeStream, encodeStream } from './stream.ts';
import { BODIES, bodyOf, DIALECT, headersOfUsage, usageOfHeaders, type Body } from './wire.ts';

/** `POST /model/{id}/invoke` and `/invoke-with-response-stream`. */
export const bedrockInvoke: ClientSide = {
  id: DIALECT,
  framing: 'aws-event-stream',
  modelInPath: true,
  shapeOf(body, model) {
    const variant = bodyOf(body, model);
    return { like: CODECS[variant].like, variant };
  },
  decodeRequest,
  encodeResponse,
  encodeStream,
  encodeError,
  usageHeaders: headersOfUsage,
  passthrough: {
    withoutForeignProofs: (body) =>
      body['anthropic_version'] === undefined ? body : (CODECS.claude.withoutForeignProofs?.(body) ?? body),
    askUsage: (body) => body,
    hidesUsage: () => false,
    isUsageFrame: () => false,
    withCost: () => undefined,
    clampOutput: (body, tokens, model = '') => codecFor(body, model).clamp(body, tokens),
  },
};

/** The same of Bedrock, for one vendor's bodies. */
export function bedrockInvokeUpstream(variant: string | undefined): UpstreamSide {
  const body = BODIES.find((name): name is Body => name === variant);
  if (body === undefined) throw new GatewayError('internal', `Bedrock has no bodies of the kind "${variant}".`);
  const codec = CODECS[body];
  return {
    id: DIALECT,
    framing: 'aws-event-stream',
    encodeRequest,
    decodeResponse: (answer) => codec.decodeResponse(answer),
    decodeStream: () => decodeStream(codec),
    decodeError,
    usageIn: usageOfHeaders,
  };
}
