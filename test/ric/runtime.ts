/**
 * One Lambda execution environment on loopback: a Runtime API, a function URL in front of it, and the real runtime client
 * (`aws-lambda-ric`) as a child process between them, one request at a time as on AWS. Between requests the process is frozen
 * (SIGSTOP), so that work nobody waited for does not get done.
 *
 * Not imitated: the kill at the deadline, bandwidth limits, IAM.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { functionUrlEvent } from '../support/function-url-event.ts';

const RIC = join(import.meta.dirname, 'node_modules/aws-lambda-ric/index.mjs');
const MAX_REQUEST_BYTES = 6 * 1_024 * 1_024;
/** Between the JSON prelude (status, headers, cookies) and the body of a streamed response. */
const PRELUDE_END = Buffer.alloc(8);

/** How an invocation ended, as the runtime client reported it. `cut`: failed after its head was sent. */
export interface Ending {
  readonly how: 'complete' | 'cut' | 'failed';
  readonly detail?: string;
}

/** A running environment. */
export interface Environment {
  /** Address of the function URL. */
  readonly url: string;
  readonly process: ChildProcess;
  /** One per finished invocation. */
  readonly endings: readonly Ending[];
  /** Everything the process wrote. */
  readonly output: () => string;
  /** The report of a failed start. */
  readonly initError: () => string | undefined;
  /** Resolves when the runtime asks for work again and is frozen: what the function had to do after the last byte is done, or never. */
  readonly idle: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** How to start one. */
export interface EnvironmentOptions {
  /** Folder of the bundle. */
  readonly taskRoot: string;
  readonly env: Readonly<Record<string, string>>;
  /** Time the function has for a request, as `getRemainingTimeInMillis` tells it. */
  readonly timeoutMs?: number;
}

interface Invocation {
  readonly id: string;
  readonly event: string;
  readonly response: ServerResponse;
}

interface Prelude {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}

function sendHead(response: ServerResponse, prelude: Prelude): void {
  const cookies = prelude.cookies ?? [];
  response.writeHead(prelude.statusCode ?? 200, {
    ...prelude.headers,
    ...(cookies.length === 0 ? {} : { 'set-cookie': [...cookies] }),
  });
  response.flushHeaders();
}

/** Copies a streamed answer to the client, chunk by chunk; a client that left does not stop it, as on AWS. */
async function copyStream(report: IncomingMessage, response: ServerResponse): Promise<Ending> {
  let head = Buffer.alloc(0);
  let headSent = false;
  try {
    for await (const chunk of report as AsyncIterable<Buffer>) {
      let bytes = chunk;
      if (!headSent) {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf(PRELUDE_END);
        if (end === -1) continue;
        sendHead(response, JSON.parse(head.subarray(0, end).toString()) as Prelude);
        headSent = true;
        bytes = head.subarray(end + PRELUDE_END.length);
      }
      if (bytes.length > 0 && !response.destroyed && !response.write(bytes)) {
        await Promise.race([once(response, 'drain'), once(response, 'close')]);
      }
    }
  } catch (error) {
    response.destroy();
    return { how: 'cut', detail: String(error) };
  }
  const fault = report.trailers['lambda-runtime-function-error-type'];
  if (fault === undefined) {
    response.end();
    return { how: 'complete' };
  }
  if (headSent) response.destroy();
  else response.writeHead(502).end('Internal Server Error');
  return { how: headSent ? 'cut' : 'failed', detail: fault };
}

/** Hands invocations to the runtime client and its answers to the waiting clients. */
class RuntimeApi {
  readonly endings: Ending[] = [];
  initError: string | undefined;
  readonly #queue: Invocation[] = [];
  readonly #running = new Map<string, Invocation>();
  readonly #idleWaiters: (() => void)[] = [];
  readonly #timeoutMs: number;
  readonly #signal: (signal: 'SIGSTOP' | 'SIGCONT') => void;
  #poll: ServerResponse | undefined;

  constructor(timeoutMs: number, signal: (signal: 'SIGSTOP' | 'SIGCONT') => void) {
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
  }

  invoke(invocation: Invocation): void {
    this.#queue.push(invocation);
    this.#match();
  }

  /** The runtime waits for work and none is there. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#match();
    });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id, what] = /\/runtime\/(?:invocation\/)?(?:([^/]+)\/)?(next|response|error)$/.exec(request.url ?? '') ?? [];
    if (what === 'next') {
      this.#poll = response;
      this.#match();
      return;
    }
    const invocation = this.#running.get(id ?? '');
    if (invocation === undefined) {
      this.initError = (await buffer(request)).toString();
    } else {
      this.#running.delete(invocation.id);
      this.endings.push(await this.#finish(request, invocation, what));
    }
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"OK"}');
  }

  /** The process is gone: who waits gets what a function URL answers then. */
  crashed(): void {
    for (const { id, response } of this.#running.values()) {
      this.#running.delete(id);
      this.endings.push({ how: 'failed', detail: 'Runtime.ExitError' });
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end('Internal Server Error');
    }
  }

  async #finish(request: IncomingMessage, { response }: Invocation, what: string | undefined): Promise<Ending> {
    if (what === 'response') return copyStream(request, response);
    const detail = (await buffer(request)).toString();
    response.writeHead(502).end('Internal Server Error');
    return { how: 'failed', detail };
  }

  #match(): void {
    if (this.#poll === undefined) return;
    const invocation = this.#queue.shift();
    if (invocation === undefined) {
      this.#signal('SIGSTOP');
      for (const resolve of this.#idleWaiters.splice(0)) resolve();
      return;
    }
    this.#signal('SIGCONT');
    this.#running.set(invocation.id, invocation);
    this.#poll
      .writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': invocation.id,
        'lambda-runtime-deadline-ms': String(Date.now() + this.#timeoutMs),
        'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:000000000000:function:tollgate',
        'lambda-runtime-trace-id': 'Root=1-00000000-000000000000000000000000;Sampled=0',
      })
      .end(invocation.event);
    this.#poll = undefined;
  }
}

/** The function URL: refuses what is too large, as AWS does before the function sees it. */
function frontOf(api: RuntimeApi): Server {
  let requests = 0;
  async function invoke(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    if (body.length > MAX_REQUEST_BYTES) {
      response.writeHead(413, { 'content-type': 'application/json' }).end('{"Message":null}');
      return;
    }
    const id = `00000000-0000-4000-8000-${String(++requests).padStart(12, '0')}`;
    api.invoke({ id, event: JSON.stringify(functionUrlEvent(request, body, id, Date.now())), response });
  }
  return createServer((request, response) => void invoke(request, response));
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Starts the servers and the runtime client. Does not wait for the function to load. */
export async function startEnvironment({ taskRoot, env, timeoutMs = 900_000 }: EnvironmentOptions): Promise<Environment> {
  const api = new RuntimeApi(timeoutMs, (signal) => child.kill(signal));
  const runtimeApi = createServer((request, response) => void api.handle(request, response));
  runtimeApi.requestTimeout = 0;
  const front = frontOf(api);
  const [apiPort, frontPort] = await Promise.all([listen(runtimeApi), listen(front)]);
  const child = spawn(process.execPath, [RIC, 'index.handler'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${apiPort}`,
      _HANDLER: 'index.handler',
      LAMBDA_TASK_ROOT: taskRoot,
      AWS_LAMBDA_FUNCTION_NAME: 'tollgate',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/tollgate',
      AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
      AWS_REGION: 'eu-central-1',
      ...env,
    },
  });
  child.once('exit', () => api.crashed());
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  return {
    url: `http://127.0.0.1:${frontPort}`,
    process: child,
    endings: api.endings,
    output: () => output,
    initError: () => api.initError,
    idle: () => api.idle(),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      for (const server of [runtimeApi, front]) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
