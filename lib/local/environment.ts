/** Providers whose credential is in the environment: registered without a config file. */
import type { CredentialRef, Deployment } from '../domain/model.ts';
import { parseModel, providers } from '../providers/index.ts';
import type { Provider } from '../providers/provider.ts';

/** What the environment offers. */
export interface EnvironmentModels {
  readonly deployments: readonly Deployment[];
  /** Rows that can be called, in the order of their ids. */
  readonly found: readonly Provider[];
  /** Lines on credentials that lead nowhere yet. */
  readonly warnings: readonly string[];
}

/** Forms of model names that OpenAI's and Anthropic's clients send without a provider; whose they are, `parseModel` knows. */
const BARE_NAMES = ['gpt-*', 'chatgpt-*', 'o1*', 'o3*', 'o4*', 'claude-*'];

/**
 * One deployment `<id>/*` for every provider whose key is set, or that needs none and whose address is set; besides, the bare names
 * by which its models are known.
 *
 * @example environmentDeployments({ GROQ_API_KEY: 'gsk-...' }) // one deployment, `groq/*`
 */
export function environmentDeployments(environment: Readonly<Record<string, string | undefined>>): EnvironmentModels {
  const isSet = (name: string): boolean => (environment[name] ?? '') !== '';
  const found: Provider[] = [];
  const warnings: string[] = [];
  const deployments: Deployment[] = [];
  for (const row of providers.values()) {
    if (row.aliasOf !== undefined) continue;
    const key = row.envKeys.find(isSet);
    const placed = row.envBases.some(isSet);
    if (key === undefined && !(placed && isKeyless(row))) continue;
    if (row.base === undefined && !placed) {
      if (!isShared(row))
        warnings.push(`${key} is set, but ${row.name} has no address of its own: set ${row.envBases.join(' or ')} too`);
      continue;
    }
    found.push(row);
    deployments.push(...deploymentsOf(row, key === undefined ? { type: 'none' } : { type: 'env', name: key }));
  }
  return { deployments, found, warnings };
}

const isKeyless = ({ auth }: Provider): boolean => auth.type !== 'none' && auth.optional === true;

/** True for a row whose key belongs to another row as well, one with an address: its key says nothing about it. */
const isShared = (row: Provider): boolean =>
  [...providers.values()].some(
    (other) => other !== row && other.base !== undefined && other.envKeys.some((key) => row.envKeys.includes(key)),
  );

function deploymentsOf(row: Provider, credential: CredentialRef): Deployment[] {
  const bare = BARE_NAMES.filter((pattern) => parseModel(pattern)?.provider === row.id);
  return [{ modelName: `${row.id}/*`, model: '*' }, ...bare.map((pattern) => ({ modelName: pattern, model: pattern }))].map(
    (names) => ({ ...names, id: `env-${names.modelName}`, provider: row.id, credential, info: {}, source: 'env' }),
  );
}
