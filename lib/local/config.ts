/**
 * LiteLLM's `config.yaml`, for local runs: models, keys and settings. What it says and we cannot do yet is reported, never dropped
 * in silence; what is written wrongly stops the start with file and line.
 */
import { dirname, resolve } from 'node:path';
import { matchDeployments } from '../domain/access.ts';
import type { Deployment } from '../domain/model.ts';
import type { EnvName } from '../env.ts';
import { readModels } from './config/models.ts';
import { createNotes } from './config/notes.ts';
import type { Environment } from './config/references.ts';
import { type Gathered, readSettings, readVariables } from './config/settings.ts';
import { readYamlFile, type YamlFile } from './config/yaml-file.ts';
import { StartError } from './start-error.ts';

/** A config as the local server uses it. */
export interface LocalConfig {
  readonly deployments: readonly Deployment[];
  readonly masterKey?: string;
  /** Our own variables as the file sets them; a variable of the process wins. */
  readonly settings: Readonly<Partial<Record<EnvName, string>>>;
  /** The process's variables and those of `environment_variables`, which win, as they do in LiteLLM. */
  readonly environment: Environment;
  /** One line a matter. */
  readonly warnings: readonly string[];
}

/**
 * Reads a config file and what it includes.
 *
 * @throws StartError with file and line, in one line.
 */
export function loadConfig(path: string, environment: Environment): LocalConfig {
  const files = readFiles(path, []);
  const notes = createNotes();
  const variables = Object.assign({}, ...files.map((file) => readVariables(file, environment, notes))) as Record<
    string,
    string
  >;
  const all: Environment = { ...environment, ...variables };
  const gathered: Gathered = { aliases: {}, tokens: { enabled: false, settings: {} }, variables: {} };
  for (const file of files) readSettings(file, all, notes, gathered);
  if (gathered.tokens.enabled) gathered.variables.TOLLGATE_JWT_AUTH = tokenVariable(gathered.tokens.settings, all);
  const ids = new Set<string>();
  const listed = files.flatMap((file) => readModels(file, { environment: all, notes, ids }));
  const timed = listed.map((deployment) => withTimeout(deployment, gathered.requestTimeoutMs));
  const aliased = Object.entries(gathered.aliases).flatMap(([alias, name]) => {
    const copies = aliasesOf(timed, alias, name);
    if (copies.length === 0)
      notes.add(`router_settings.model_group_alias: ${JSON.stringify(alias)} leads to no model: ${JSON.stringify(name)}`);
    return copies;
  });
  return {
    deployments: [...timed, ...aliased],
    ...(gathered.masterKey === undefined ? {} : { masterKey: gathered.masterKey }),
    settings: gathered.variables,
    environment: all,
    warnings: notes.lines(),
  };
}

/** Variables in which LiteLLM has what belongs to `litellm_jwtauth`. */
const TOKEN_VARIABLES = { public_key_url: 'JWT_PUBLIC_KEY_URL', issuer: 'JWT_ISSUER', audience: 'JWT_AUDIENCE' } as const;

/** `litellm_jwtauth` as our variable has it. */
function tokenVariable(settings: Readonly<Record<string, unknown>>, environment: Environment): string {
  const named = Object.entries(TOKEN_VARIABLES).flatMap(([field, name]) =>
    environment[name] === undefined || environment[name] === '' ? [] : [[field, environment[name]]],
  );
  return JSON.stringify({ ...Object.fromEntries(named), ...settings });
}

/** The file and, after it, the files it includes, whose settings therefore win. Paths are relative to the including file. */
function readFiles(path: string, above: readonly string[]): readonly YamlFile[] {
  const file = readYamlFile(path);
  const included: unknown = file.content['include'] ?? [];
  if (!Array.isArray(included) || !included.every((each) => typeof each === 'string')) {
    throw new StartError(`${file.at(['include'])}: include: expected a list of file names`);
  }
  return [
    file,
    ...included.flatMap((name, index) => {
      const target = resolve(dirname(path), name);
      if ([...above, resolve(path)].includes(target)) {
        throw new StartError(`${file.at(['include', index])}: include: ${name} includes itself`);
      }
      return readFiles(target, [...above, resolve(path)]);
    }),
  ];
}

function withTimeout(deployment: Deployment, timeoutMs: number | undefined): Deployment {
  return timeoutMs === undefined || deployment.timeoutMs !== undefined ? deployment : { ...deployment, timeoutMs };
}

/** The deployments behind a name, once more under its alias. */
function aliasesOf(deployments: readonly Deployment[], alias: string, name: string): readonly Deployment[] {
  return matchDeployments(deployments, name).map(({ deployment, model }) => ({
    ...deployment,
    id: `${deployment.id}-as-${alias}`,
    modelName: alias,
    model,
  }));
}
