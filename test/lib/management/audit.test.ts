import { describe, expect, it } from 'vitest';
import { audit } from '../../../lib/management/audit.ts';
import type { ManagementDeps } from '../../../lib/management/deps.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aKey } from '../../support/exchange.ts';

function prepare(over: Partial<ManagementDeps> = {}) {
  const lines: unknown[] = [];
  const stores = open();
  const deps = {
    ...stores,
    now: () => 7,
    random: (bytes: number) => new Uint8Array(bytes),
    log: (...line: unknown[]) => void lines.push(line),
    ...over,
  } as unknown as ManagementDeps;
  return { deps, lines, rows: async () => (await stores.audit.list({ limit: 10 })).items };
}

const change = { action: 'updated', kind: 'team', id: 't', before: { max_budget: 1 }, after: { max_budget: 2 } } as const;

describe('the audit of a change', () => {
  it('says who changed what, with which key, from what to what', async () => {
    const { deps, rows } = prepare();
    await audit(deps, { type: 'key', key: aKey({ hash: 'h', alias: 'ops' }) }, change);
    expect(await rows()).toMatchObject([
      { at: 7, action: 'updated', kind: 'team', recordId: 't', changedBy: 'ops', keyHash: 'h', before: { max_budget: 1 } },
    ]);
  });

  it('believes the header of an admin, and of nobody else', async () => {
    const { deps, rows } = prepare({ changedBy: 'terraform' });
    await audit(deps, { type: 'master' }, change);
    expect(await rows()).toMatchObject([{ changedBy: 'terraform', keyHash: 'master' }]);

    const other = prepare({ changedBy: 'forged' });
    await audit(other.deps, { type: 'key', key: aKey({ alias: 'ops' }) }, change);
    expect(await other.rows()).toMatchObject([{ changedBy: 'ops' }]);
  });

  it('never holds a secret, at any depth', async () => {
    const { deps, rows } = prepare();
    await audit(deps, { type: 'master' }, { ...change, after: { a: [{ api_key: 'sk-secret', password: 'x', name: 'n' }] } });
    expect(JSON.stringify(await rows())).not.toContain('sk-secret');
    expect(await rows()).toMatchObject([{ after: { a: [{ api_key: '***', password: '***', name: 'n' }] } }]);
  });

  it('goes to the log when it cannot be written, and the change stands', async () => {
    const failing = { append: () => Promise.reject(new Error('down')) } as unknown as ManagementDeps['audit'];
    const { deps, lines } = prepare({ audit: failing });
    await audit(deps, { type: 'master' }, change);
    expect(lines).toMatchObject([['error', 'an audit row could not be written', { kind: 'team', recordId: 't' }]]);
  });
});
