/** What encoders of answers share: each loss is told once, each call has an id of its own. */
import type { Warning } from '../kinds/generate.ts';
import type { ReplyContext } from './dialect.ts';

/** Tells the client of a loss in `field`; `kind` is `dropped` unless said otherwise. */
export type WarnOnce = (field: string, reason: string, kind?: Warning['kind']) => void;

/** Tells the client of each kind of loss once. */
export function warnOnce(context: ReplyContext): WarnOnce {
  const told = new Set<string>();
  return (field, reason, kind = 'dropped') => {
    if (told.has(field)) return;
    told.add(field);
    context.warn({ kind, field, reason });
  };
}

/** Ids for the tool calls of one answer: the provider's, or one of ours (`prefix`) where it gave none or gave it twice. */
export function callIds(context: ReplyContext, prefix: string): (given: string) => string {
  const used = new Set<string>();
  return (given) => {
    const id = given === '' || used.has(given) ? `${prefix}_${context.id}_${used.size}` : given;
    used.add(id);
    return id;
  };
}
