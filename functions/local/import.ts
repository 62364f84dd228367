/** `npm run import`: brings a LiteLLM config and a dump of its database into the tables, of this machine or of AWS. */
import { parseArgs } from 'node:util';
import { readEnv } from '../../lib/env.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { openStateFolder } from '../../lib/local/state-folder.ts';
import { readDump } from '../../lib/migration/dump.ts';
import { ImportError } from '../../lib/migration/import-error.ts';
import { recordsOf, type Imported } from '../../lib/migration/records.ts';
import { readConfigModels, type ConfigModels } from '../../lib/migration/config-models.ts';
import { storeDeployments, storeRecords, type Tally } from '../../lib/migration/store-records.ts';
import type { SecretStore } from '../../lib/stores/secrets.ts';
import type { Stores } from '../../lib/stores/stores.ts';

const HELP = `Brings a LiteLLM gateway's models, keys, teams, users, budgets and spend into Tollgate.

Usage: npm run import -- [flags] FILE...

  FILE            config.yaml (models and their credentials), or a dump of LiteLLM's database: a .csv or .json file a table
                  named like it (LiteLLM_VerificationToken.csv), a folder of them, or one .json object of tables
  --data DIR      folder of the local state to write to (default .tollgate); stop Tollgate first
  --aws           write to the tables and secrets on AWS that TOLLGATE_* variables name, with your AWS credentials
  --dry-run       read and report, write nothing
  --help          this text

To make a dump, for each table:
  psql "$DATABASE_URL" -c '\\copy "LiteLLM_VerificationToken" to LiteLLM_VerificationToken.csv csv header'

Keys keep working: both gateways know a key by the SHA-256 of its secret. What is there already is left alone, so an
import can be repeated.
`;

interface Target {
  readonly stores: Stores;
  readonly secrets: SecretStore;
  close(): Promise<void>;
}

async function main(given: readonly string[]): Promise<number> {
  const { values: flags, positionals: files } = parse(given);
  if (flags.help) return say(HELP);
  if (files.length === 0) throw new ImportError('name the files to import; --help says which');
  if (flags.aws && flags.data !== undefined) throw new ImportError('--aws and --data contradict each other');
  const configs = await Promise.all(files.filter(isYaml).map((file) => readConfigModels(file, process.env)));
  const { dump, ignored } = readDump(files.filter((file) => !isYaml(file)));
  const imported = recordsOf(dump, Date.now());
  if (ignored.length > 0) say(`Not read: ${ignored.join(', ')}\n`);
  for (const line of [...configs.flatMap(({ notes }) => notes), ...imported.notes]) say(`Note: ${line}\n`);
  if (flags['dry-run']) return say(planOf(configs, imported));

  const target = flags.aws ? await onAws() : await onThisMachine(flags.data ?? '.tollgate');
  try {
    const deps = {
      ...target,
      now: Date.now,
      onProgress: (tally: Tally) => void say(lineOf(tally)),
    };
    const tallies = [
      await storeDeployments(
        deps,
        configs.flatMap(({ models }) => models),
      ),
      ...(await storeRecords(deps, imported)),
    ];
    const failed = tallies.flatMap((tally) => tally.failed);
    say(failed.length === 0 ? 'Done.\n' : `Done, but for ${failed.length} records; repeat the import once they are mended.\n`);
    return failed.length === 0 ? 0 : 1;
  } finally {
    await target.close();
  }
}

const isYaml = (file: string): boolean => /\.ya?ml$/i.test(file);

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}

function lineOf({ kind, created, kept, failed }: Tally): string {
  const faults = failed.map((fault) => `  not imported: ${fault}\n`).join('');
  return `${kind}: ${created} created${kept === 0 ? '' : `, ${kept} there before`}${failed.length === 0 ? '' : `, ${failed.length} failed`}\n${faults}`;
}

function planOf(configs: readonly ConfigModels[], imported: Imported): string {
  const { notes: _, ...records } = imported;
  const counts = Object.entries({ models: configs.flatMap(({ models }) => models), ...records });
  const lines = counts.filter(([, list]) => list.length > 0).map(([kind, list]) => `${kind}: ${list.length}\n`);
  return `Would import:\n${lines.join('') || 'nothing\n'}`;
}

function parse(given: readonly string[]) {
  try {
    return parseArgs({
      args: [...given],
      allowPositionals: true,
      options: {
        data: { type: 'string' },
        aws: { type: 'boolean', default: false },
        'dry-run': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split(/\.?\s+To specify|\n/);
    throw new ImportError(`${reason}; --help lists the flags`);
  }
}

async function onThisMachine(data: string): Promise<Target> {
  const { openStorage } = await import('./storage.ts');
  const folder = openStateFolder(data);
  try {
    const storage = await openStorage({
      env: readEnv(),
      folder,
      environment: process.env,
      warn: (line) => process.stderr.write(`${line}\n`),
      onRestart: () => Promise.resolve(),
    });
    if (storage.database === undefined) {
      await storage.close();
      throw new ImportError(`${storage.description.join('; ')}: there is nothing to import into`);
    }
    const { stores, secrets } = storage;
    return {
      stores,
      secrets,
      close: async () => {
        await storage.close();
        folder.close();
      },
    };
  } catch (error) {
    folder.close();
    throw error;
  }
}

async function onAws(): Promise<Target> {
  const [{ openOnAws }, { createSdkClient }, { createSecretStore }] = await Promise.all([
    import('../aws-stores.ts'),
    import('../../lib/stores/dynamodb/sdk-client.ts'),
    import('../../lib/stores/secrets-manager/index.ts'),
  ]);
  const { env, stores } = openOnAws(createSdkClient());
  return { stores, secrets: createSecretStore({ prefix: env.TOLLGATE_SECRET_PREFIX }), close: () => Promise.resolve() };
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const foreseen = error instanceof ImportError || error instanceof StartError;
  process.stderr.write(`tollgate: ${error instanceof Error ? (foreseen ? error.message : error.stack) : String(error)}\n`);
  process.exitCode = 1;
}
