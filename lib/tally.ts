/** What an answer used: as the provider counts it, and as it is estimated where nobody counted. */
import type { Unreported } from './domain/estimate.ts';
import type { GatewayError } from './errors.ts';
import type { Outcome } from './exchange.ts';
import type { GenerateEvent } from './kinds/generate.ts';
import { mergeUsage, type Usage } from './kinds/usage.ts';

/** Counts output that no provider counted, for streams that ended early. */
export interface Estimator {
  push(event: GenerateEvent): void;
  /** Estimated figures of everything seen so far, input included. */
  usage(): Usage;
  /** What of it the provider has not counted. */
  unreported(): Unreported;
}

const NONE: readonly GenerateEvent[] = [];

/** Follows the events of an answer: the usage so far, the error if there was one. */
export class Tally {
  usage: Usage | undefined;
  error: GatewayError | undefined;
  /** True once the model wrote something. */
  spoke = false;
  readonly #estimator: Estimator;
  /** Events of a whole answer, which are weighed only where the provider did not count. */
  #unweighed = NONE;

  constructor(estimator: Estimator) {
    this.#estimator = estimator;
  }

  push(event: GenerateEvent): void {
    this.#note(event);
    this.#weigh();
    this.#estimator.push(event);
  }

  /** All events of an answer that was read whole. */
  take(events: readonly GenerateEvent[]): void {
    for (const event of events) this.#note(event);
    this.#unweighed = events;
  }

  #note(event: GenerateEvent): void {
    if (event.type === 'usage') this.usage = mergeUsage(this.usage, event.usage);
    else if (event.type === 'error') this.error ??= event.error;
    else if (event.type !== 'start' && event.type !== 'finish') this.spoke = true;
  }

  #weigh(): void {
    for (const event of this.#unweighed) this.#estimator.push(event);
    this.#unweighed = NONE;
  }

  #estimate(): Usage {
    this.#weigh();
    return this.#estimator.usage();
  }

  /** The usage event a provider left out, estimated: clients rely on there being one. */
  missing(): readonly GenerateEvent[] {
    if (this.usage !== undefined || this.error !== undefined || !this.spoke) return [];
    return [{ type: 'usage', usage: this.#estimate() }];
  }

  /** What to settle: the provider's figures, completed by estimates where the answer broke off. */
  settled(status: Outcome['status']): Usage | undefined {
    const counted = status === 'success' ? this.usage?.outputTokens : undefined;
    if (counted !== undefined && this.usage?.inputTokens !== undefined) return this.usage;
    if (status === 'error' && !this.spoke && this.usage === undefined) return undefined;
    const estimate = this.#estimate();
    if (this.usage === undefined) return estimate;
    // A provider's running output figure may lag behind what it has already sent: the larger one counts.
    const outputTokens = counted ?? Math.max(this.usage.outputTokens ?? 0, estimate.outputTokens ?? 0);
    return { ...estimate, ...this.usage, outputTokens, source: 'estimated' };
  }
}
