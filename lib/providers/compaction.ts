/** Which providers make conversations shorter themselves. */
import { chooseApi, type ChosenApi } from './api-choice.ts';
import { addressOf, type CallParts } from './build-call.ts';
import type { Api } from './provider.ts';

/**
 * The API at which a provider compacts conversations, where this deployment's address has one; undefined elsewhere.
 *
 * @throws GatewayError `internal` when the operator's settings lead nowhere
 */
export function compactingApi(parts: Omit<CallParts, 'credential' | 'api' | 'stream'>): ChosenApi | undefined {
  const chosen = chooseApi(parts.provider, parts.model, 'openai-responses');
  if (chosen?.api.compaction === undefined) return undefined;
  const { path, at } = chosen.api.compaction;
  const api: Api = { ...chosen.api, path, keepsResponses: false };
  const isThere = at === undefined || at.test(addressOf({ ...parts, model: chosen.model, api, stream: false }));
  return isThere ? { api, model: chosen.model } : undefined;
}
