/** Totals: what the calls of a scope used, as sums over the ledger. Projections: the ledger can write all of them anew. */
import { tokensOf, type LedgerEntry } from './ledger-entry.ts';
import { pairId, type Scope, type ScopeKind } from './meter.ts';
import type { Money } from './money.ts';

/** Sums over calls. Tokens count as in `Usage`: input includes what the cache served, output includes reasoning. */
export interface Total {
  /** What it cost, 1e-12 USD. */
  readonly spend: Money;
  /** Part of it that an operator took back, 1e-12 USD: see `netSpend`. */
  readonly takenBack: Money;
  readonly requests: number;
  /** Requests that ended otherwise than with success: errors, aborts, calls nobody settled. */
  readonly failed: number;
  /** Requests whose price was unknown: their cost is missing from `spend`. */
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** Milliseconds from the arrival of the calls to their ends, added up. */
  readonly durationMs: number;
}

/** Kinds of scopes that totals are kept for. Models, providers, routes and user agents are told apart within those of `global`. */
export const TOTAL_KINDS = [
  'key',
  'user',
  'team',
  'member',
  'organization',
  'project',
  'customer',
  'tag',
  'global',
] as const satisfies readonly ScopeKind[];

/** One of them. */
export type TotalKind = (typeof TOTAL_KINDS)[number];

/** Whose totals. */
export interface TotalScope extends Scope {
  readonly kind: TotalKind;
}

/** The scope of everything. */
export const EVERYTHING: TotalScope = { kind: 'global', id: '' };

/** What the calls of a day are told apart by, within each scope. */
export interface Dimensions {
  /** Day of arrival in UTC: `2026-11-22`. */
  readonly day: string;
  readonly keyHash: string;
  /** Name the client called. */
  readonly modelGroup: string;
  /** What served it; empty when no provider was reached. */
  readonly model: string;
  readonly provider: string;
  /** Client route: `/v1/chat/completions`. */
  readonly route: string;
  /** Name of the client program without its version: `OpenAI/Python`. Empty when it did not say. */
  readonly agent: string;
}

/** Totals of one day and one combination of what calls are told apart by. */
export interface DayTotal extends Dimensions {
  readonly total: Total;
}

/** Nothing used yet. */
export const NO_TOTAL: Total = {
  spend: 0n,
  takenBack: 0n,
  requests: 0,
  failed: 0,
  unpriced: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  durationMs: 0,
};

/** Names of the figures of a total that are no money. */
export const COUNTS = [
  'requests',
  'failed',
  'unpriced',
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'durationMs',
] as const satisfies readonly (keyof Total)[];

/** What one entry adds. An adjustment is spend without a request; a negative one takes spend back. */
export function totalOf(entry: LedgerEntry): Total {
  const isCall = entry.kind !== 'adjustment';
  const { cost = 0n } = entry;
  const tokens = tokensOf(entry);
  return {
    spend: cost < 0n ? 0n : cost,
    takenBack: cost < 0n ? -cost : 0n,
    requests: isCall ? 1 : 0,
    failed: isCall && entry.status !== 'success' ? 1 : 0,
    unpriced: entry.cost === undefined ? 1 : 0,
    inputTokens: whole(tokens.input),
    outputTokens: whole(tokens.output),
    cacheReadTokens: whole(entry.usage?.cacheReadTokens),
    cacheWriteTokens: whole(entry.usage?.cacheWriteTokens),
    durationMs: whole(entry.durationMs),
  };
}

/** A provider's figure as a sum can take it: one bad figure must not spoil a total for good. */
const whole = (count = 0): number =>
  Number.isFinite(count) ? Math.min(Math.max(0, Math.ceil(count)), Number.MAX_SAFE_INTEGER) : 0;

/** The sum of two totals. */
export function addTotals(one: Total, other: Total): Total {
  const sum: Record<string, unknown> = {
    spend: one.spend + other.spend,
    takenBack: one.takenBack + other.takenBack,
  };
  for (const name of COUNTS) sum[name] = one[name] + other[name];
  return sum as unknown as Total;
}

/** What counts as spent: the cost less what was taken back. The sum of the ledger. */
export const netSpend = ({ spend, takenBack }: Total): Money => spend - takenBack;

/** True for the scopes that have totals. */
export const hasTotals = (scope: Scope): scope is TotalScope => (TOTAL_KINDS as readonly ScopeKind[]).includes(scope.kind);

/** The scopes an entry counts for, each once. */
export function scopesOf(entry: LedgerEntry): readonly TotalScope[] {
  const { adjusts, keyHash, userId, teamId, organizationId, projectId, endUser, tags } = entry;
  if (adjusts !== undefined) return [adjusts].filter(hasTotals);
  const named: readonly (readonly [TotalKind, string | undefined])[] = [
    ['key', keyHash],
    ['user', userId],
    ['team', teamId],
    ['member', userId === undefined || teamId === undefined ? undefined : pairId(teamId, userId)],
    ['organization', organizationId],
    ['project', projectId],
    ['customer', endUser],
    ...[...new Set(tags)].map((tag) => ['tag', tag] as const),
  ];
  const scopes = named.flatMap(([kind, id]) => (id === undefined || id === '' ? [] : [{ kind, id }]));
  return [...scopes, EVERYTHING];
}

/** The scopes whose calls are listed: those of the totals, but for keys and everything, which the ledger lists itself, and sessions by the client's name. */
export function listedUnder(entry: LedgerEntry): readonly Scope[] {
  const { sessionId } = entry;
  const scopes: Scope[] = scopesOf(entry).filter(({ kind }) => kind !== 'key' && kind !== 'global');
  if (sessionId !== undefined) scopes.push({ kind: 'session', id: sessionId });
  return scopes;
}

/** What an entry is told apart by within its scopes. */
export const dimensionsOf = (entry: LedgerEntry): Dimensions => ({
  day: dayOf(entry.at),
  keyHash: entry.keyHash,
  modelGroup: entry.modelGroup,
  model: entry.model ?? '',
  provider: entry.provider ?? '',
  route: entry.route,
  agent: agentOf(entry.userAgent),
});

/** Day in UTC of a moment (milliseconds since the epoch). */
export const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/**
 * The client program in a user agent: its first product, without the version.
 *
 * @example agentOf('OpenAI/Python 1.99.1') === 'OpenAI/Python'; agentOf('claude-cli/2.0.1 (external)') === 'claude-cli'
 */
export function agentOf(userAgent: string | undefined): string {
  const [product = ''] = (userAgent ?? '').trim().split(/[\s;(]/, 1);
  return product.replace(/\/v?\d.*$/, '');
}
