/** Models of a LiteLLM config, as deployments that a table can keep: credentials apart, references to the environment resolved. */
import type { Deployment } from '../domain/model.ts';
import { loadConfig } from '../local/config.ts';
import { ImportError } from './import-error.ts';

/** What a config brings. */
export interface ConfigModels {
  readonly models: readonly {
    readonly deployment: Deployment;
    /** What the secret store is to hold: a key, or a JSON object of fields. */
    readonly secret?: string;
  }[];
  /** One line a matter. */
  readonly notes: readonly string[];
}

/**
 * Reads a config file. A credential that is named by a variable is taken from `environment`, since the tables are read by functions
 * that do not have it; one that is not set stays a reference, with a note.
 *
 * @throws ImportError with file and line
 */
export async function readConfigModels(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ConfigModels> {
  const { deployments, environment: variables, warnings } = load(file, environment);
  const notes = [...warnings];
  const models = deployments.map((deployment) => {
    const { credential } = deployment;
    if (credential.type === 'value') return { deployment, secret: credential.value };
    if (credential.type !== 'env') return { deployment };
    const secret = variables[credential.name];
    if (secret !== undefined && secret !== '') return { deployment, secret };
    notes.push(`model ${JSON.stringify(deployment.modelName)}: ${credential.name} is not set; its key stays a reference to it`);
    return { deployment };
  });
  return { models, notes };
}

function load(file: string, environment: Readonly<Record<string, string | undefined>>) {
  try {
    return loadConfig(file, environment);
  } catch (error) {
    throw ImportError.from(file, error);
  }
}
