/** The flags of `npm start`. */
import { readFlags } from './flags.ts';
import { StartError } from './start-error.ts';

/** What was asked for. */
export interface CommandLine {
  readonly host: string;
  readonly port: number;
  /** Path of a LiteLLM config file. */
  readonly config?: string;
  /** Folder of the state; absent with `--ephemeral`. */
  readonly data?: string;
  readonly show?: 'help' | 'version';
  /** Id of the provider to sign in at, instead of a start. */
  readonly signIn?: string;
}

/** Text of `--help`. */
export const HELP = `Tollgate: an AI gateway on your machine.

Usage: npm start -- [flags]

  --port N        port to listen on; 0 takes a free one (default 4000)
  --host ADDRESS  address to listen on (default 127.0.0.1: this machine only)
  --config FILE   models, keys and settings from a LiteLLM config.yaml
  --data DIR      folder that keeps tables, secrets and keys (default .tollgate)
  --ephemeral     keep nothing
  --sign-in ID    sign in with a code in your browser at github_copilot or chatgpt, keep the token in the folder, and end
  --help          this text
  --version       version of Tollgate

Environment:
  OPENAI_API_KEY, ANTHROPIC_API_KEY, GROQ_API_KEY, ...   providers to register, when there is no --config
  TOLLGATE_MASTER_KEY or LITELLM_MASTER_KEY              the master key; else the config's, else one is made and kept
  DYNOXIDE_BIN, DYNAMODB_LOCAL_JAR                       an emulator of DynamoDB, when none is installed as a package
`;

const FLAGS = {
  port: { type: 'string', default: '4000' },
  host: { type: 'string', default: '127.0.0.1' },
  config: { type: 'string' },
  data: { type: 'string' },
  ephemeral: { type: 'boolean', default: false },
  'sign-in': { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', short: 'v', default: false },
} as const;

const DEFAULT_FOLDER = '.tollgate';

/**
 * Reads the flags.
 *
 * @throws StartError in one line for an unknown or wrong one.
 * @example readCommandLine(['--port', '4100']).port === 4100
 */
export function readCommandLine(given: readonly string[]): CommandLine {
  const flags = readFlags({ args: [...given], options: FLAGS }).values;
  const base = { host: flags.host, port: portOf(flags.port) };
  if (flags.help || flags.version) return { ...base, show: flags.help ? 'help' : 'version' };
  if (flags.ephemeral && flags.data !== undefined) {
    throw new StartError('--data and --ephemeral contradict each other: keep state in a folder, or keep none');
  }
  if (flags.ephemeral && flags['sign-in'] !== undefined) {
    throw new StartError('--sign-in and --ephemeral contradict each other: the token has to be kept in a folder');
  }
  if (flags.host === '') throw new StartError('--host: expected an address such as 127.0.0.1');
  if (flags.data === '') throw new StartError('--data: expected the name of a folder');
  if (flags.config === '') throw new StartError('--config: expected the name of a file');
  return {
    ...base,
    ...(flags.config === undefined ? {} : { config: flags.config }),
    ...(flags.ephemeral ? {} : { data: flags.data ?? DEFAULT_FOLDER }),
    ...(flags['sign-in'] === undefined ? {} : { signIn: flags['sign-in'] }),
  };
}

const MAX_PORT = 65_535;

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= MAX_PORT) return port;
  throw new StartError(`--port: expected a number from 0 to ${MAX_PORT}, got ${JSON.stringify(text)}`);
}
