/** One call on the wire: follows undici's events from the first byte out to the last byte in. */
import { GatewayError } from '../errors.ts';
import { faultOf, isSocketLoss } from './http-fault.ts';
import type { Headers } from './message.ts';
import type { Connection, ConnectionAware, DispatchController } from './undici.ts';

/** Bytes that may wait for their reader before the socket is paused. */
const HIGH_WATER = 128 * 1024;

/** What bounds one call: who may end it, and time limits in milliseconds. */
export interface CallLimits {
  readonly signal?: AbortSignal | undefined;
  /** Until the connection stands. */
  readonly connectTimeoutMs?: number | undefined;
  /** From when the connection stands until the answer's headers are in; bounds connecting as well. */
  readonly headersTimeoutMs?: number | undefined;
  /** Asked at the last moment before the call goes out; the error that keeps it from it, if any. */
  readonly refusal?: (() => GatewayError | undefined) | undefined;
  /** Told once, when the call is over, however it ended. */
  readonly onEnd?: () => void;
}

/** Status and headers (lower case, repeated ones comma-joined) of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: Headers;
}

type Reader = { readonly resolve: (result: IteratorResult<Uint8Array>) => void; readonly reject: (error: unknown) => void };

const DONE: IteratorResult<Uint8Array> = { done: true, value: undefined };

/**
 * The handler of one call, and the body of its answer as an async iterable. Each turn of the iteration yields all that arrived
 * since the last one. Leaving the iteration early closes the connection; a connection that breaks throws `GatewayError`.
 */
export class Incoming implements ConnectionAware, AsyncIterableIterator<Uint8Array> {
  connection?: Connection;
  /** Settles when the headers are in. */
  readonly head: Promise<AnswerHead>;
  readonly #limits: CallLimits;
  #settleHead!: { resolve: (head: AnswerHead) => void; reject: (error: GatewayError) => void };
  #controller: DispatchController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sent = false;
  #reused = false;
  #answering = false;
  #repeatable = false;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #waking = false;
  #ended = false;
  #fault: GatewayError | undefined;
  #reader: Reader | undefined;

  constructor(limits: CallLimits) {
    this.#limits = limits;
    this.head = new Promise((resolve, reject) => {
      this.#settleHead = { resolve, reject };
    });
    if (limits.signal?.aborted === true) {
      this.#onAbort();
      return;
    }
    limits.signal?.addEventListener('abort', this.#onAbort);
    this.#arm(least(limits.connectTimeoutMs, limits.headersTimeoutMs), 'The provider could not be reached in time.');
  }

  /** True when there is nothing to send any more: the signal had fired before the call began. */
  get failed(): boolean {
    return this.#fault !== undefined;
  }

  /** True when the call failed on a kept connection before a byte of the answer came: nobody worked on it, so it may be sent again. */
  get repeatable(): boolean {
    return this.#repeatable;
  }

  /** True once the call began to go out. */
  get sent(): boolean {
    return this.#sent;
  }

  onRequestStart(controller: DispatchController): void {
    const refusal = this.#fault ?? this.#limits.refusal?.();
    if (refusal !== undefined) {
      this.#fail(refusal);
      return controller.abort(refusal);
    }
    this.#controller = controller;
    this.#sent = true;
    this.#reused = this.connection?.reused === true;
    this.#arm(this.#limits.headersTimeoutMs, 'The provider did not begin to answer in time.');
  }

  onResponseStarted(): void {
    this.#answering = true;
  }

  onResponseStart(
    _controller: DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#arm(undefined, '');
    this.#settleHead.resolve({ status, headers: joined(headers) });
  }

  onResponseData(controller: DispatchController, chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= HIGH_WATER) controller.pause();
    this.#wake();
  }

  onResponseEnd(): void {
    if (this.connection !== undefined) this.connection.reused = true;
    this.#ended = true;
    this.#release();
    this.#wake();
  }

  onResponseError(_controller: DispatchController | null, error: Error): void {
    this.#repeatable = this.#reused && !this.#answering && isSocketLoss(error);
    this.#fail(faultOf(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      if (this.#size > 0 || this.#ended || this.#fault !== undefined) this.#deliver(reader);
      else this.#reader = reader;
    });
  }

  /** Ends the iteration; closes the connection when the answer is not over. */
  return(): Promise<IteratorResult<Uint8Array>> {
    this.#chunks = [];
    this.#size = 0;
    if (!this.#ended && this.#fault === undefined) {
      this.#ended = true;
      this.#release();
      this.#controller?.abort(new GatewayError('client_closed', 'The answer was not read to its end.'));
    }
    return Promise.resolve(DONE);
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#limits.signal?.reason;
    this.#abort(
      reason instanceof GatewayError ? reason : new GatewayError('client_closed', 'The client closed the connection.'),
    );
  };

  #abort(fault: GatewayError): void {
    this.#fail(fault);
    this.#controller?.abort(fault);
  }

  #fail(fault: GatewayError): void {
    if (this.#ended || this.#fault !== undefined) return;
    this.#fault = fault;
    this.#release();
    this.#settleHead.reject(fault);
    this.#wake();
  }

  #arm(milliseconds: number | undefined, text: string): void {
    clearTimeout(this.#timer);
    if (milliseconds === undefined) return;
    this.#timer = setTimeout(() => this.#abort(new GatewayError('timeout', text)), milliseconds);
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#limits.signal?.removeEventListener('abort', this.#onAbort);
    this.#limits.onEnd?.();
  }

  /** Hands over in a microtask: by then every chunk of this read of the socket is here. */
  #wake(): void {
    if (this.#reader === undefined || this.#waking) return;
    this.#waking = true;
    queueMicrotask(() => {
      this.#waking = false;
      const reader = this.#reader;
      this.#reader = undefined;
      if (reader !== undefined) this.#deliver(reader);
    });
  }

  #deliver(reader: Reader): void {
    if (this.#size > 0) reader.resolve({ done: false, value: this.#take() });
    else if (this.#fault !== undefined) reader.reject(this.#fault);
    else reader.resolve(DONE);
  }

  #take(): Uint8Array {
    const [first] = this.#chunks;
    const taken = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#size);
    this.#chunks = [];
    this.#size = 0;
    if (this.#controller?.paused === true) this.#controller.resume();
    return taken;
  }
}

function joined(headers: Record<string, string | string[] | undefined>): Headers {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}

const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || (b !== undefined && b < a) ? b : a;
