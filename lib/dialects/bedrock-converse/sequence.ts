/** Puts the events of blocks in order: one block after the other, in order of their first event. What comes for a later one waits. */
import type { GenerateEvent } from '../../kinds/generate.ts';

/** An event that belongs to a block. */
export type BlockEvent = Extract<GenerateEvent, { block: number }>;

const ENDS: ReadonlySet<BlockEvent['type']> = new Set(['text-end', 'reasoning-end', 'tool-call-end', 'media', 'opaque']);

/** The events of one answer on their way to a dialect that knows one open block at a time. */
export class BlockSequence {
  readonly #waiting = new Map<number, BlockEvent[]>();
  #current: number | undefined;
  /** A refusal has no end of its own: the next block ends it. */
  #endless = false;

  /** Events that may be told now. A block is over when its end was among them, or when the next one begins. */
  take(event: BlockEvent): readonly BlockEvent[] {
    if (this.#current !== event.block && this.#endless) this.#current = undefined;
    if (this.#current !== undefined && this.#current !== event.block) {
      this.#wait(event);
      return [];
    }
    return [event, ...this.#told(event)];
  }

  /** What still waits, when no more will come. */
  flush(): readonly BlockEvent[] {
    const rest = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    return rest;
  }

  #wait(event: BlockEvent): void {
    const queue = this.#waiting.get(event.block);
    if (queue === undefined) this.#waiting.set(event.block, [event]);
    else queue.push(event);
  }

  /** Remembers what an event means for its block; the blocks that waited for its end follow. */
  #told(event: BlockEvent): readonly BlockEvent[] {
    this.#endless = event.type === 'refusal-delta';
    this.#current = ENDS.has(event.type) ? undefined : event.block;
    return this.#current === undefined ? this.#drain() : [];
  }

  #drain(): readonly BlockEvent[] {
    const ready: BlockEvent[] = [];
    for (const [block, events] of this.#waiting) {
      if (this.#current !== undefined && !this.#endless) break;
      this.#waiting.delete(block);
      ready.push(...events);
      const last = events.at(-1);
      this.#endless = last?.type === 'refusal-delta';
      this.#current = last === undefined || ENDS.has(last.type) ? undefined : block;
    }
    return ready;
  }
}
