/**
 * The terminal step of counting: how many input tokens a request would have. The provider's own counter answers where its row has one;
 * where it has none, or it is out of order, the model's own tokenizer does where it is public, else our estimate; the answer says
 * which. Nothing is held: counting costs nothing.
 */
import { likelyInputTokens } from '../domain/estimate.ts';
import type { CountEndpoint, TokenCount } from '../endpoints/endpoint.ts';
import { GatewayError } from '../errors.ts';
import type { Exchange, Reply, Target } from '../exchange.ts';
import { createProviderCounter, isOutOfOrder, type ProviderCounter, type ProviderCounterDeps } from './provider-counter.ts';
import { providerOf, withoutPrefix } from '../providers/index.ts';
import { countInput } from './token-counter.ts';

/** Counts for the first target of the plan. Throws `GatewayError` for a request that the provider's counter refuses. */
export function createCount(deps: ProviderCounterDeps): (exchange: Exchange, endpoint: CountEndpoint) => Promise<Reply> {
  const ask = createProviderCounter(deps);
  return async function count(exchange, endpoint) {
    const [target] = exchange.plan;
    if (target === undefined) throw new GatewayError('internal', 'The plan of this request has no target.');
    exchange.target = target;
    const provider = providerOf(target.deployment.provider);
    const model = withoutPrefix(provider, target.model);
    const counted = await counterOf(ask, exchange, target);
    const { tokens, source } =
      counted === undefined
        ? await ourCount(exchange, { ...target, model })
        : ({ tokens: counted, source: 'provider' } as const);
    return replyOf(endpoint, { tokens, source, asked: exchange.generate.model, model, provider: provider.id });
  };
}

/** The provider's own figure; undefined where it has no counter, or none that works. */
async function counterOf(ask: ProviderCounter, exchange: Exchange, target: Target): Promise<number | undefined> {
  try {
    return await ask(exchange, target, exchange.signal);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    if (!isOutOfOrder(error) || exchange.signal.aborted) throw error;
    const reason = `The provider's counter failed (${error.kind}): this is our own count.`;
    exchange.warnings.push({ kind: 'changed', field: 'input_tokens', reason });
    return undefined;
  }
}

/** Our own figure: by the model's tokenizer where it is public. */
async function ourCount({ generate }: Exchange, target: Target): Promise<Pick<TokenCount, 'tokens' | 'source'>> {
  const counted = await countInput(generate, target);
  if (counted === undefined) return { tokens: likelyInputTokens(generate, target), source: 'estimated' };
  return { tokens: counted.tokens, source: counted.exact ? 'counted' : 'estimated' };
}

function replyOf(endpoint: CountEndpoint, count: TokenCount): Reply {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', 'x-tollgate-token-source': count.source },
    body: Buffer.from(JSON.stringify(endpoint.render(count))),
    done: Promise.resolve({ status: 'success' }),
  };
}
