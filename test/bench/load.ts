/**
 * A closed-loop load generator: N callers on raw sockets, each sends its next request when the last one ended. Written over node:net
 * because it shares the machine with what it measures. Every answer is checked: status, length or all chunks, end of stream.
 */
import { connect, type Socket } from 'node:net';
import { CHUNKS } from './shape.ts';

/** What to send where. */
export interface Load {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: boolean;
  readonly concurrency: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
}

/** What came of it. Latencies in milliseconds. */
export interface Measured {
  readonly answers: number;
  readonly failures: number;
  readonly firstFailure?: string;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
  /** First byte of the body, streams only. */
  readonly firstP50?: number;
  /** CPU seconds of the generator itself. */
  readonly ownCpuSeconds: number;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Bytes of the request: about 300 bytes of prompt. */
function wireOf(load: Load): Buffer {
  const body = JSON.stringify({
    model: 'gpt-4o-mini',
    messages: [
      { role: 'system', content: 'You are terse.' },
      { role: 'user', content: `Say hello. ${'x'.repeat(200)}` },
    ],
    temperature: 0.2,
    ...(load.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
  const headers = Object.entries({
    'content-type': 'application/json',
    ...load.headers,
    'content-length': String(Buffer.byteLength(body)),
  });
  return Buffer.from(
    `POST ${load.path} HTTP/1.1\r\nhost: 127.0.0.1:${load.port}\r\n${headers.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n${body}`,
  );
}

/** One connection that sends, waits for the whole answer, checks it, and tells. */
class Caller {
  readonly #socket: Socket;
  readonly #wire: Buffer;
  readonly #stream: boolean;
  readonly #ended: (fault: string | undefined, ms: number, firstMs: number) => void;
  #text = '';
  #sent = 0;
  #first = 0;

  constructor(load: Load, wire: Buffer, ended: (fault: string | undefined, ms: number, firstMs: number) => void) {
    this.#wire = wire;
    this.#stream = load.stream;
    this.#ended = ended;
    this.#socket = connect({ port: load.port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (data) => this.#read(data));
    this.#socket.on('error', (error) => this.#finish(error.message));
  }

  send(): void {
    this.#text = '';
    this.#first = 0;
    this.#sent = now();
    this.#socket.write(this.#wire);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    this.#text += data.toString('latin1');
    const bodyAt = this.#text.indexOf('\r\n\r\n');
    if (bodyAt < 0) return;
    if (this.#first === 0 && this.#text.length > bodyAt + 4) this.#first = now();
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#text.slice(0, bodyAt + 2))?.[1];
    const whole = length === undefined ? this.#text.endsWith('0\r\n\r\n') : this.#text.length >= bodyAt + 4 + Number(length);
    if (whole) this.#finish(this.#fault());
  }

  #fault(): string | undefined {
    if (!this.#text.startsWith('HTTP/1.1 200')) return this.#text.slice(0, 300);
    if (!this.#stream) return this.#text.includes('"usage"') ? undefined : 'no usage';
    const words = this.#text.split('"content":"').length - 1;
    if (words !== CHUNKS) return `${words} of ${CHUNKS} chunks`;
    if (!this.#text.includes('"total_tokens"')) return 'no usage';
    return this.#text.includes('[DONE]') ? undefined : 'no end of stream';
  }

  #finish(fault: string | undefined): void {
    this.#ended(fault, now() - this.#sent, this.#first - this.#sent);
  }
}

/** Runs the load and reports. */
export async function runLoad(load: Load): Promise<Measured> {
  const wire = wireOf(load);
  const latencies: number[] = [];
  const firsts: number[] = [];
  let failures = 0;
  let firstFailure: string | undefined;
  let recording = false;
  let stopped = false;
  const callers = Array.from({ length: load.concurrency }, (): Caller => {
    const caller: Caller = new Caller(load, wire, (fault, ms, firstMs) => {
      if (recording) {
        if (fault === undefined) {
          latencies.push(ms);
          firsts.push(firstMs);
        } else failures++;
      }
      firstFailure ??= fault;
      if (!stopped) caller.send();
    });
    return caller;
  });
  for (const caller of callers) caller.send();
  await new Promise((done) => setTimeout(done, load.warmupSeconds * 1000));
  recording = true;
  const cpu = process.cpuUsage();
  const began = now();
  await new Promise((done) => setTimeout(done, load.seconds * 1000));
  recording = false;
  const seconds = (now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  stopped = true;
  for (const caller of callers) caller.close();
  latencies.sort((a, b) => a - b);
  firsts.sort((a, b) => a - b);
  return {
    answers: latencies.length,
    failures,
    ...(firstFailure === undefined ? {} : { firstFailure }),
    seconds,
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
    ...(load.stream ? { firstP50: at(firsts, 0.5) } : {}),
    ownCpuSeconds: (used.user + used.system) / 1e6,
  };
}
