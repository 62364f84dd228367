/** What calls cost, without making them: `POST /cost/estimate` and `POST /spend/calculate`, priced as the calls themselves would be. */
import * as z from 'zod/mini';
import { mayCall, resolveAlias } from '../../domain/access.ts';
import type { Deployment } from '../../domain/model.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import { matchFor } from '../../domain/offer.ts';
import type { Cost } from '../../domain/price-types.ts';
import { INPUT_CLASSES, OUTPUT_CLASSES, ratesAt, type Rate } from '../../domain/rate.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller, Target } from '../../exchange.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { parseModel, providers } from '../../providers/index.ts';
import { isViewer } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, count, text } from '../input.ts';

const AS_PART = 'is counted within';

/** The body of `/cost/estimate`. */
export const estimateInput = z
  .looseObject({
    model: text(512),
    input_tokens: count,
    output_tokens: count,
    cache_read_input_tokens: z._default(z.nullable(count), 0),
    cache_creation_input_tokens: z._default(z.nullable(count), 0),
    reasoning_tokens: z._default(z.nullable(count), 0),
    num_requests_per_day: z.nullish(count),
    num_requests_per_month: z.nullish(count),
  })
  .check(
    z.refine((input) => (input.cache_read_input_tokens ?? 0) + (input.cache_creation_input_tokens ?? 0) <= input.input_tokens, {
      path: ['input_tokens'],
      message: `expected at least the cached tokens: cache_*_input_tokens ${AS_PART} it`,
    }),
    z.refine((input) => (input.reasoning_tokens ?? 0) <= input.output_tokens, {
      path: ['output_tokens'],
      message: `expected at least the reasoning tokens: reasoning_tokens ${AS_PART} it`,
    }),
  );

/**
 * `POST /cost/estimate`: what a request of so many tokens costs, and so many of them a day or a month, in LiteLLM's fields. Amounts in
 * USD; discounts and margins are part of them. Where a name has several deployments, the first with a price answers.
 *
 * @throws GatewayError `invalid_request`, `permission`, `not_found` when the price of the model is unknown
 */
export async function estimateCost(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const input = check(estimateInput, body);
  const usage: Usage = {
    inputTokens: input.input_tokens,
    outputTokens: input.output_tokens,
    cacheReadTokens: input.cache_read_input_tokens ?? 0,
    cacheWriteTokens: input.cache_creation_input_tokens ?? 0,
    reasoningTokens: input.reasoning_tokens ?? 0,
    source: 'estimated',
  };
  const { target, cost } = await priced(deps, caller, input.model, usage);
  const lines = linesOf(cost);
  return {
    model: input.model,
    input_tokens: input.input_tokens,
    output_tokens: input.output_tokens,
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    reasoning_tokens: usage.reasoningTokens,
    num_requests_per_day: input.num_requests_per_day ?? null,
    num_requests_per_month: input.num_requests_per_month ?? null,
    ...linesFor(lines, (name) => `${name}_per_request`, 1),
    ...linesFor(lines, (name) => `daily_${name}`, input.num_requests_per_day ?? 0),
    ...linesFor(lines, (name) => `monthly_${name}`, input.num_requests_per_month ?? 0),
    ...tokenRates(target, input.input_tokens),
    provider: target.deployment.provider,
  };
}

/** Parts of a cost under LiteLLM's names: the cache lines are shares of the input, reasoning of the output. */
function linesOf({ total, parts }: Cost): Readonly<Record<string, Money>> {
  const sum = (...names: readonly string[]): Money => names.reduce((all, name) => all + (parts[name] ?? 0n), 0n);
  return {
    cost: total,
    input_cost: sum(...INPUT_CLASSES),
    output_cost: sum(...OUTPUT_CLASSES),
    margin_cost: sum('margin'),
    discount_cost: sum('discount'),
    cache_read_cost: sum('cache_read'),
    cache_creation_cost: sum('cache_write', 'cache_write_1h'),
    reasoning_cost: sum('reasoning'),
  };
}

/** The lines so many times, under their names; null for no requests. */
const linesFor = (lines: Readonly<Record<string, Money>>, nameOf: (line: string) => string, requests: number): JsonObject =>
  Object.fromEntries(
    Object.entries(lines).map(([line, amount]) => [
      nameOf(line),
      requests === 0 ? null : toUsdNumber(amount * BigInt(requests)),
    ]),
  );

/** The prices of a token that such a request would have, USD. */
function tokenRates({ sheet }: Target, inputTokens: number): JsonObject {
  const rates = sheet && ratesAt(sheet.prices, { inputTokens, modifiers: sheet.modifiers ?? [] });
  const usd = (rate: Rate | undefined): number | null => (rate === undefined ? null : Number(`${rate}e-18`));
  return {
    input_cost_per_token: usd(rates?.input),
    output_cost_per_token: usd(rates?.output),
    cache_read_input_token_cost: usd(rates?.cache_read),
    cache_creation_input_token_cost: usd(rates?.cache_write),
    output_cost_per_reasoning_token: usd(rates?.reasoning),
  };
}

/**
 * `POST /spend/calculate`: `{cost}` in USD, before a call by its `model` and `messages` (the input alone), or after it by its
 * `completion_response`, an answer of OpenAI's chat, Responses or completions, or of Anthropic's messages.
 *
 * @throws GatewayError `invalid_request`, `permission`, `not_found` when the price of the model is unknown
 */
export async function calculateSpend(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const answer = body['completion_response'] ?? undefined;
  if (answer !== undefined) {
    if (!isObject(answer)) throw invalid('completion_response', 'expected an object');
    const usage = await deps.reader.usageOf(answer);
    if (usage === undefined) throw invalid('completion_response', 'expected an answer with its `usage`');
    const model = check(text(512), body['model'] ?? answer['model'], 'model');
    const { cost } = await priced(deps, caller, model, usage);
    return { cost: toUsdNumber(cost.total) };
  }
  if (!Array.isArray(body['messages'])) {
    throw invalid('messages', 'expected `model` and a list of `messages`, or a `completion_response`');
  }
  const model = check(text(512), body['model'], 'model');
  const target = await targetOf(deps, caller, model);
  const inputTokens = await deps.reader.inputTokens(body, target);
  return { cost: toUsdNumber(costOf(target, model, { inputTokens, outputTokens: 0, source: 'estimated' }).total) };
}

const invalid = (param: string, fault: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${fault}`, { param });

/** The cost of a usage at a model, and where it would be served. */
async function priced(
  deps: ManagementDeps,
  caller: Caller,
  name: string,
  usage: Usage,
): Promise<{ readonly target: Target; readonly cost: Cost }> {
  const target = await targetOf(deps, caller, name);
  return { target, cost: costOf(target, name, usage) };
}

function costOf(target: Target, name: string, usage: Usage): Cost {
  const cost = target.price?.(usage);
  if (cost !== undefined) return cost;
  throw new GatewayError('not_found', `model: the price of '${name}' is unknown`, { type: 'not_found_error', param: 'model' });
}

/** The first target of a name that has a price, or the first; a model that nobody deployed is priced as the catalog has it. */
async function targetOf(deps: ManagementDeps, caller: Caller, asked: string): Promise<Target> {
  const name = caller.type === 'key' ? resolveAlias(caller.key.aliases, asked) : asked;
  if (caller.type === 'key' && !mayCall(caller.key.models, name) && !mayCall(caller.key.models, asked)) {
    throw new GatewayError('permission', `model: this key may not call '${asked}'`, { param: 'model' });
  }
  // Deployments of a team are nobody else's to know.
  const audience =
    caller.type === 'key' && !isViewer(caller) ? (caller.key.teamId ?? caller.project?.teamId ?? null) : undefined;
  const matches = matchFor(await deps.deployments(), name, audience);
  const known = matches.length > 0 ? matches : await catalogMatch(deps, name);
  const targets = await Promise.all(known.map(({ deployment, model }) => deps.target(deployment, model)));
  const target = targets.find(({ price }) => price !== undefined) ?? targets[0];
  if (target !== undefined) return target;
  throw new GatewayError('not_found', `model: '${asked}' is neither deployed nor in the catalog`, {
    type: 'not_found_error',
    param: 'model',
  });
}

type Matches = readonly { readonly deployment: Deployment; readonly model: string }[];

/** A model by its name in the catalog (`gpt-4o`, `groq/llama-3.3-70b-versatile`), as if it were deployed. */
async function catalogMatch({ catalog }: ManagementDeps, name: string): Promise<Matches> {
  const parsed = parseModel(name);
  const facts = await catalog.named(name);
  const provider = facts !== undefined && providers.has(facts.provider) ? facts.provider : parsed?.provider;
  if (provider === undefined) return [];
  const deployment: Deployment = {
    id: '',
    modelName: name,
    provider,
    model: parsed?.model ?? name,
    credential: { type: 'none' },
    ...(facts === undefined ? {} : { baseModel: facts.name }),
    info: {},
    source: 'config',
  };
  return [{ deployment, model: deployment.model }];
}
