/** `npm run reconcile`: compares everything that is counted with the ledger. Exit code 0 only when nothing differs. */
import { setTimeout as wait } from 'node:timers/promises';
import { gatewayLimits } from '../../lib/money/gateway-limits.ts';
import { readFlags } from '../../lib/local/flags.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { closingDay, reconcile, type Reconciliation, type ReconcileSpan } from '../../lib/money/reconcile.ts';
import { jsonOf, reportOf } from '../../lib/money/reconcile-report.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { openBooks, type Books } from './books.ts';

const HELP = `Compares the ledger with meters and totals. The exit code is 0 when nothing differs, else 1.

Usage: npm run reconcile -- [flags]

  --from DAY  first day to look at (2026-11-01, UTC); default: the whole ledger
  --to DAY    last day to look at
  --bring-in  bring into meters what they did not hold: spend that the opening of a budget could not see.
              Where all of the books are in order then, note so: the nightly reconciliation goes on from there
  --all       show what agrees too
  --json      the same as JSON, amounts in USD as decimal text
  --data DIR  folder of a local run (default .tollgate)
  --help      this text

Environment:
  TOLLGATE_LEDGER_TABLE, TOLLGATE_METERS_TABLE, ...   the tables on AWS; without them, the local run
  TOLLGATE_MAX_BUDGET, TOLLGATE_MODEL_LIMITS, ...     limits of the gateway, as it has them
`;

const FLAGS = {
  from: { type: 'string' },
  to: { type: 'string' },
  'bring-in': { type: 'boolean' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  data: { type: 'string', default: '.tollgate' },
  help: { type: 'boolean' },
} as const;

const DAY_MS = 86_400_000;
/** A difference is looked at again: what moved meanwhile comes to rest. */
const TRIES = 3;
const PAUSE_MS = 3_000;

async function main(): Promise<boolean> {
  const { values: flags } = readFlags({ options: FLAGS });
  if (flags.help === true) {
    process.stdout.write(HELP);
    return true;
  }
  const span = spanOf(flags.from, flags.to);
  const warn = (line: string): void => void process.stderr.write(`tollgate: ${line}\n`);
  const books = await openBooks({ data: flags.data, environment: process.env, warn });
  try {
    let done = await run(books, span, flags['bring-in'] === true);
    for (let attempt = 1; attempt < TRIES && done.difference !== 0n; attempt++) {
      await wait(PAUSE_MS);
      done = await run(books, span, flags['bring-in'] === true);
    }
    if (done.closed !== undefined) await books.stores.checkpoints.write(done.closed);
    const json = flags.json === true;
    process.stdout.write(
      json ? `${JSON.stringify(jsonOf(done, flags.all), null, 2)}\n` : `${books.place}\n${reportOf(done, flags.all)}`,
    );
    return done.difference === 0n;
  } finally {
    await books.close();
  }
}

const run = ({ stores, env }: Books, span: ReconcileSpan, bringsIn: boolean): Promise<Reconciliation> =>
  reconcile(
    {
      stores,
      readMeter: (id) => readMeter(stores.meters, id),
      settings: { global: gatewayLimits(env), userBudgetsForTeamKeys: env.TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS },
      now: Date.now,
      bringsIn,
    },
    bringsIn && span.from === undefined && span.to === undefined ? { closeAt: closingDay(Date.now()) } : span,
  );

function spanOf(from: string | undefined, to: string | undefined): ReconcileSpan {
  return {
    ...(from === undefined ? {} : { from: dayStart(from, '--from') }),
    ...(to === undefined ? {} : { to: dayStart(to, '--to') + DAY_MS }),
  };
}

function dayStart(day: string, flag: string): number {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  if (Number.isNaN(at)) throw new StartError(`${flag}: expected a day such as 2026-11-01, got ${JSON.stringify(day)}`);
  return at;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  process.stderr.write(`tollgate: ${error instanceof StartError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
