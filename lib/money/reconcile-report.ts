/** A reconciliation for people: a line per scope that differs, and the sum of it all. */
import { formatUsd } from '../domain/money.ts';
import type { Check, Reconciliation } from './reconcile.ts';

const HEAD = ['what', 'scope', 'of', 'ledger USD', 'counted USD', 'under way', 'difference'];

/** A table of what differs (of everything with `all`), then what was compared. */
export function reportOf(done: Reconciliation, all = false): string {
  const shown = done.checks.filter(({ difference }) => all || difference !== 0n);
  const rows = shown.map(({ what, scope, of, ledger, counted, underWay, difference }: Check) => [
    what,
    scope,
    of,
    ...[ledger, counted, underWay, difference].map(formatUsd),
  ]);
  const counts = Object.entries(Object.groupBy(done.checks, ({ what }) => what)).map(
    ([what, checks]) => `${checks.length} x ${what}`,
  );
  const summary = [
    `${done.entries} entries, ${formatUsd(done.spend)} USD${done.unpriced === 0 ? '' : `, ${done.unpriced} of unknown price`}`,
    ...(done.broughtIn === 0n ? [] : [`brought into meters: ${formatUsd(done.broughtIn)} USD`]),
    ...(done.sessionParts === 1 ? [] : [`sessions: one of ${done.sessionParts} parts, another one tomorrow`]),
    `compared: ${counts.length === 0 ? 'nothing' : counts.join(', ')}`,
    `difference: ${formatUsd(done.difference)} USD`,
  ];
  return `${[...(rows.length === 0 ? [] : [tableOf([HEAD, ...rows]), '']), ...summary].join('\n')}\n`;
}

function tableOf(rows: readonly (readonly string[])[]): string {
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The same for programs: amounts as decimal text in USD. */
export function jsonOf(done: Reconciliation, all = false): object {
  const { checks, entries, spend, unpriced, broughtIn, difference, sessionParts } = done;
  return {
    difference: formatUsd(difference),
    entries,
    spend: formatUsd(spend),
    unpriced,
    brought_in: formatUsd(broughtIn),
    session_parts: sessionParts,
    compared: checks.length,
    checks: checks
      .filter((check) => all || check.difference !== 0n)
      .map(({ what, scope, of, ...amounts }) => ({
        what,
        scope,
        of,
        ...Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, formatUsd(amount)])),
      })),
  };
}
