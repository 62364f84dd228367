/** Deployments with what pricing and encoding must know of their model: limits, features, price. */
import type { Catalog } from './catalog/index.ts';
import type { Deployment } from './domain/model.ts';
import { costOf, isPriced, mergeSheet } from './domain/price.ts';
import type { Target } from './exchange.ts';

/** Most targets remembered. */
const TARGETS_KEPT = 5_000;

/** A function that completes a deployment; answers are remembered for as long as the deployment is unchanged. */
export function createTargets(catalog: Catalog): (deployment: Deployment, model: string) => Promise<Target> {
  const known = new Map<string, { readonly deployment: Deployment; readonly target: Promise<Target> }>();

  async function resolve(deployment: Deployment, model: string): Promise<Target> {
    const facts = await catalog.find(deployment.provider, deployment.baseModel ?? model);
    const sheet = mergeSheet(facts, deployment.price);
    const maxInputTokens = deployment.maxInputTokens ?? facts?.maxInputTokens;
    const maxOutputTokens = deployment.maxOutputTokens ?? facts?.maxOutputTokens;
    const supportsReasoning = facts?.supports['supports_reasoning'];
    const supportsAdaptiveThinking = facts?.supports['supports_adaptive_thinking'];
    const nativeSchema = facts?.supports['supports_native_structured_output'];
    return {
      deployment,
      model,
      ...(maxInputTokens === undefined ? {} : { maxInputTokens }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(supportsReasoning === undefined ? {} : { supportsReasoning }),
      ...(supportsAdaptiveThinking === undefined ? {} : { supportsAdaptiveThinking }),
      ...(nativeSchema === undefined ? {} : { structuredOutput: nativeSchema ? 'native' : 'tool' }),
      ...(sheet === undefined || !isPriced(sheet) ? {} : { sheet, price: (usage) => costOf(sheet, usage) }),
    };
  }

  return (deployment, model) => {
    const key = `${deployment.id} ${model}`;
    const found = known.get(key);
    if (found !== undefined && found.deployment === deployment) return found.target;
    if (known.size >= TARGETS_KEPT) known.clear();
    const target = resolve(deployment, model);
    known.set(key, { deployment, target });
    target.catch(() => known.delete(key));
    return target;
  };
}
