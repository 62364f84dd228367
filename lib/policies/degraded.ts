/** What becomes of a call whose limits cannot be asked: declared per kind of limit, never by accident, and always told. */
import type { HoldRequest } from '../domain/meter.ts';
import type { GatewayError } from '../errors.ts';
import { counted, type Log } from '../log.ts';

/** Kinds of limits that can differ in this. */
export const LIMIT_KINDS = ['budget', 'rate', 'parallel'] as const;

/** One of them. */
export type LimitKind = (typeof LIMIT_KINDS)[number];

/** `closed` refuses the call with 503, `open` lets it through uncounted. Absent means closed. */
export type OnStoreFailure = Readonly<Partial<Record<LimitKind, 'open' | 'closed'>>>;

const kindOf = ({ amounts }: HoldRequest): LimitKind => {
  if (amounts.usd !== undefined) return 'budget';
  return amounts.parallel === undefined ? 'rate' : 'parallel';
};

/** May the call go on without this hold? */
export const mayGoOn = (choice: OnStoreFailure | undefined, request: HoldRequest): boolean =>
  choice?.[kindOf(request)] === 'open';

/** Why a store did not do as asked, in a word. By the names of the SDK's errors. */
export function faultOf({ detail }: GatewayError): 'throttled' | 'conflict' | 'timeout' | 'unavailable' {
  const name = detail.cause instanceof Error ? detail.cause.name : '';
  if (/Throttl|ThroughputExceeded|RequestLimit/.test(name)) return 'throttled';
  if (/Conflict|InProgress/.test(name)) return 'conflict';
  return /Timeout|Abort/.test(name) ? 'timeout' : 'unavailable';
}

/** Tells of a limit that was not asked, as a log line and as the metric `LimitSkipped`. */
export function reportSkipped(
  { log, now }: { readonly log: Log; readonly now: () => number },
  request: HoldRequest,
  callId: string,
  error: GatewayError,
): void {
  log('error', 'a limit was skipped: its store failed', {
    ...counted('LimitSkipped', { limit: kindOf(request), fault: faultOf(error) }, now()),
    id: callId,
    scope: request.scope.kind,
    meter: request.meter,
  });
}
