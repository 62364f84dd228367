/** `npm run rebuild`: writes all totals anew from the ledger, beside those in use, then switches over. */
import { setTimeout as wait } from 'node:timers/promises';
import { readFlags } from '../../lib/local/flags.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { rebuildTotals } from '../../lib/money/projection.ts';
import { openBooks } from './books.ts';

const HELP = `Writes all totals anew from the ledger. Calls go on meanwhile. Cut short, it can be started again.

Usage: npm run rebuild -- [flags]

  --data DIR  folder of a local run (default .tollgate)
  --help      this text

Environment:
  TOLLGATE_LEDGER_TABLE, TOLLGATE_TOTALS_TABLE, ...   the tables on AWS; without them, the local run
`;
/** Until no reader remembers the old totals; longer than they remember. Milliseconds. */
const SETTLE_MS = 60_000;

async function main(): Promise<void> {
  const { values } = readFlags({ options: { data: { type: 'string', default: '.tollgate' }, help: { type: 'boolean' } } });
  if (values.help === true) return void process.stdout.write(HELP);
  const warn = (line: string): void => void process.stderr.write(`tollgate: ${line}\n`);
  const books = await openBooks({ data: values.data, environment: process.env, warn });
  try {
    const done = await rebuildTotals(
      books.stores,
      () => {
        warn(`switched over; old totals go in ${SETTLE_MS / 1000} s`);
        return wait(SETTLE_MS);
      },
      (entries) => warn(`${entries} entries`),
    );
    process.stdout.write(`${books.place}: ${JSON.stringify(done)}\n`);
  } finally {
    await books.close();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`tollgate: ${error instanceof StartError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
