import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compactionItem, summaryIdOf } from '../../../lib/domain/compaction.ts';
import type { StoredResponse } from '../../../lib/domain/conversation.ts';
import { compactionsIn } from '../../../lib/policies/compacted-items.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { anExchange, NOW } from '../../support/exchange.ts';

const record = (id: string, owner: string, over: Partial<StoredResponse> = {}): StoredResponse => ({
  id,
  owner,
  createdAt: NOW,
  expiresAt: NOW + 1,
  earlier: [],
  bytes: 0,
  input: [],
  response: { id, output: [] },
  model: 'm',
  summary: `secret of ${owner}`,
  ...over,
});

/** What `owner` reads of these items over these records. */
async function read(
  records: readonly StoredResponse[],
  owner: string,
  { history = [], added = [] }: Partial<Parameters<typeof compactionsIn>[1]>,
) {
  const { conversations: store } = open();
  for (const stored of records) await store.put(stored);
  const exchange = anExchange();
  const found = await compactionsIn(store, { history, added }, { owner, now: NOW }, exchange);
  return { ...found, warnings: exchange.warnings, text: JSON.stringify(found.expand([...history, ...added])) };
}

describe('summaries', () => {
  it('are read by nobody but their owner, whatever an item says', async () => {
    const owners = fc.constantFrom('ann', 'bob', 'cy');
    const ids = fc.constantFrom('resp_1', 'resp_2', 'resp_3');
    const content = fc.oneof(
      ids,
      fc.string(),
      fc.tuple(owners, ids).map(([owner, id]) => `${owner}#${id}`),
    );
    const kept = fc.uniqueArray(fc.tuple(owners, ids), { selector: ([owner, id]) => `${owner} ${id}` });
    await fc.assert(
      fc.asyncProperty(kept, owners, fc.array(content, { minLength: 1 }), async (pairs, owner, contents) => {
        const records = pairs.map(([of, id]) => record(id, of));
        const own = new Set(records.filter((stored) => stored.owner === owner).map(({ id }) => id));
        const items = contents.map((text, index) => compactionItem(`cmp_${index}`, text));
        const reading = read(records, owner, { added: items });
        if (items.every((item) => own.has(summaryIdOf(item) ?? ''))) {
          expect((await reading).text.split(`secret of ${owner}`)).toHaveLength(items.length + 1);
        } else {
          await expect(reading).rejects.toMatchObject({ status: 404, detail: { code: 'compaction_not_found' } });
        }
        // In a history they are left out, and missed.
        const { text, warnings } = await read(records, owner, { history: items });
        for (const other of ['ann', 'bob', 'cy'].filter((name) => name !== owner))
          expect(text).not.toContain(`secret of ${other}`);
        expect(warnings.length > 0).toBe(items.some((item) => !own.has(summaryIdOf(item) ?? '')));
      }),
      { numRuns: 200 },
    );
  });

  it('cost no reading where there are none', async () => {
    const items = [{ role: 'user', content: 'x' }];
    const store = { get: () => Promise.reject(new Error('read')), findItems: () => Promise.reject(new Error('read')) };
    const all = { ...open().conversations, ...store };
    const { expand } = await compactionsIn(all, { history: [], added: items }, { owner: 'ann', now: NOW }, anExchange());
    expect(expand(items)).toBe(items);
  });
});

describe('what a provider sealed', () => {
  const sealed = { type: 'compaction', id: 'cmp_1', encrypted_content: 'gAAAA' };
  const maker = (id: string, over: Partial<StoredResponse>): StoredResponse =>
    record(id, 'ann', { response: { id, output: [{ ...sealed, id: `cmp_${id}` }] }, ...over });

  it.each([
    ['by one deployment, when asked to', [maker('a', { sealedBy: 'd' })], 'd'],
    ['by one deployment, as it answered', [maker('a', { deploymentId: 'd' })], 'd'],
    ['by several', [maker('a', { sealedBy: 'd' }), maker('b', { sealedBy: 'e' })], undefined],
    ['for somebody else', [maker('a', { owner: 'bob', sealedBy: 'd' })], undefined],
  ])('%s leads back to it', async (_name, records, deployment) => {
    const added = records.map(({ id }) => ({ ...sealed, id: `cmp_${id}` }));
    expect((await read(records, 'ann', { added })).sealedBy).toBe(deployment);
  });
});
