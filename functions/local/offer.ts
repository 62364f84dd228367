/** Which models a local run offers. */
import type { Deployment } from '../../lib/domain/model.ts';
import type { LocalConfig } from '../../lib/local/config.ts';
import { environmentDeployments } from '../../lib/local/environment.ts';

/** What clients may call. */
export interface Offer {
  readonly deployments: readonly Deployment[];
  /** How that is told. `others`: what the tables have besides. */
  readonly lines: (others: readonly Deployment[]) => readonly string[];
  readonly warnings: readonly string[];
  /** Ends what was started for it. */
  close(): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

/** The models of the config; without any, the providers of the environment; without those, the demo. */
export async function offerOf(
  config: LocalConfig | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Offer> {
  const configured = config?.deployments ?? [];
  const warnings = config?.warnings ?? [];
  if (configured.length > 0) {
    const names = [...new Set(configured.map(({ modelName }) => modelName))];
    return {
      deployments: configured,
      lines: (others) => [`models of the config: ${names.join(', ')}`, ...registeredLines(others)],
      warnings,
      close: nothing,
    };
  }
  const found = environmentDeployments(environment);
  const all = [...warnings, ...found.warnings];
  if (found.deployments.length > 0) {
    const lines = found.found.map(({ id, name }) => `${name}: ${id}/<model>`);
    return {
      deployments: found.deployments,
      lines: (others) => [...lines, ...registeredLines(others)],
      warnings: all,
      close: nothing,
    };
  }
  const { startDemoUpstream } = await import('../../lib/local/demo.ts');
  const upstream = await startDemoUpstream();
  return {
    deployments: [demoDeployment(upstream.url)],
    lines: (others) => [
      ...registeredLines(others),
      `${others.length === 0 ? 'none found' : 'none in the environment'}: the demo provider answers as model "demo" (offline, repeats what it is told)`,
      'set OPENAI_API_KEY, ANTHROPIC_API_KEY, GROQ_API_KEY, ... or --config for real ones',
    ],
    warnings: all,
    close: () => upstream.close(),
  };
}

/** How many models were imported or made by `/model/new`; nothing where there are none. */
function registeredLines(registered: readonly Deployment[]): readonly string[] {
  const { size } = new Set(registered.map(({ modelName }) => modelName));
  return size === 0 ? [] : [`${size} ${size === 1 ? 'model' : 'models'} of the registry: GET /v1/models lists them`];
}

/** USD per token: a small model's price, so that budgets and spend can be tried. */
const PRICE = { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 };

/** The model `demo` at the demo upstream, marked as what it is wherever a deployment is shown. */
const demoDeployment = (apiBase: string): Deployment => ({
  id: 'demo',
  modelName: 'demo',
  provider: 'demo',
  model: 'demo',
  credential: { type: 'none' },
  apiBase,
  price: PRICE,
  maxInputTokens: 128_000,
  maxOutputTokens: 4_096,
  info: { demo: true, mode: 'chat', description: 'Offline demo: no model, repeats what it is told.' },
  source: 'demo',
});
