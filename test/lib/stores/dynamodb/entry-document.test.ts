import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashSecret } from '../../../../lib/domain/key.ts';
import { newCallId } from '../../../../lib/domain/call-id.ts';
import type { LedgerEntry } from '../../../../lib/domain/ledger-entry.ts';
import { entryFromImage, itemOf, type Image } from '../../../../lib/stores/dynamodb/entry-document.ts';
import { anEntry } from '../contract.ts';

const AT = Date.UTC(2026, 10, 22, 12);

/** Size of an item as DynamoDB bills it: names and values, numbers at about half a byte a digit and one more. */
const sizeOf = (item: Readonly<Record<string, { S?: string; N?: string }>>): number =>
  Object.entries(item).reduce(
    (sum, [name, { S, N = '' }]) => sum + name.length + (S === undefined ? Math.ceil(N.length / 2) + 1 : Buffer.byteLength(S)),
    0,
  );

/** An ordinary call of a busy house: every owner there can be, ids as people make them. */
const ordinary = (): LedgerEntry => ({
  id: newCallId(AT),
  at: AT,
  endedAt: AT + 2_345,
  status: 'success',
  keyHash: hashSecret('sk-ordinary'),
  keyAlias: 'checkout-service-production',
  userId: 'ada.lovelace@example.com',
  teamId: '0b0f7a54-6d1a-4a6e-9d5c-2d7a3c1e9f10',
  organizationId: '5f1d3c60-9a49-4f0c-8f6c-4a0a8c1b7e21',
  projectId: '9c2e6d1b-14d7-4d0f-a1f1-0e6b7f9d3a55',
  endUser: 'customer-83920',
  tags: ['production', 'checkout'],
  sessionId: 'session-5f0e1d2c',
  kind: 'generate',
  route: '/v1/chat/completions',
  clientDialect: 'openai-chat',
  modelGroup: 'anthropic/claude-sonnet-4-5',
  provider: 'anthropic',
  model: 'claude-sonnet-4-5-20250929',
  deploymentId: 'env-anthropic/*',
  upstreamDialect: 'anthropic-messages',
  stream: true,
  httpStatus: 200,
  usage: {
    inputTokens: 123_456,
    cacheReadTokens: 100_000,
    cacheWriteTokens: 2_345,
    outputTokens: 4_096,
    reasoningTokens: 1_024,
    source: 'provider',
  },
  cost: 123_456_789_012n,
  costParts: { input: 63_333_000_000n, cache_read: 30_000_000_000n, cache_write: 8_793_750_000n, output: 61_440_000_000n },
  price: { source: 'catalog', version: 'litellm-2026-08-01' },
  held: 450_000_000_000n,
  attempts: 1,
  durationMs: 2_345,
  firstByteMs: 678,
  firstTokenMs: 912,
  ip: '203.0.113.77',
  userAgent: 'OpenAI/Python 1.99.1',
});

describe('the item of a ledger entry', () => {
  it('costs one write unit for an ordinary call, with every owner and class of tokens', () => {
    expect(sizeOf(itemOf(ordinary()) as Record<string, { S?: string; N?: string }>)).toBeLessThanOrEqual(1_024);
  });

  it('gives back every entry as it was', () => {
    const word = fc.string({ minLength: 1, maxLength: 12 });
    const amount = fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n });
    const optional = fc.record(
      {
        keyAlias: word,
        userId: word,
        teamId: word,
        organizationId: word,
        projectId: word,
        endUser: word,
        sessionId: word,
        provider: word,
        model: word,
        deploymentId: word,
        upstreamDialect: fc.constantFrom('openai-chat', 'gemini'),
        error: fc.record({ kind: word, message: word }),
        usage: fc.constantFrom<LedgerEntry['usage']>(
          { source: 'provider' },
          {
            inputTokens: 0,
            outputTokens: 3,
            serviceTier: 'flex',
            modifiers: ['fast'],
            webSearchRequests: 2,
            source: 'counted',
          },
        ),
        cost: amount,
        costParts: fc.dictionary(word, amount),
        held: amount,
        firstByteMs: fc.nat(),
        firstTokenMs: fc.nat(),
        ip: word,
        userAgent: word,
        warnings: fc.array(word),
        metadata: fc.dictionary(word, fc.jsonValue() as fc.Arbitrary<unknown>),
        someFieldOfTomorrow: fc.record({ s: word, deep: fc.array(fc.integer()) }),
      },
      { requiredKeys: [] },
    );
    const given = fc.record({
      id: word,
      at: fc.nat({ max: 2_000_000_000_000 }),
      endedAt: fc.nat({ max: 2_000_000_000_000 }),
      durationMs: fc.nat({ max: 1_000_000 }),
      status: fc.constantFrom('success', 'error', 'aborted', 'expired'),
      keyHash: word,
      tags: fc.array(word),
      kind: fc.constantFrom('generate', 'adjustment'),
      route: word,
      clientDialect: fc.constantFrom('openai-chat', ''),
      modelGroup: word,
      stream: fc.boolean(),
      httpStatus: fc.constantFrom(200, 429, 0),
      price: fc.constantFrom({ source: 'unknown' }, { source: 'catalog', version: 'v', rule: 'r' }),
      attempts: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(given, optional, (one, other) => {
        const entry = { ...one, ...other } as unknown as LedgerEntry;
        // As the store keeps it: JSON knows no -0.
        const kept = JSON.parse(
          JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
        );
        const back = entryFromImage(itemOf(entry));
        expect(
          JSON.parse(JSON.stringify(back, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))),
        ).toEqual(kept);
      }),
      { numRuns: 300 },
    );
  });

  it('is read in the form of before too: long names, everything in the document', () => {
    const entry = anEntry({ endedAt: 1_764_000_009_000, metadata: { a: 1 } });
    const doc = JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

    expect(entryFromImage({ ...(itemOf(entry) as Image), doc: { S: doc } })).toEqual(entry);
  });

  it('is no entry without its attributes', () => {
    const { arrival: _, ...rest } = itemOf(anEntry());
    expect(entryFromImage(rest as Image)).toBeUndefined();
  });
});
