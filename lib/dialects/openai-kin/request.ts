/** Requests for a provider. */
import type { GenerateRequest, Warning } from '../../kinds/generate.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { encodeRequest as encodeOpenai } from '../openai-chat/request.ts';
import type { Kin } from './wire.ts';

/** OpenAI's request, then in the words of the API. */
export function encodeRequest(kin: Kin, request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const encoded = encodeOpenai(request, target);
  const warnings: Warning[] = [...encoded.warnings];
  const body = kin.request(encoded.body, (warning) => void warnings.push(warning));
  return { ...encoded, body, warnings };
}
