import { describe, expect, it } from 'vitest';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import type { Deployment } from '../../../lib/domain/model.ts';
import { createRegistry } from '../../../lib/registry/registry.ts';
import { NO_TOTAL } from '../../../lib/domain/total.ts';
import type { KeyStore } from '../../../lib/stores/keys.ts';
import type { ModelStore } from '../../../lib/stores/models.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aDeployment, aKey } from '../../support/exchange.ts';

function prepare(options: { readonly fixed?: readonly Deployment[] } = {}) {
  const state = {
    now: 0,
    failing: false,
    version: 1,
    stored: [] as Deployment[],
    key: undefined as VirtualKey | undefined,
    keyReads: 0,
    totalReads: 0,
    versionReads: 0,
    listReads: 0,
    warnings: 0,
  };
  const answer = <T>(value: T): Promise<T> =>
    state.failing ? Promise.reject(new Error('store down')) : Promise.resolve(value);
  const keys = { get: () => (state.keyReads++, answer(state.key)) } as unknown as KeyStore;
  const models = {
    version: () => (state.versionReads++, answer(state.version)),
    list: () => (state.listReads++, answer(state.stored)),
  } as unknown as ModelStore;
  const totals = { read: () => (state.totalReads++, answer({ ...NO_TOTAL, spend: 7n })) };
  const registry = createRegistry({
    keys,
    identity: open(),
    publicModels: open().publicModels,
    models,
    totals,
    fixed: options.fixed ?? [],
    now: () => state.now,
    log: () => void state.warnings++,
    ttlMs: 1000,
  });
  return { registry, state };
}

describe('keys', () => {
  it('are read once within the time to live', async () => {
    const { registry, state } = prepare();
    state.key = aKey();
    await registry.findKey('h');
    await registry.findKey('h');
    expect(state.keyReads).toBe(1);
    state.now = 1000;
    await registry.findKey('h');
    expect(state.keyReads).toBe(2);
  });

  it('that are unknown are remembered as unknown', async () => {
    const { registry, state } = prepare();
    expect(await registry.findKey('h')).toBeUndefined();
    expect(await registry.findKey('h')).toBeUndefined();
    expect(state.keyReads).toBe(1);
  });

  it('are asked for again after a failure', async () => {
    const { registry, state } = prepare();
    state.failing = true;
    await expect(registry.findKey('h')).rejects.toThrow('store down');
    state.failing = false;
    state.key = aKey();
    expect(await registry.findKey('h')).toBeDefined();
  });

  it('are forgotten on demand', async () => {
    const { registry, state } = prepare();
    await registry.findKey('h');
    registry.forget();
    await registry.findKey('h');
    expect(state.keyReads).toBe(2);
  });
});

describe('the spend of a key', () => {
  it('is read once within the time to live, and again after a failure', async () => {
    const { registry, state } = prepare();
    state.failing = true;
    await expect(registry.spendOf('h')).rejects.toThrow('store down');
    state.failing = false;
    expect(await registry.spendOf('h')).toBe(7n);
    expect(await registry.spendOf('h')).toBe(7n);
    expect(state.totalReads).toBe(2);
  });
});

describe('deployments', () => {
  it('come from the store and from this process, the store winning', async () => {
    const { registry, state } = prepare({ fixed: [aDeployment({ id: 'a', model: 'fixed' }), aDeployment({ id: 'b' })] });
    state.stored = [aDeployment({ id: 'a', model: 'stored' })];
    const list = await registry.deployments();
    expect(list.map(({ id, model }) => [id, model])).toEqual([
      ['a', 'stored'],
      ['b', 'gpt-4o-mini'],
    ]);
  });

  it('are listed again only when the version changed', async () => {
    const { registry, state } = prepare();
    await registry.deployments();
    state.now = 1000;
    await registry.deployments();
    expect(state).toMatchObject({ versionReads: 2, listReads: 1 });
    state.now = 2000;
    state.version = 2;
    await registry.deployments();
    expect(state.listReads).toBe(2);
  });

  it('are loaded once for callers at the same time', async () => {
    const { registry, state } = prepare();
    await Promise.all([registry.deployments(), registry.deployments()]);
    expect(state.versionReads).toBe(1);
  });

  it('bridge a failure of the store with what was known', async () => {
    const { registry, state } = prepare();
    state.stored = [aDeployment()];
    await registry.deployments();
    state.now = 1000;
    state.failing = true;
    expect(await registry.deployments()).toHaveLength(1);
    expect(state.warnings).toBe(1);
  });

  it('fail when nothing was ever known', async () => {
    const { registry, state } = prepare();
    state.failing = true;
    await expect(registry.deployments()).rejects.toThrow('store down');
  });
});
