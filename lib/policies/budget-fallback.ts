/** Cheaper models once a budget is spent: the key says which. Nothing was sent or held yet when a call is turned to one of them. */
import { GatewayError } from '../errors.ts';
import type { Exchange, Reply } from '../exchange.ts';
import { onlyWhere, type Policy } from './policy.ts';

/** The entry of a key's fallbacks that counts when its whole budget has no room for the model asked for. */
const WHOLE_BUDGET = '*';

/**
 * Goes on with the models that the key names for the one asked for, in order, when that one's budget is spent: `{"gpt-4o": ["gpt-4o-mini"]}`.
 * Those under `*` are for the key's budget as a whole. Each is checked, routed and admitted like the first one. When none can be called,
 * the first refusal stands.
 */
export function budgetFallback(): Policy {
  return onlyWhere(hasFallbacks, async function budgetFallbackPolicy(exchange, next) {
    try {
      return await next();
    } catch (refusal) {
      const { generate } = exchange;
      for (const model of fallbacksOf(exchange, refusal)) {
        const reason = `The budget of "${generate.model}" is spent; "${model}" is called instead.`;
        exchange.warnings.push({ kind: 'changed', field: 'model', reason });
        exchange.generate = { ...generate, model };
        const reply = await attempt(exchange, next);
        if (reply !== undefined) return { ...reply, headers: { ...reply.headers, 'x-tollgate-budget-fallback': model } };
        exchange.warnings.pop();
      }
      exchange.generate = generate;
      throw refusal;
    }
  });
}

const hasFallbacks = ({ caller }: Exchange): boolean => caller?.type === 'key' && caller.key.budgetFallbacks !== undefined;

/** Models to try, given why the call was refused. */
function fallbacksOf({ caller, generate, modelName }: Exchange, refusal: unknown): readonly string[] {
  const fallbacks = caller?.type === 'key' ? caller.key.budgetFallbacks : undefined;
  if (fallbacks === undefined || !(refusal instanceof GatewayError) || refusal.kind !== 'budget_exceeded') return [];
  const { facts = {} } = refusal.detail;
  if (facts['scope'] !== 'key') return [];
  const names = facts['model'] === undefined ? [WHOLE_BUDGET] : [generate.model, modelName];
  return (
    names
      .map((name) => (Object.hasOwn(fallbacks, name) ? fallbacks[name] : undefined))
      .find((models) => models !== undefined) ?? []
  );
}

const PASSED_OVER: ReadonlySet<GatewayError['kind']> = new Set(['budget_exceeded', 'rate_limit', 'permission', 'not_found']);

/** The reply; undefined where this model may not be called, has no budget left either, or is nowhere. What a provider said stands. */
async function attempt(exchange: Exchange, next: () => Promise<Reply>): Promise<Reply | undefined> {
  const { attempts } = exchange;
  try {
    return await next();
  } catch (error) {
    if (error instanceof GatewayError && PASSED_OVER.has(error.kind) && exchange.attempts === attempts) return undefined;
    throw error;
  }
}
