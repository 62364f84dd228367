/** `npm start`: the gateway and management on this machine. What takes time is loaded after the flags are read. */
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { HELP, readCommandLine } from '../../lib/local/command-line.ts';
import { StartError } from '../../lib/local/start-error.ts';
import manifest from '../../package.json' with { type: 'json' };
import { stopOnSignals, whenOrphaned } from './signals.ts';

const startedAt = performance.now();

/** Beside the sources, as beside the bundle. */
const PACKAGES = join(import.meta.dirname, '../../node_modules');

/** From its second start on, Node takes the code as it compiled it: half the time. In nobody's shared folder, and nowhere if it cannot be written. */
function keepCompiledCode(): void {
  if (existsSync(PACKAGES)) enableCompileCache(join(PACKAGES, '.cache/tollgate'));
}

async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  if (line.show === 'help') return void process.stdout.write(HELP);
  if (line.show === 'version') return void process.stdout.write(`${manifest.version}\n`);
  if (line.signIn !== undefined) {
    const { signInLocally } = await import('./sign-in.ts');
    return signInLocally(line.signIn, {
      ...line,
      environment: process.env,
      tell: (text) => void process.stdout.write(`${text}\n`),
    });
  }
  keepCompiledCode();
  const { startLocal } = await import('./start.ts');
  const server = await startLocal({ ...line, version: manifest.version, environment: process.env, warn });
  stopOnSignals(() => server.stop(), warn);
  if (process.env['npm_lifecycle_event'] !== undefined) whenOrphaned(() => process.kill(process.pid, 'SIGTERM'));
  process.stdout.write(`${server.banner}\nReady on ${server.url} after ${Math.round(performance.now() - startedAt)} ms\n`);
}

function warn(text: string): void {
  process.stderr.write(`tollgate: ${text}\n`);
}

/** One line for what the operator can mend; what nobody foresaw shows where it happened. */
function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof StartError ? error.message : (error.stack ?? error.message);
}

try {
  await main();
} catch (error) {
  warn(lineOf(error));
  process.exit(1);
}
