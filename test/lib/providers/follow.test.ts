import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { answerOf, createFollower } from '../../../lib/providers/follow.ts';
import { untilOver } from '../../../lib/providers/job.ts';
import type { FollowContext, Provider } from '../../../lib/providers/provider.ts';
import type { Answer, HttpCall, HttpClient } from '../../../lib/transport/http.ts';

const head = { status: 200, headers: { 'content-length': '2', 'x-request-id': 'r1' } };
const json = (value: unknown): Answer => answerOf(head, 'application/json', Buffer.from(JSON.stringify(value)));
const bytesIn = async function* (...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
};
const asked = { method: 'GET', url: 'https://a.example/job', headers: {} } as const;

/** Runs a row's `follow` over scripted HTTP. */
async function followed(
  follow: Provider['follow'],
  send: HttpClient['send'],
  signal = new AbortController().signal,
): Promise<Answer> {
  const row = { id: 'x', ...(follow === undefined ? {} : { follow }) } as Provider;
  const slept: number[] = [];
  const run = createFollower({ http: { send, close: async () => {} }, sleep: async (ms) => void slept.push(ms) });
  return run({
    provider: row,
    answer: json({ first: true }),
    sent: { method: 'POST', url: 'https://a.example', headers: {}, body: Buffer.from('') },
    stream: false,
    signal,
    upstream: { decodeError: ({ status }) => new GatewayError('upstream', `told ${status}`) },
  });
}

describe('following an answer', () => {
  it('is for rows that say how', async () => {
    const answer = await followed(undefined, () => Promise.reject(new Error('no call')));

    expect(Buffer.from(await answer.bytes(99)).toString()).toBe('{"first":true}');
  });

  it('sends further calls with the signal of the first, and throws what the provider says', async () => {
    const calls: HttpCall[] = [];
    const signal = new AbortController().signal;
    const failing = followed(
      async (_answer, { send }) => send(asked),
      async (call) => {
        calls.push(call);
        return { ...json({}), status: 503 };
      },
      signal,
    );

    await expect(failing).rejects.toThrow('told 503');
    expect(calls[0]?.signal).toBe(signal);
  });

  it('does not wait for somebody who left', async () => {
    const left = new AbortController();
    left.abort(new GatewayError('client_closed', 'gone'));

    await expect(
      followed(
        async (answer, { wait }) => wait(5).then(() => answer),
        async () => json({}),
        left.signal,
      ),
    ).rejects.toThrow('gone');
  });

  it('sends a last call whatever becomes of it, without the signal of the first', async () => {
    const calls: HttpCall[] = [];
    const left = new AbortController();
    left.abort();
    const answer = await followed(
      async (first, { sendLast }) => {
        sendLast(asked);
        return first;
      },
      async (call) => {
        calls.push(call);
        throw new Error('unreachable');
      },
      left.signal,
    );

    expect(answer.status).toBe(200);
    expect(calls[0]?.signal?.aborted).toBe(false);
  });
});

describe('an answer with another body', () => {
  it('keeps its head but for the length', () => {
    expect(json({}).headers).toEqual({ 'x-request-id': 'r1', 'content-type': 'application/json' });
  });

  it('is read whole within a limit, or as it comes', async () => {
    const made = (): Answer => answerOf(head, 'text/plain', bytesIn('Hel', 'lo'));

    expect(Buffer.from(await made().bytes(5)).toString()).toBe('Hello');
    await expect(made().bytes(4)).rejects.toThrow('longer than 4 bytes');
    const pieces: string[] = [];
    for await (const piece of json('x').body) pieces.push(Buffer.from(piece).toString());
    expect(pieces).toEqual(['"x"']);
    expect(() => made().discard()).not.toThrow();
  });
});

describe('waiting for a job', () => {
  const run = async (
    answers: readonly (Answer | GatewayError)[],
  ): Promise<{ readonly job: object; readonly waits: number[] }> => {
    const waits: number[] = [];
    const left = [...answers];
    const context: Pick<FollowContext, 'send' | 'wait'> = {
      wait: async (ms) => void waits.push(ms),
      send: async () => {
        const next = left.shift() ?? json({});
        if (next instanceof GatewayError) throw next;
        return next;
      },
    };
    return { job: await untilOver(asked, ({ done }) => done === true, context), waits };
  };
  const passing = new GatewayError('overloaded', 'busy');

  it('asks in growing intervals, up to two seconds', async () => {
    const { job, waits } = await run([...Array.from({ length: 8 }, () => json({})), json({ done: true })]);

    expect(job).toEqual({ done: true });
    expect(waits[0]).toBe(250);
    expect(waits.at(-1)).toBe(2_000);
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  });

  it('bears failures that pass, a few in a row', async () => {
    expect((await run([passing, passing, passing, json({}), passing, json({ done: true })])).job).toEqual({ done: true });
    await expect(run([passing, passing, passing, passing])).rejects.toThrow('busy');
    await expect(run([new GatewayError('not_found', 'no such job')])).rejects.toThrow('no such job');
    await expect(run(Array.from({ length: 4 }, () => answerOf(head, 'text/html', Buffer.from('<html>'))))).rejects.toThrow(
      /not a JSON object/,
    );
  });
});
