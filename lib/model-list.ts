/** The models a caller may use, for `GET /v1/models`: names on offer, wildcards spelled out with what the catalog knows. */
import type { Catalog } from './catalog/index.ts';
import { mayCall } from './domain/access.ts';
import type { Deployment } from './domain/model.ts';
import type { ListedModel } from './endpoints/models.ts';
import type { Caller } from './exchange.ts';
import type { Registry } from './registry.ts';

/** OpenAI's `created` for models without a date: the start of 2023, seconds. LiteLLM's figure. */
const UNDATED = 1677610602;

/** Models on offer that `caller` may call, sorted by name. */
export async function listModels(
  registry: Pick<Registry, 'deployments'>,
  catalog: Catalog,
  caller: Caller | undefined,
): Promise<readonly ListedModel[]> {
  const found = new Map<string, ListedModel>();
  for (const deployment of await registry.deployments()) {
    const created = deployment.createdAt === undefined ? UNDATED : Math.floor(deployment.createdAt / 1000);
    const names = deployment.modelName.includes('*') ? await spelledOut(catalog, deployment) : [deployment.modelName];
    for (const id of names) found.set(id, { id, ownedBy: deployment.provider, created });
  }
  const allowed = caller?.type === 'key' ? caller.key.models : [];
  return [...found.values()].filter(({ id }) => mayCall(allowed, id)).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

/** Names a wildcard stands for: every chat model the catalog has for the provider and the deployment's own pattern takes. */
async function spelledOut(catalog: Catalog, { provider, modelName, model }: Deployment): Promise<readonly string[]> {
  const [before = '', after = ''] = model.split('*');
  const models = await catalog.list(provider);
  return models
    .filter(({ mode }) => mode === undefined || mode === 'chat')
    .map(({ name }) => (name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name))
    .filter((name) => name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after))
    .map((name) => modelName.replace('*', name.slice(before.length, name.length - after.length)));
}
