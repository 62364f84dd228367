/** Which model the printed example calls: one that this run can serve. */
import type { Catalog } from '../catalog/index.ts';
import { matchDeployments } from '../domain/access.ts';
import type { Deployment } from '../domain/model.ts';

/** A small, current chat model of each well-known provider, by the name the provider has for it. */
const EXAMPLE_MODELS: ReadonlyMap<string, string> = new Map([
  ['anthropic', 'claude-haiku-4-5'],
  ['cerebras', 'llama3.1-8b'],
  ['deepseek', 'deepseek-chat'],
  ['demo', 'demo'],
  ['fireworks_ai', 'gpt-oss-20b'],
  ['groq', 'llama-3.1-8b-instant'],
  ['mistral', 'mistral-small-latest'],
  ['nvidia_nim', 'meta/llama-3.1-8b-instruct'],
  ['openai', 'gpt-4o-mini'],
  ['openrouter', 'openai/gpt-4o-mini'],
  ['perplexity', 'sonar'],
  ['together_ai', 'openai/gpt-oss-20b'],
  ['xai', 'grok-3-mini'],
]);

/**
 * A name to call: of a deployment with a name of its own, else a well-known model behind a wildcard, else one the catalog knows there.
 * Deployments whose key is missing come last. Undefined when nothing can be named.
 */
export async function exampleModel(
  deployments: readonly Deployment[],
  catalog: Pick<Catalog, 'list'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const hasKey = ({ credential }: Deployment): boolean =>
    credential.type !== 'env' || (environment[credential.name] ?? '') !== '';
  const usable = deployments.filter(hasKey);
  const candidates = usable.length === 0 ? deployments : usable;
  const named = candidates.find(({ modelName, info }) => !modelName.includes('*') && (info['mode'] ?? 'chat') === 'chat');
  if (named !== undefined) return named.modelName;

  const wild = candidates.filter(({ modelName, model }) => modelName.includes('*') && model === '*');
  const known = wild.find(({ provider }) => EXAMPLE_MODELS.has(provider));
  if (known !== undefined) {
    const model = EXAMPLE_MODELS.get(known.provider) ?? '';
    const bare = matchDeployments(candidates, model).some(({ deployment }) => deployment.provider === known.provider);
    return bare ? model : known.modelName.replace('*', model);
  }
  for (const { modelName, provider } of wild) {
    const model = (await catalog.list(provider)).find(({ mode }) => mode === 'chat');
    if (model !== undefined) return modelName.replace('*', model.name.replace(`${provider}/`, ''));
  }
  return undefined;
}
