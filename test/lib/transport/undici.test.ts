import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { Connection, createAgent } from '../../../lib/transport/undici.ts';

const require = createRequire(import.meta.url);

describe('the inner modules of undici', () => {
  it('are those of the pinned version', () => {
    const pinned = (require('../../../package.json') as { dependencies: Record<string, string> }).dependencies['undici'];

    expect((require('undici/package.json') as { version: string }).version).toBe(pinned);
  });

  it('make an agent whose connections know their age', async () => {
    const agent = createAgent({ connectTimeoutMs: 1, keepAliveMs: 1 });
    const connection = new Connection('http://127.0.0.1:1', {});

    expect(connection.reused).toBe(false);
    connection.reused = true;
    connection.emit('connect', new URL('http://127.0.0.1:1'), []);
    expect(connection.reused).toBe(false);
    await Promise.all([agent.close(), connection.close()]);
  });
});
