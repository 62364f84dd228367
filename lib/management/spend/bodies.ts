/** `GET /spend/logs/ui/{id}`: what was asked and answered in a call, where it was kept. */
import type { JsonObject } from '../../kinds/json.ts';
import { isObject } from '../../kinds/json.ts';
import type { Caller } from '../../exchange.ts';
import type { BodyRecord, KeptBody } from '../../stores/bodies.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';

/** The bodies of a call in LiteLLM's names; null where none were kept, as with LiteLLM. Who read them is in the audit log. */
export async function bodiesOf(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject | null> {
  const entry = await deps.ledger.get(id);
  const record = entry === undefined ? undefined : await deps.bodies?.get(id, entry.at);
  if (record === undefined) return null;
  await audit(deps, caller, { action: 'read', kind: 'body', id });
  return shown(record);
}

function shown({ id, request, response }: BodyRecord): JsonObject {
  const sent = isObject(request.json) ? request.json : {};
  return {
    request_id: id,
    messages: sent['messages'] ?? sent['input'] ?? sent['contents'] ?? sent['prompt'] ?? null,
    proxy_server_request: contentOf(request),
    response: contentOf(response),
    request: factsOf(request),
    answer: factsOf(response),
  };
}

const contentOf = ({ json, text }: KeptBody): unknown => json ?? text ?? null;

const factsOf = ({ contentType, bytes, cut, redacted }: KeptBody): JsonObject => ({
  content_type: contentType ?? null,
  bytes,
  cut: cut === true,
  redacted: redacted === true,
});
