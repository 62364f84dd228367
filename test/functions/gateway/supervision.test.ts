import { EventEmitter, once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { supervise } from '../../../functions/gateway/supervision.ts';
import type { WebServer } from '../../../functions/gateway/web.ts';

class FakeHost extends EventEmitter {
  readonly codes: number[] = [];
  exit(code: number): void {
    this.codes.push(code);
    this.emit('exited');
  }
}

function aServer(stop: WebServer['stop']): WebServer & { readonly graces: (number | undefined)[] } {
  const graces: (number | undefined)[] = [];
  return {
    port: 0,
    graces,
    stop: (grace) => {
      graces.push(grace);
      return stop(grace);
    },
  };
}

const quiet = (): void => undefined;

describe('supervision', () => {
  test('on SIGTERM stops within the second that is left and exits without a fault', async () => {
    const host = new FakeHost();
    const server = aServer(() => Promise.resolve());
    supervise(server, quiet, host);

    host.emit('SIGTERM');
    await once(host, 'exited');

    expect(host.codes).toEqual([0]);
    expect(server.graces[0]).toBeLessThan(1_000);
  });

  test.each(['uncaughtException', 'unhandledRejection'])(
    'on %s logs it, lets open streams end and exits with a fault',
    async (event) => {
      const host = new FakeHost();
      const lines: unknown[] = [];
      let streamsEnd: (() => void) | undefined;
      const server = aServer(() => new Promise((resolve) => (streamsEnd = resolve)));
      supervise(server, (...line) => void lines.push(line), host);

      host.emit(event, new Error('boom'));
      expect(host.codes).toEqual([]);
      streamsEnd?.();
      await once(host, 'exited');

      expect(host.codes).toEqual([1]);
      expect(lines).toEqual([['error', `${event}: no more requests`, { error: { name: 'Error', message: 'boom' } }]]);
    },
  );

  test('ends once, however many reasons come', async () => {
    const host = new FakeHost();
    const server = aServer(() => Promise.resolve());
    supervise(server, quiet, host);

    host.emit('uncaughtException', new Error('one'));
    host.emit('SIGTERM');
    await once(host, 'exited');

    expect(server.graces).toHaveLength(1);
    expect(host.codes).toEqual([1]);
  });

  test('exits also when the server does not stop in order', async () => {
    const host = new FakeHost();
    supervise(
      aServer(() => Promise.reject(new Error('not running'))),
      quiet,
      host,
    );

    host.emit('SIGTERM');
    await once(host, 'exited');

    expect(host.codes).toEqual([0]);
  });
});
