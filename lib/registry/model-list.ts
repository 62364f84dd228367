/** The models a caller may use, for `GET /v1/models`: names on offer, wildcards spelled out with what the catalog knows. */
import type { Catalog } from '../catalog/index.ts';
import type { Deployment } from '../domain/model.ts';
import { deploymentsFor } from '../domain/offer.ts';
import type { ListedModel } from '../endpoints/models.ts';
import type { Caller } from '../exchange.ts';
import { audienceOf, usableModels, type ModelAccessDeps } from '../policies/model-access.ts';

/** OpenAI's `created` for models without a date: the start of 2023, seconds. LiteLLM's figure. */
const UNDATED = 1677610602;

/** Models on offer that `caller` may call, sorted by name. */
export async function listModels(
  registry: ModelAccessDeps,
  catalog: Catalog,
  caller: Caller | undefined,
): Promise<readonly ListedModel[]> {
  const found = new Map<string, ListedModel>();
  for (const deployment of deploymentsFor(await registry.deployments(), audienceOf(caller))) {
    const created = deployment.createdAt === undefined ? UNDATED : Math.floor(deployment.createdAt / 1000);
    const names = deployment.modelName.includes('*') ? await spelledOut(catalog, deployment) : [deployment.modelName];
    for (const id of names) found.set(id, { id, ownedBy: deployment.provider, created });
  }
  const usable = await usableModels(registry, caller, [...found.keys()].toSorted());
  return usable.flatMap((id) => found.get(id) ?? []);
}

/** Deployments whose names `caller` may call. */
export async function offeredTo(registry: ModelAccessDeps, caller: Caller | undefined): Promise<readonly Deployment[]> {
  const deployments = deploymentsFor(await registry.deployments(), audienceOf(caller));
  const usable = new Set(await usableModels(registry, caller, [...new Set(deployments.map(({ modelName }) => modelName))]));
  return deployments.filter(({ modelName }) => usable.has(modelName));
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
