/** What of a request makes no sense to a provider of another dialect. */
import { GatewayError } from '../../errors.ts';
import type { GenerateRequest, Part } from '../../kinds/generate.ts';
import { DIALECT } from './wire.ts';

const REFUSED: Readonly<Record<string, string>> = {
  compaction:
    'it was sealed by another provider, and only that one can read it. Compact the conversation with this model instead',
  compaction_trigger: 'the provider of this model does not compact conversations as it answers. Use POST /v1/responses/compact',
};

/**
 * The same request: all that other dialects cannot say is told by those that write it. But a whole conversation in an item that nobody
 * else can open would be lost with it, so that is refused.
 *
 * @throws GatewayError `invalid_request` for a sealed compaction, or the wish for one
 */
export function forOthers(request: GenerateRequest): GenerateRequest {
  for (const { parts } of request.messages) for (const part of parts) checkPart(part);
  return request;
}

function checkPart(part: Part): void {
  if (part.type !== 'opaque' || part.origin !== DIALECT) return;
  const type = String(part.value['type']).replace(/_summary$/, '');
  const reason = REFUSED[type];
  if (reason === undefined) return;
  const { id } = part.value;
  throw new GatewayError(
    'invalid_request',
    `input: the item of type "${type}"${typeof id === 'string' ? ` (${id})` : ''}: ${reason}.`,
    {
      param: 'input',
      code: 'unreadable_compaction',
    },
  );
}
