/** What the ledger says of a finished call. */
import type { LedgerEntry, LostAttempt } from '../domain/ledger-entry.ts';
import { meterMark } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import type { Exchange, Outcome, Target } from '../exchange.ts';
import type { Warning } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { Usage } from '../kinds/usage.ts';
import { clipWord, ownerOf } from './owner.ts';

/** Longest texts kept, characters, and most items of a list: a client must not be able to make an entry that no store takes. */
const LONGEST_MESSAGE = 2_000;
const LARGEST_METADATA = 8_192;
const MOST_ITEMS = 50;

/** How a call ended, and what was held for it. */
export interface Ending {
  readonly outcome: Outcome;
  readonly httpStatus: number;
  readonly held?: Money;
  /** Meters in which that was held. */
  readonly heldIn?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The entry of a call. Costs come from the target that answered; a call that consumed nothing costs nothing. */
export function entryOf(exchange: Exchange, { outcome, httpStatus, held, heldIn, now }: Ending): LedgerEntry {
  const { target, request, generate, warnings } = exchange;
  const userAgent = request.headers['user-agent'];
  return {
    id: exchange.id,
    at: exchange.receivedAt,
    endedAt: now,
    status: outcome.status,
    ...ownerOf(exchange),
    kind: 'generate',
    route: exchange.route,
    clientDialect: exchange.dialect,
    modelGroup: clipWord(exchange.modelName),
    ...(target === undefined ? {} : servedBy(target)),
    ...(exchange.upstreamDialect === undefined ? {} : { upstreamDialect: exchange.upstreamDialect }),
    stream: generate.stream,
    httpStatus,
    ...(outcome.error === undefined
      ? {}
      : { error: { kind: outcome.error.kind, message: outcome.error.message.slice(0, LONGEST_MESSAGE) } }),
    ...(outcome.usage === undefined ? {} : { usage: outcome.usage }),
    ...costFields(target, outcome.usage, exchange.lost),
    ...(exchange.lost.length === 0 ? {} : { lost: exchange.lost }),
    ...(held === undefined ? {} : { held }),
    ...(heldIn === undefined ? {} : { heldIn: heldIn.map(meterMark) }),
    attempts: exchange.attempts,
    durationMs: now - exchange.receivedAt,
    ...(outcome.firstByteMs === undefined ? {} : { firstByteMs: outcome.firstByteMs }),
    ...(outcome.firstTokenMs === undefined ? {} : { firstTokenMs: outcome.firstTokenMs }),
    ...(request.ip === undefined ? {} : { ip: request.ip }),
    ...(userAgent === undefined ? {} : { userAgent: clipWord(userAgent) }),
    ...(warnings.length === 0 ? {} : { warnings: warnings.slice(0, MOST_ITEMS).map(warningText) }),
    ...metadataFields(generate.metadata),
  };
}

const warningText = ({ kind, field, reason }: Warning): string => `${kind} ${field}: ${reason}`.slice(0, LONGEST_MESSAGE);

/** The client's metadata; of what is too large to keep, only that it was. */
function metadataFields(metadata: JsonObject | undefined): Pick<LedgerEntry, 'metadata'> {
  if (metadata === undefined) return {};
  const size = JSON.stringify(metadata).length;
  return { metadata: size <= LARGEST_METADATA ? metadata : { omitted: `${size} characters` } };
}

const servedBy = ({ deployment, model }: Target): Pick<LedgerEntry, 'provider' | 'model' | 'deploymentId'> => ({
  provider: deployment.provider,
  model: clipWord(model),
  deploymentId: deployment.id,
});

type CostFields = Pick<LedgerEntry, 'cost' | 'costParts' | 'price'>;

/** What the call cost, its lost attempts included: of those, what has no price is named as missing. */
function costFields(target: Target | undefined, usage: Usage | undefined, lost: readonly LostAttempt[]): CostFields {
  const own = ownCost(target, usage);
  if (lost.length === 0 || own.cost === undefined) return own;
  const spent = lost.reduce((sum, { cost = 0n }) => sum + cost, 0n);
  const missing = lost.flatMap(({ cost, model }) => (cost === undefined ? [`lost attempt at ${model}`] : []));
  const unpriced = [...(own.price.unpriced ?? []), ...missing];
  return {
    cost: own.cost + spent,
    costParts: { ...own.costParts, lost: spent },
    price: { ...own.price, ...(unpriced.length === 0 ? {} : { unpriced }) },
  };
}

function ownCost(target: Target | undefined, usage: Usage | undefined): CostFields {
  const sheet = target?.sheet;
  const price = sheet === undefined ? { source: 'unknown' as const } : { source: sheet.source, version: sheet.version };
  if (usage === undefined) return { cost: 0n, price };
  const cost = target?.price?.(usage);
  if (cost === undefined) return { price: { source: 'unknown' } };
  const { total, parts, ...origin } = cost;
  return { cost: total, costParts: parts, price: origin };
}
