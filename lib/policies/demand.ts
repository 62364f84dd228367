/** What a request may use at most, on whichever target of its plan is dearest, and how far the rest of a limit would carry it. */
import {
  choicesOf,
  estimateInputTokens,
  hostedToolBound,
  outputCap,
  requestedModifiers,
  searchContextSize,
  unusedClasses,
  webSearchBound,
} from '../domain/estimate.ts';
import type { TokenRateType } from '../domain/limits.ts';
import type { Counter } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { affordableOutput, worstCase, type Bound } from '../domain/price.ts';
import type { PriceSheet } from '../domain/price-types.ts';
import type { Exchange, Target } from '../exchange.ts';
import type { GenerateRequest } from '../kinds/generate.ts';
import type { Refusal } from './admission.ts';

/** The least output worth calling a provider for, tokens per answer; less only where less was asked for. */
const USEFUL_OUTPUT = 64;
/** The same where waiting a minute brings room again: a cut answer is then worth less than a repeat. */
const USEFUL_OUTPUT_OF_RATE = 1_024;

/** The most sources an answer may quote where the model's own limit is unknown, tokens; few models charge for them. */
const CITED_TOKENS = 128_000;

/** The most a request may use. */
export interface Ceiling {
  readonly targets: readonly TargetCeiling[];
  /** Output tokens of one answer, over all targets: lowered to make a request fit. */
  readonly outputTokens: number;
  /** Answers asked for. */
  readonly choices: number;
  /** Neither the client nor the catalog said how much a target may write. The cap then has to be sent along. */
  readonly assumed: boolean;
}

/** The most a request may use on one target. */
interface TargetCeiling {
  readonly input: Omit<Bound, 'outputTokens'>;
  /** Output tokens of one answer. */
  readonly outputTokens: number;
  /** Absent when the price is unknown. */
  readonly sheet?: PriceSheet;
  /** The provider cannot be told to write less. */
  readonly fixed: boolean;
}

/** The ceiling of an exchange, before any limit was asked. */
export function ceilingOf({ generate, plan }: Exchange): Ceiling {
  const shared = sharedBound(generate);
  const targets = plan.map((target) => ({
    input: {
      ...shared,
      units: { ...shared.units, citationTokens: target.maxInputTokens ?? CITED_TOKENS },
      inputTokens: estimateInputTokens(generate, target),
    },
    outputTokens: outputCap(generate, target),
    fixed: target.takesNoCap === true,
    ...(target.sheet === undefined ? {} : { sheet: target.sheet }),
  }));
  return {
    targets,
    outputTokens: Math.max(...targets.map(({ outputTokens }) => outputTokens)),
    choices: choicesOf(generate),
    assumed: generate.maxOutputTokens === undefined && plan.some(hasNoOutputLimit),
  };
}

const hasNoOutputLimit = ({ maxOutputTokens }: Target): boolean => maxOutputTokens === undefined;

/** What bounds the cost on every target alike. */
function sharedBound(request: GenerateRequest): Omit<Bound, 'inputTokens' | 'outputTokens'> {
  const modifiers = requestedModifiers(request);
  const size = searchContextSize(request);
  return {
    units: {
      webSearchRequests: webSearchBound(request),
      ...hostedToolBound(request),
      ...(size === undefined ? {} : { searchContextSize: size }),
    },
    excluded: unusedClasses(request),
    ...(request.serviceTier === undefined ? {} : { serviceTier: dearestTier(request.serviceTier) }),
    ...(modifiers.length === 0 ? {} : { modifiers }),
  };
}

/** `auto` leaves the tier to the provider, which may then bill the dearest that the account has. */
const dearestTier = (tier: string): string => (tier === 'auto' ? 'priority' : tier);

/** The most the request can cost, 1e-12 USD: on the dearest of its targets. */
export function costCeiling(ceiling: Ceiling): Money {
  return ceiling.targets.reduce((most, target) => {
    if (target.sheet === undefined) return most;
    const cost = worstCase(target.sheet, { ...target.input, outputTokens: outputOf(ceiling, target) });
    return cost > most ? cost : most;
  }, 0n);
}

/** The most tokens of a kind, all answers together. */
export function tokenCeiling(ceiling: Ceiling, type: TokenRateType): number {
  const counts = ceiling.targets.map((target) => {
    const [input, output] = [target.input.inputTokens, outputOf(ceiling, target)];
    if (type === 'input') return input;
    return type === 'output' ? output : input + output;
  });
  return Math.max(...counts);
}

/** Output tokens of all answers on one target. */
const outputOf = (ceiling: Ceiling, target: TargetCeiling): number =>
  Math.min(ceiling.outputTokens, target.outputTokens) * ceiling.choices;

/**
 * The ceiling with the output cut to what the refusing limits still have room for; undefined when that is not enough for a useful
 * answer, or when size was not the matter.
 */
export function shrink(ceiling: Ceiling, refusals: readonly Refusal[]): Ceiling | undefined {
  let { outputTokens } = ceiling;
  for (const { counter, request, meter } of refusals) {
    if (!isOfOutput(counter)) return undefined;
    const committed = meter.committed[counter] ?? 0n;
    const room = (request.limits[counter] ?? 0n) - committed;
    const fits = Math.min(...ceiling.targets.map((target) => fittingOutput(ceiling, target, counter, room)));
    const useful = counter !== 'usd' && committed > 0n ? USEFUL_OUTPUT_OF_RATE : USEFUL_OUTPUT;
    if (fits < Math.min(useful, ceiling.outputTokens)) return undefined;
    outputTokens = Math.min(outputTokens, fits);
  }
  return { ...ceiling, outputTokens };
}

/**
 * The most output tokens of one answer of a target that a sum of money pays for beside the input, `Infinity` where that is as many as it
 * may write; undefined when it is not enough for a useful answer, or the price is unknown. A lower `cap` that was set before counts.
 */
export function outputPaidBy(exchange: Exchange, target: Target, room: Money, cap = Infinity): number | undefined {
  const {
    targets: [only],
    ...whole
  } = ceilingOf({ ...exchange, plan: [target] });
  if (only?.sheet === undefined) return undefined;
  const ceiling: Ceiling = { ...whole, targets: [only], outputTokens: Math.min(whole.outputTokens, cap) };
  if (costCeiling(ceiling) <= room) return cap;
  const fits = fittingOutput(ceiling, only, 'usd', room);
  return fits < Math.min(USEFUL_OUTPUT, ceiling.outputTokens) ? undefined : Math.min(fits, cap);
}

/** What a smaller output makes smaller. */
type OutputCounter = Extract<Counter, 'usd' | 'tokens' | 'output_tokens'>;

const isOfOutput = (counter: Counter): counter is OutputCounter =>
  counter === 'usd' || counter === 'tokens' || counter === 'output_tokens';

/** Output tokens of one answer that the room has place for on a target; its own cap needs no lowering where that fits. */
function fittingOutput(ceiling: Ceiling, target: TargetCeiling, counter: OutputCounter, room: bigint): number {
  let fits: number;
  if (counter === 'output_tokens') fits = Math.floor(Number(room) / ceiling.choices);
  else if (counter === 'tokens') fits = Math.floor((Number(room) - target.input.inputTokens) / ceiling.choices);
  else if (target.sheet === undefined) return Infinity;
  else fits = affordableOutput(target.sheet, { ...target.input, headroom: room, choices: ceiling.choices });
  if (fits >= target.outputTokens) return Infinity;
  return target.fixed ? 0 : fits;
}
