/** APIs that take a prompt and give back text, as the language of providers: too poor to be a client's. */
import { GatewayError } from '../../errors.ts';
import type { UpstreamSide } from '../dialect.ts';
import { decodeError } from './error.ts';
import { encodeRequest } from './request.ts';
import { decodeResponse } from './response.ts';
import { decodeStream } from './stream.ts';
import { VARIANTS, type VariantId } from './variants.ts';
import { DIALECT } from './wire.ts';

const isVariant = (name: string | undefined): name is VariantId => name !== undefined && Object.hasOwn(VARIANTS, name);

/**
 * The dialect as one of these APIs speaks it.
 *
 * @throws GatewayError `internal` for a name that no API has.
 */
export function textGeneration(name: string | undefined): UpstreamSide {
  if (!isVariant(name))
    throw new GatewayError('internal', `The dialect ${DIALECT} has no variant ${name ?? 'without a name'}.`);
  const variant = VARIANTS[name];
  return {
    id: DIALECT,
    framing: variant.stream?.framing ?? 'sse',
    encodeRequest: (request, target) => encodeRequest(variant, request, target),
    decodeResponse: (body) => decodeResponse(variant, body),
    decodeStream: () => decodeStream(variant),
    decodeError,
  };
}
