/** A way to the database on which requests are lost, cut, doubled or held up, as planned. */
import { createServer, request as call, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens to a request. `lost`: it never arrives. `cut`: it is carried out, its answer is lost. `doubled`: it is carried out twice, the
 * second answer counts. `late`: it is carried out only when the client's next request was answered, and nobody hears of it.
 * `severed`: its connection breaks at once, and it is carried out when the network closes.
 */
export type NetworkFault = 'lost' | 'cut' | 'doubled' | 'late' | 'severed';

/** A request: its operation and when it came, counted from 0. */
export interface Passing {
  readonly operation: string;
  readonly at: number;
}

/** A proxy before the database. */
export interface FaultyNetwork {
  readonly url: string;
  /** Operations so far: `UpdateItem`, ... */
  readonly seen: readonly string[];
  close(): Promise<void>;
}

interface Forwarded {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Starts a proxy. `plan` may also return a promise: the request waits for it, and passes. */
export async function startFaultyNetwork(
  target: string,
  plan: (passing: Passing) => NetworkFault | Promise<unknown> | undefined,
): Promise<FaultyNetwork> {
  const seen: string[] = [];
  const late: (() => void)[] = [];
  const severed: (() => Promise<Forwarded>)[] = [];

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await read(request);
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const fault = plan({ operation, at: seen.push(operation) - 1 });
    const forwarded = (): Promise<Forwarded> => forward(target, request, body);
    if (fault === 'lost') return void response.destroy();
    if (fault === 'late') {
      response.on('close', () => late.push(() => void forwarded()));
      return;
    }
    if (fault === 'severed') {
      severed.push(forwarded);
      return void response.destroy();
    }
    if (fault instanceof Promise) await fault;
    if (fault === 'doubled') await forwarded();
    const answer = await forwarded();
    if (fault === 'cut') return void response.destroy();
    response.writeHead(answer.status, answer.headers).end(answer.body);
    for (const run of late.splice(0)) run();
  }

  const server = createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      await Promise.all(severed.map((run) => run()));
      await new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      });
    },
  };
}

async function read(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of message as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const forward = (target: string, { method, url, headers }: IncomingMessage, body: Buffer): Promise<Forwarded> =>
  new Promise((resolve, reject) => {
    const onward = call(new URL(url ?? '/', target), { method: method ?? 'POST', headers }, (answer) => {
      read(answer).then((bytes) => resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: bytes }), reject);
    });
    onward.on('error', reject);
    onward.end(body);
  });
