/** The settings of a LiteLLM config that Tollgate has too: where each one goes, and which are said to be unsupported. */
import * as z from 'zod/mini';
import { discounts, margins, type EnvName } from '../../env.ts';
import { formatUsd } from '../../domain/money.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { check, count, flag, freeObject, names, saysNothing, seconds, text, usd } from '../../management/input.ts';
import { providers } from '../../providers/index.ts';
import { StartError } from '../start-error.ts';
import type { Notes } from './notes.ts';
import { type Environment, resolveReferences } from './references.ts';
import type { YamlFile } from './yaml-file.ts';

/** What the settings say, gathered over the included files; a later file wins. */
export interface Gathered {
  masterKey?: string;
  /** Milliseconds for an answer of a model that sets no time of its own. */
  requestTimeoutMs?: number;
  /** Model names by the other names clients may use. */
  aliases: Record<string, string>;
  /** Tokens of an identity provider: whether they are accepted, and LiteLLM's `litellm_jwtauth`. */
  readonly tokens: { enabled: boolean; readonly settings: Record<string, unknown> };
  /** Our own variables, as if they were set. */
  variables: Partial<Record<EnvName, string>>;
}

/** A setting: how it is checked and what becomes of it. */
type Setting = (value: unknown, name: string, gathered: Gathered, unsupported: (key: string) => void) => void;

const setting =
  <T>(schema: z.ZodMiniType<T>, apply: (gathered: Gathered, value: T, unsupported: (key: string) => void) => void): Setting =>
  (value, name, gathered, unsupported) =>
    apply(gathered, check(schema, value, name), unsupported);

const toVariable = <T>(schema: z.ZodMiniType<T>, variable: EnvName, write: (value: T) => unknown = String): Setting =>
  setting(schema, (gathered, value) => (gathered.variables[variable] = String(write(value))));

/** Nothing to do: it is how Tollgate works anyway. */
const asIs = (schema: z.ZodMiniType): Setting => setting(schema, () => undefined);

const MEGABYTE = 1_048_576;
const megabytes = z.number('expected megabytes, more than 0').check(z.positive('expected megabytes, more than 0'));

function addTo(gathered: Gathered, variable: EnvName, texts: readonly string[]): void {
  const known = gathered.variables[variable]?.split(',') ?? [];
  gathered.variables[variable] = [...new Set([...known, ...texts])].join(',');
}

/** Texts that are added to those of a variable. */
const toList = (variable: EnvName): Setting => setting(names, (gathered, texts) => addTo(gathered, variable, texts));

const aliasMap = z.record(
  z.string(),
  z.union([text(), z.looseObject({ model: text() })]),
  'expected model names, each a text or {model: ...}',
);

/** A table by provider, in which every name is one of ours; `global` stands for all of them. */
const ofProviders = <T>(table: z.ZodMiniType<Record<string, T>>): z.ZodMiniType<Record<string, T>> =>
  table.check(
    z.refine(
      (entries) => Object.keys(entries).every((name) => name === 'global' || providers.has(name)),
      'expected names of providers',
    ),
  );

/** The value of `routing_strategy` that is ours; others are reported. */
const OUR_STRATEGY = 'simple-shuffle';

const SECTIONS: Readonly<Record<string, Readonly<Record<string, Setting>>>> = {
  general_settings: {
    master_key: setting(text(), (gathered, key) => (gathered.masterKey = key)),
    apply_user_budget_to_team_keys: toVariable(flag, 'TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS'),
    store_prompts_in_spend_logs: toVariable(flag, 'TOLLGATE_STORE_BODIES'),
    disable_spend_logs: toVariable(flag, 'TOLLGATE_DISABLE_LEDGER'),
    allowed_ips: toList('TOLLGATE_ALLOWED_IPS'),
    allowed_routes: toList('TOLLGATE_ALLOWED_ROUTES'),
    enforced_params: toList('TOLLGATE_REQUIRED_PARAMS'),
    enforce_user_param: setting(flag, (gathered, isOn) => {
      if (isOn) addTo(gathered, 'TOLLGATE_REQUIRED_PARAMS', ['user']);
    }),
    enable_jwt_auth: setting(flag, (gathered, isOn) => (gathered.tokens.enabled = isOn)),
    litellm_jwtauth: setting(freeObject, (gathered, value) => Object.assign(gathered.tokens.settings, value)),
    litellm_key_header_name: toVariable(text(), 'TOLLGATE_KEY_HEADER'),
    reject_clientside_metadata_tags: toVariable(flag, 'TOLLGATE_REJECT_CLIENT_TAGS'),
    user_header_name: toVariable(text(), 'TOLLGATE_USER_HEADER'),
    max_request_size_mb: toVariable(megabytes, 'TOLLGATE_MAX_BODY_BYTES', (size) => Math.floor(size * MEGABYTE)),
  },
  litellm_settings: {
    budget_exceeded_throttle_percentage: toVariable(z.number(), 'TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE'),
    max_budget: toVariable(usd, 'TOLLGATE_MAX_BUDGET', formatUsd),
    budget_duration: toVariable(text(16), 'TOLLGATE_BUDGET_DURATION'),
    num_retries: toVariable(count, 'TOLLGATE_NUM_RETRIES'),
    request_timeout: setting(seconds, (gathered, ms) => (gathered.requestTimeoutMs = ms)),
    // A parameter that a provider's dialect cannot say is never sent.
    drop_params: asIs(flag),
    cost_discount_config: toVariable(ofProviders(discounts), 'TOLLGATE_COST_DISCOUNTS', JSON.stringify),
    cost_margin_config: toVariable(ofProviders(margins), 'TOLLGATE_COST_MARGINS', JSON.stringify),
    upperbound_key_generate_params: toVariable(freeObject, 'TOLLGATE_KEY_BOUNDS', JSON.stringify),
    default_key_generate_params: toVariable(freeObject, 'TOLLGATE_KEY_DEFAULTS', JSON.stringify),
    max_end_user_budget_id: toVariable(text(), 'TOLLGATE_CUSTOMER_BUDGET_ID'),
    turn_off_message_logging: toVariable(flag, 'TOLLGATE_REDACT_BODIES'),
    include_cost_in_streaming_usage: toVariable(flag, 'TOLLGATE_RESPONSE_COST_IN_STREAM'),
  },
  // After litellm_settings: the router's own number of retries wins.
  router_settings: {
    num_retries: toVariable(count, 'TOLLGATE_NUM_RETRIES'),
    // Deployments are not put on a bench here.
    disable_cooldowns: asIs(flag),
    routing_strategy: setting(text(), (_, strategy, unsupported) => {
      if (strategy !== OUR_STRATEGY) unsupported(strategy);
    }),
    model_group_alias: setting(aliasMap, (gathered, aliases, unsupported) => {
      for (const [alias, target] of Object.entries(aliases)) {
        gathered.aliases[alias] = typeof target === 'string' ? target : target.model;
        if (typeof target !== 'string' && !saysNothing(target['hidden'])) unsupported('hidden');
      }
    }),
  },
};

/** Keys of a config that are read elsewhere. */
const OTHER_SECTIONS: ReadonlySet<string> = new Set(['model_list', 'environment_variables', 'include']);

/**
 * Reads the settings of one file.
 *
 * @throws StartError naming file and line of the first value that is wrong, or of a master key that is not set.
 */
export function readSettings(file: YamlFile, environment: Environment, notes: Notes, gathered: Gathered): void {
  for (const [section, value] of Object.entries(file.content)) {
    if (OTHER_SECTIONS.has(section) || section in SECTIONS || saysNothing(value)) continue;
    notes.unsupported(section, file.at([section]));
  }
  for (const [section, settings] of Object.entries(SECTIONS)) {
    const values = file.content[section] ?? {};
    if (!isObject(values)) throw new StartError(`${file.at([section])}: ${section}: expected a mapping of settings`);
    readSection({ file, environment, notes, gathered }, section, values, settings);
  }
}

interface Reading {
  readonly file: YamlFile;
  readonly environment: Environment;
  readonly notes: Notes;
  readonly gathered: Gathered;
}

function readSection(reading: Reading, section: string, values: JsonObject, settings: Readonly<Record<string, Setting>>): void {
  const { file, environment, notes, gathered } = reading;
  for (const [name, given] of Object.entries(values)) {
    const path = `${section}.${name}`;
    const place = file.at([section, name]);
    const apply = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (apply === undefined) {
      if (!saysNothing(given)) notes.unsupported(path, place);
      continue;
    }
    const value = resolveReferences(given, environment, (variable) => {
      if (name !== 'master_key') return notes.missing(variable, place);
      throw new StartError(`${place}: ${path}: environment variable ${variable} is not set`);
    });
    if (value === undefined || value === null) continue;
    try {
      apply(value, path, gathered, (key) => notes.unsupported(`${path}: ${key}`, place));
    } catch (error) {
      throw error instanceof GatewayError ? new StartError(`${place}: ${error.message}`) : error;
    }
  }
}

const variablesSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** Variables that a config sets for this process (`environment_variables`), references resolved. */
export function readVariables(file: YamlFile, environment: Environment, notes: Notes): Readonly<Record<string, string>> {
  const section = 'environment_variables';
  const given = file.content[section] ?? {};
  const resolved = resolveReferences(given, environment, (name, path) => notes.missing(name, file.at([section, ...path])));
  const parsed = z.safeParse(variablesSchema, resolved);
  if (parsed.success) return Object.fromEntries(Object.entries(parsed.data).map(([name, value]) => [name, String(value)]));
  const path = [section, ...(parsed.error.issues[0]?.path ?? [])].map(String);
  throw new StartError(
    `${file.at(path)}: ${path.join('.')}: expected ${path.length === 1 ? 'a mapping' : 'a text, a number or true or false'}`,
  );
}
