/**
 * Writes what was read. Everything is created, nothing replaced: a second run over the same files finds what is there and leaves it
 * alone, whatever became of it in between.
 */
import type { Entity } from '../domain/entity.ts';
import { requireId } from '../domain/id.ts';
import type { VirtualKey } from '../domain/key.ts';
import type { Deployment } from '../domain/model.ts';
import type { EntityStore } from '../stores/entities.ts';
import type { SecretStore } from '../stores/secrets.ts';
import type { Stores } from '../stores/stores.ts';
import type { Imported } from './records.ts';
import { createBooking } from './starting-spend.ts';

/** What writing needs. */
export interface ImportDeps {
  readonly stores: Stores;
  readonly secrets: SecretStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told after each kind of record. */
  readonly onProgress: (line: Tally) => void;
}

/** What became of one kind of record. */
export interface Tally {
  readonly kind: string;
  readonly created: number;
  /** There before: left as they are. */
  readonly kept: number;
  /** Names of those that could not be written, and why. */
  readonly failed: readonly string[];
}

/** Writes one record after the other, so that a failure leaves the rest to be tried. */
async function each<T>(
  deps: ImportDeps,
  kind: string,
  records: readonly T[],
  nameOf: (record: T) => string,
  write: (record: T) => Promise<string>,
): Promise<Tally> {
  const counts = { created: 0, kept: 0 };
  const failed: string[] = [];
  for (const record of records) {
    try {
      const outcome = await write(record);
      if (outcome === 'created') counts.created++;
      else if (outcome === 'kept') counts.kept++;
      else failed.push(`${nameOf(record)}: ${outcome}`);
    } catch (error) {
      failed.push(`${nameOf(record)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const tally = { kind, ...counts, failed };
  if (records.length > 0) deps.onProgress(tally);
  return tally;
}

/** Writes the records of a dump, those that others name first. */
export async function storeRecords(deps: ImportDeps, imported: Imported): Promise<readonly Tally[]> {
  const { stores, now } = deps;
  const entities = <T extends Entity>(kind: string, records: readonly T[], store: EntityStore<T>): Promise<Tally> =>
    each(
      deps,
      kind,
      records,
      ({ id }) => id,
      async (record) => {
        requireNames(record);
        return (await store.create(record)) === 'created' ? 'created' : 'kept';
      },
    );
  const book = createBooking(stores, imported, now);
  const tallies = [
    await entities('budgets', imported.budgets, stores.budgets),
    await entities('access groups', imported.accessGroups, stores.accessGroups),
    await entities('organizations', imported.organizations, stores.organizations),
    await entities('teams', imported.teams, stores.teams),
    await entities('users', imported.users, stores.users),
    await entities('projects', imported.projects, stores.projects),
    await entities('customers', imported.customers, stores.customers),
    await entities('tags', imported.tags, stores.tags),
    await each(
      deps,
      'memberships',
      imported.members,
      ({ group, userId }) => `${group.id}/${userId}`,
      async (member) => {
        for (const id of [member.group.id, member.userId]) requireNames({ ...member, id });
        return (await stores.members.put(member)) === 'stored' ? 'created' : 'kept';
      },
    ),
    await each(
      deps,
      'keys',
      imported.keys,
      ({ name, alias }) => alias ?? name,
      async (key) => {
        requireNames({ ...key, id: key.hash });
        const outcome = await stores.keys.create(key);
        if (outcome === 'alias-taken') return `another key has the alias ${JSON.stringify(key.alias)}`;
        return outcome === 'created' ? 'created' : 'kept';
      },
    ),
    await each(
      deps,
      'spend so far',
      imported.spend,
      ({ scope }) => `${scope.kind} ${scope.id}`,
      ({ scope, amount }) => book({ ...scope, id: requireId(scope.id, 'id') }, amount),
    ),
  ];
  return tallies;
}

/** @throws GatewayError `invalid_request` for names in a record that the keys of stored items have no room for */
function requireNames({ id, modelLimits = {}, aliases = {}, tags = [] }: Named): void {
  requireId(id, 'id');
  for (const model of [...Object.keys(modelLimits), ...Object.values(aliases)]) requireId(model, 'model');
  for (const tag of tags) requireId(tag, 'tag');
}

/** What of a record is part of keys. */
type Named = Pick<Partial<VirtualKey>, 'modelLimits' | 'aliases' | 'tags'> & { readonly id: string };

/** Writes deployments, each `api_key` into the secret store. */
export async function storeDeployments(
  deps: ImportDeps,
  deployments: readonly { readonly deployment: Deployment; readonly secret?: string }[],
): Promise<Tally> {
  const now = deps.now();
  return each(
    deps,
    'models',
    deployments,
    ({ deployment }) => deployment.modelName,
    async ({ deployment, secret }) => {
      const name = `model/${deployment.id}`;
      const credential = secret === undefined ? deployment.credential : ({ type: 'secret', name } as const);
      const stored: Deployment = { ...deployment, credential, source: 'store', createdAt: now, updatedAt: now, rev: 1 };
      if ((await deps.stores.models.put(stored, 'new')) === 'conflict') return 'kept';
      if (secret === undefined) return 'created';
      try {
        await deps.secrets.put(name, secret);
      } catch (error) {
        // A repeated import must not find the row without its credential.
        await deps.stores.models.delete(deployment.id);
        throw error;
      }
      return 'created';
    },
  );
}
