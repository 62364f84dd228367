import { describe, expect, it } from 'vitest';
import { decodeUsage, encodeUsage } from '../../../../lib/dialects/gemini/usage.ts';

const figures = { promptTokenCount: 100, candidatesTokenCount: 20 };

describe('figures that only prices need', () => {
  it('are the modalities of what was cached, read and made', () => {
    const usage = decodeUsage({
      ...figures,
      cachedContentTokenCount: 40,
      cacheTokensDetails: [
        { modality: 'AUDIO', tokenCount: 30 },
        { modality: 'TEXT', tokenCount: 10 },
      ],
      promptTokensDetails: [{ modality: 'VIDEO', tokenCount: 50 }],
      candidatesTokensDetails: [{ modality: 'VIDEO', tokenCount: 20 }],
    });

    expect(usage).toMatchObject({
      cacheReadTokens: 40,
      cacheReadAudioTokens: 30,
      videoInputTokens: 50,
      videoOutputTokens: 20,
    });
    expect(encodeUsage({ videoInputTokens: 50, inputTokens: 100, source: 'provider' })).toMatchObject({
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 50 },
        { modality: 'VIDEO', tokenCount: 50 },
      ],
    });
  });

  it.each([
    ['ON_DEMAND_PRIORITY', 'priority'],
    ['ON_DEMAND_FLEX', 'flex'],
    ['ON_DEMAND', undefined],
    ['PROVISIONED_THROUGHPUT', undefined],
  ])('are the tier at which Vertex AI served: %s is %s', (trafficType, tier) => {
    expect(decodeUsage({ ...figures, trafficType })?.serviceTier).toBe(tier);
  });
});
