/** Deployments with what pricing and encoding must know of their model: limits, features, price. */
import { factsOf, type Catalog } from './catalog/index.ts';
import type { Deployment } from './domain/model.ts';
import type { CatalogModel, PriceSheet } from './domain/price-types.ts';
import { adjustmentOf, type CostSettings } from './domain/price-adjustment.ts';
import { isPriced, mergeSheet, priceUsage } from './domain/price.ts';
import type { Target } from './exchange.ts';
import { chooseApi, placeOf, providers, withoutPrefix } from './providers/index.ts';

/** Most targets remembered. */
const TARGETS_KEPT = 5_000;

const keyOf = (deployment: Deployment, model: string): string => `${deployment.id} ${model}`;

/** A feature, where the catalog knows of it. */
const flag = <Name extends string>(name: Name, value: boolean | undefined): { readonly [key in Name]?: boolean } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: boolean };

/** What the catalog knows of a deployment's model: by its name without what only chose an API; then also without where it runs. */
export async function catalogFacts(
  catalog: Pick<Catalog, 'find' | 'named'>,
  deployment: Deployment,
  model: string,
): Promise<CatalogModel | undefined> {
  const provider = providers.get(deployment.provider);
  if (provider === undefined) return factsOf(catalog, deployment, model);
  const listed = { ...deployment, provider: provider.catalog ?? provider.aliasOf ?? provider.id };
  const named = withoutPrefix(provider, model);
  const placed = placeOf(provider, model).model;
  const facts = await factsOf(catalog, listed, named);
  return facts ?? (placed === named ? undefined : factsOf(catalog, listed, placed));
}

/** Settings for a provider that does not exist would change no price, and nobody would notice. */
function checkNames({ discounts, margins }: CostSettings): void {
  const unknown = Object.keys({ ...discounts, ...margins }).filter((name) => name !== 'global' && !providers.has(name));
  if (unknown.length > 0) throw new Error(`Cost discounts and margins: no provider is called ${unknown.join(', ')}`);
}

/** Neither discounts nor margins. */
const AS_PRICED: CostSettings = { discounts: {}, margins: {} };

/** The names a provider goes by in settings, its own first. */
function namesOf(deployment: Deployment): readonly string[] {
  const provider = providers.get(deployment.provider);
  return [deployment.provider, provider?.aliasOf, provider?.catalog].filter((name) => name !== undefined);
}

/** Regions whose addresses cost more, where the sheet says so: OpenAI processes in one when called as `eu.api.openai.com`. */
function regionOf({ apiBase }: Deployment, prices: PriceSheet['prices']): readonly string[] {
  const region = /^https?:\/\/(eu|us)\./.exec(apiBase ?? '')?.[1];
  return region !== undefined && prices[`regional_processing_uplift_multiplier_${region}`] !== undefined ? [region] : [];
}

/** The price list of a deployment, with what its place and the operator's settings make of it. */
function sheetOf(facts: CatalogModel | undefined, deployment: Deployment, settings: CostSettings): PriceSheet | undefined {
  const merged = mergeSheet(facts, deployment.price);
  if (merged === undefined) return undefined;
  const modifiers = regionOf(deployment, merged.prices);
  const adjustment = adjustmentOf(settings, namesOf(deployment));
  return {
    ...merged,
    ...(deployment.info['demo'] === true ? { source: 'demo', version: 'demo' } : {}),
    ...(modifiers.length === 0 ? {} : { modifiers }),
    ...(adjustment === undefined ? {} : { adjustment }),
  };
}

/** True where the API that the model's name leads to takes no cap; such rows have one, or its name decides. */
function takesNoCap({ provider }: Deployment, model: string): boolean {
  const row = providers.get(provider);
  return row !== undefined && chooseApi(row, model, 'openai-chat')?.api.takesNoCap === true;
}

/**
 * A function that completes a deployment; answers are remembered for as long as the deployment and the prices are unchanged.
 *
 * @throws Error when the settings name a provider that does not exist
 */
export function createTargets(
  catalog: Catalog,
  settings = AS_PRICED,
): (deployment: Deployment, model: string) => Promise<Target> {
  checkNames(settings);
  const known = new Map<
    string,
    { readonly deployment: Deployment; readonly table: Catalog; readonly target: Promise<Target> }
  >();

  async function resolve(table: Catalog, deployment: Deployment, model: string): Promise<Target> {
    const facts = await catalogFacts(table, deployment, model);
    // Prices that could not be read now may be readable on the next call.
    if (facts === undefined && deployment.price === undefined) known.delete(keyOf(deployment, model));
    const sheet = sheetOf(facts, deployment, settings);
    const maxInputTokens = deployment.maxInputTokens ?? facts?.maxInputTokens;
    const maxOutputTokens = deployment.maxOutputTokens ?? facts?.maxOutputTokens;
    const supports = facts?.supports ?? {};
    const native = supports['supports_native_structured_output'] === true || supports['supports_output_config'] === true;
    return {
      deployment,
      model,
      ...(maxInputTokens === undefined ? {} : { maxInputTokens }),
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      ...(takesNoCap(deployment, model) ? { takesNoCap: true } : {}),
      ...(facts === undefined ? {} : { supportsReasoning: supports['supports_reasoning'] === true }),
      ...flag('supportsAdaptiveThinking', supports['supports_adaptive_thinking']),
      ...flag('supportsSampling', supports['supports_sampling_params']),
      ...(native ? { structuredOutput: 'native' } : {}),
      ...(sheet === undefined || !isPriced(sheet) ? {} : { sheet, price: (usage) => priceUsage(sheet, usage) }),
    };
  }

  return (deployment, model) => {
    const key = keyOf(deployment, model);
    const found = known.get(key);
    // A call has the prices of one table from its hold to its settlement: those of the target it was given here.
    const table = catalog.table();
    if (found !== undefined && found.deployment === deployment && found.table === table) return found.target;
    if (known.size >= TARGETS_KEPT) known.clear();
    const target = resolve(table, deployment, model);
    known.set(key, { deployment, table, target });
    target.catch(() => known.delete(key));
    return target;
  };
}
