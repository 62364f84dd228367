/** Before the suite: the runtime client is there in the version that the lock file names, and the bundles are new. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleAll } from '../../infra/bundle.ts';

const HERE = import.meta.dirname;
const PACKAGE = join(HERE, 'node_modules/aws-lambda-ric');

/** The client is compiled while it is installed; its addon is there only when that went well. */
function isInstalled(): boolean {
  if (!existsSync(join(PACKAGE, 'rapid-client.node'))) return false;
  const wanted = JSON.parse(readFileSync(join(HERE, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
  const found = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  return found.version === wanted.dependencies['aws-lambda-ric'];
}

function install(): void {
  const missing = ['cmake', 'g++', 'make'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (missing.length > 0) {
    throw new Error(
      `test:ric compiles the Lambda runtime client and needs ${missing.join(', ')}: apt-get install cmake g++ make`,
    );
  }
  console.log('test:ric: compiling the Lambda runtime client, about a minute, only this once');
  const { status, stdout, stderr } = spawnSync('npm', ['ci', '--prefix', HERE, '--no-audit', '--no-fund'], {
    encoding: 'utf8',
  });
  if (status !== 0 || !isInstalled()) {
    throw new Error(`test:ric could not install the Lambda runtime client:\n${stdout}${stderr}`.slice(0, 4_000));
  }
}

/** Vitest calls this once; what it throws ends the run. */
export async function setup(): Promise<void> {
  if (!isInstalled()) install();
  await bundleAll(resolve(HERE, '../..'), ['gateway', 'web']);
}
