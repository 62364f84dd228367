/** The events of a response that is made in the background, on their way to whoever reads along, and to the store. */

/** A stream that is written whether anybody reads it or not; once its reader left, nothing is kept for it. */
export class Live implements AsyncIterable<Uint8Array> {
  #waiting: Uint8Array[] = [];
  #ended = false;
  #left = false;
  #wake: () => void = () => {};

  push(bytes: Uint8Array): void {
    if (this.#left || bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const ready = this.#waiting;
        this.#waiting = [];
        yield* ready;
        if (this.#waiting.length > 0) continue;
        if (this.#ended) return;
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    } finally {
      this.#left = true;
      this.#waiting = [];
    }
  }
}

/** Most bytes of events in one part of the store. */
const PART_BYTES = 256 * 1024;

/** The events as the store keeps them: parts of a stream of bytes, cut anywhere. */
export class EventLog {
  readonly #append: (part: number, bytes: Uint8Array) => Promise<void>;
  #pending: Uint8Array[] = [];
  #part = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(append: (part: number, bytes: Uint8Array) => Promise<void>) {
    this.#append = append;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#pending.push(bytes);
  }

  /** Stores what is not stored yet, after what is being stored. Rejects when the store fails: what is left goes with the next time. */
  flush(): Promise<void> {
    const write = (): Promise<void> => this.#write();
    this.#last = this.#last.then(write, write);
    return this.#last;
  }

  async #write(): Promise<void> {
    let bytes = Buffer.concat(this.#pending.splice(0));
    try {
      while (bytes.length > 0) {
        await this.#append(this.#part, bytes.subarray(0, PART_BYTES));
        this.#part++;
        bytes = bytes.subarray(PART_BYTES);
      }
    } catch (error) {
      this.#pending.unshift(bytes);
      throw error;
    }
  }
}
