/** Relatives of OpenAI's chat completions, as the language of providers. */
import { GatewayError } from '../../errors.ts';
import type { UpstreamSide } from '../dialect.ts';
import { decodeError } from './error.ts';
import { KIN, type KinId } from './kin.ts';
import { encodeRequest } from './request.ts';
import { decodeResponse } from './response.ts';
import { decodeStream } from './stream.ts';
import { DIALECT } from './wire.ts';

const isKin = (name: string | undefined): name is KinId => name !== undefined && Object.hasOwn(KIN, name);

/**
 * The dialect as one of these APIs speaks it.
 *
 * @throws GatewayError `internal` for a name that no API has.
 */
export function openaiKin(name: string | undefined): UpstreamSide {
  if (!isKin(name)) throw new GatewayError('internal', `The dialect ${DIALECT} has no variant ${name ?? 'without a name'}.`);
  const kin = KIN[name];
  return {
    id: DIALECT,
    framing: 'sse',
    encodeRequest: (request, target) => encodeRequest(kin, request, target),
    decodeResponse: (body, decoding) => decodeResponse(kin, body, decoding),
    decodeStream: (decoding) => decodeStream(kin, decoding),
    decodeError,
  };
}
