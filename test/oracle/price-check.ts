/**
 * Our prices beside those of `@pydantic/genai-prices`: what a set of usages costs by either, for every model both know, and why they
 * differ where they do. `node test/oracle/price-check.ts --write` writes `docs/reference/price-check.md`; the test compares.
 */
import { writeFileSync } from 'node:fs';
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import { createCatalog } from '../../lib/catalog/index.ts';
import type { CatalogModel, PriceSheet } from '../../lib/domain/price-types.ts';
import { costOf, isPriced, mergeSheet } from '../../lib/domain/price.ts';
import type { Usage } from '../../lib/kinds/usage.ts';

/** Where the page is, from the root of the project. */
export const PAGE = 'docs/reference/price-check.md';

/** Our shards by the oracle's provider. OpenRouter is left out: a market, whose prices move by the week. */
const PROVIDERS: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  azure: 'azure',
  bedrock: 'aws',
  cerebras: 'cerebras',
  cohere: 'cohere',
  deepseek: 'deepseek',
  fireworks_ai: 'fireworks',
  gemini: 'google',
  groq: 'groq',
  mistral: 'mistral',
  moonshot: 'moonshotai',
  novita: 'novita',
  openai: 'openai',
  ovhcloud: 'ovhcloud',
  perplexity: 'perplexity',
  together_ai: 'together',
  vertex_ai: 'google',
  xai: 'x-ai',
};

/** The day whose prices the oracle is asked for: the one its data was published. */
const DAY = new Date('2026-09-23T12:00:00Z');

/** A usage, in the words of both, and the prices of the oracle that it needs besides those of text. */
interface Probe {
  readonly ours: Omit<Usage, 'source'>;
  readonly theirs: Readonly<Record<string, number>>;
  readonly needs: { readonly catalog: readonly string[]; readonly oracle: readonly string[] };
  /** What it is priced as where neither has such a price. */
  readonly otherwise?: Probe;
}

const NOTHING = { catalog: [], oracle: [] };

const CACHE_WRITE: Probe = {
  ours: { inputTokens: 1000, cacheWriteTokens: 400, outputTokens: 0 },
  theirs: { input_tokens: 1000, cache_write_tokens: 400 },
  needs: { catalog: ['cache_creation_input_token_cost'], oracle: ['cache_write_mtok'] },
};

/** The usages compared. */
const PROBES: Readonly<Record<string, Probe>> = {
  plain: {
    ours: { inputTokens: 1000, outputTokens: 100 },
    theirs: { input_tokens: 1000, output_tokens: 100 },
    needs: NOTHING,
  },
  'cache read': {
    ours: { inputTokens: 1000, cacheReadTokens: 600, outputTokens: 0 },
    theirs: { input_tokens: 1000, cache_read_tokens: 600 },
    needs: { catalog: ['cache_read_input_token_cost', 'input_cost_per_token_cache_hit'], oracle: ['cache_read_mtok'] },
  },
  'cache write': CACHE_WRITE,
  'cache write for an hour': {
    ours: { inputTokens: 1000, cacheWriteTokens: 400, cacheWrite1hTokens: 400, outputTokens: 0 },
    theirs: { input_tokens: 1000, cache_write_tokens: 400, cache_write_1h_tokens: 400 },
    needs: { catalog: ['cache_creation_input_token_cost_above_1hr'], oracle: ['cache_write_1h_mtok'] },
    otherwise: CACHE_WRITE,
  },
  'long input': {
    ours: { inputTokens: 300_000, outputTokens: 1000 },
    theirs: { input_tokens: 300_000, output_tokens: 1000 },
    needs: { catalog: ['_tokens', 'tiered_pricing'], oracle: ['tiers'] },
  },
  audio: {
    ours: { inputTokens: 1000, audioInputTokens: 600, outputTokens: 200, audioOutputTokens: 150 },
    theirs: { input_tokens: 1000, input_audio_tokens: 600, output_tokens: 200, output_audio_tokens: 150 },
    needs: { catalog: ['input_cost_per_audio_token'], oracle: ['input_audio_mtok'] },
  },
};

/** A usage that costs differently. */
export interface Difference {
  /** `openai/gpt-5.6`: shard and name. */
  readonly model: string;
  /** The oracle's model. */
  readonly theirModel: string;
  readonly probe: string;
  /** USD. */
  readonly ours: number;
  readonly theirs: number;
  /** Absent when nobody knows why. */
  readonly reason?: string;
}

/** All that was compared. */
export interface Comparison {
  readonly models: number;
  readonly usages: number;
  readonly differences: readonly Difference[];
  /** Reasons that explain nothing any more. */
  readonly idle: readonly string[];
}

/** A reason for whatever differs at the models of a name, optionally at some usages only. The first that fits holds. */
type Reason = readonly [models: RegExp, reason: string, probes?: RegExp];

const DRIFT = 'The price has changed since the snapshot of the catalog, or the name leads to a newer model.';
const REGION = 'The catalog has the price of the region in the name; the oracle knows one price, or another region.';
const PREMIUM = 'The oracle takes a name without a region for a regional endpoint, which costs a tenth more.';
const WRONG_THERE = 'The oracle takes the name for another model.';
const WRONG_HERE = "An error of the catalog's source.";
const SEARCH = 'A fee for each request: the catalog has it by the context size of the search, the oracle has one, or none.';

/** What people found out. */
const REASONS: readonly Reason[] = [
  [/^perplexity\/|^openai\/gpt-.*-search-(preview|api)/, SEARCH],
  [/^(openai|azure)\/(azure\/)?gpt-5\.6/, DRIFT],
  [/native-audio/, WRONG_THERE],
  [/^gemini\/gemini\/gemini-1\.5-flash$/, WRONG_HERE + ' It is a model of embeddings there.'],
  [/gemini-(2\.5-pro-preview-tts|3\.6-flash|3\.5-flash|2\.5-flash-lite-preview-06-17|2\.5-flash-preview-09-2025)$/, DRIFT],
  [/^vertex_ai\/gemini-2\.0-flash-001$/, 'Vertex AI has another price than the Gemini API.'],
  [/^vertex_ai\/vertex_ai\/claude-3-5-haiku/, DRIFT],
  [/^groq\/groq\/(gemma-7b-it|openai\/gpt-oss-safeguard-20b)$/, WRONG_THERE],
  [/^mistral\/mistral\/(.*-latest|mistral-large-2407|mistral-medium|open-mistral-nemo)$/, DRIFT],
  [/^deepseek\//, DRIFT],
  [/^xai\/xai\/grok-4\.5|^azure\/azure\/gpt-audio/, DRIFT],
  [/^together_ai\/.*Mixtral-8x7B/, DRIFT],
  [/^novita\//, DRIFT],
  [/^ovhcloud\//, 'Prices in euros, turned into dollars on another day.'],
  [/^bedrock\/(bedrock\/[a-z-]+-\d\/|us-gov|apac\.|eu\.(amazon|meta))/, REGION],
  [/^bedrock\/eu\.anthropic\.claude-3-5-haiku/, WRONG_HERE + ' It has the price of Claude 3 Haiku.'],
  [/^bedrock\/eu\.anthropic\.claude-opus-4-5/, WRONG_HERE + ' It lacks the surcharge of regional endpoints.'],
  [/^bedrock\/(anthropic\.|claude-sonnet)/, PREMIUM, /^(plain|cache|audio|long)/],
  [/^bedrock\/amazon\.titan-embed-text-v2/, WRONG_THERE],
  [/^bedrock\/(us\.)?(amazon\.titan-text|meta\.llama3|mistral\.mistral-large|qwen)/, DRIFT],
  [/^azure\/azure\/(gpt-4o(-mini)?(-2024-\d\d-\d\d)?|o1-mini|us\/.*)$/, REGION],
  [/^azure\/azure\/gpt-4o-mini-audio-preview-2024-12-17$/, WRONG_HERE + ' It has the price of the larger model.'],
  [/^azure\/azure\/o4-mini/, 'Azure caches o4-mini at another price than OpenAI, by the catalog.'],
  [
    /claude-3-(haiku-20240307|opus-20240229|sonnet@?)|claude-3-sonnet$/,
    WRONG_HERE + ' An hour of cache costs twice the input, not 6/M.',
    /hour/,
  ],
];

type Prices = Readonly<Record<string, unknown>>;

/** True when one of the names is stated: a field of its own, or within one that is. */
const states = (prices: Prices, names: readonly string[]): boolean =>
  names.length === 0 || Object.entries(prices).some(([field, value]) => names.some((name) => isIn(name, field, value)));

const isIn = (name: string, field: string, value: unknown): boolean =>
  field === name ||
  (name.startsWith('_') && field.includes(name)) ||
  (typeof value === 'object' && value !== null && name in value);

/** Why a usage costs differently although a plain one does not: one side has no price for the class. */
function missing(prices: Prices, theirs: Prices, { needs, otherwise }: Probe): string | undefined {
  const here = states(prices, needs.catalog);
  const there = states(theirs, needs.oracle);
  if (!here && !there && otherwise !== undefined) return missing(prices, theirs, otherwise);
  if (here && !there) return 'The oracle has no price of its own for this; the catalog has.';
  if (there && !here)
    return 'The catalog has no price of its own for this, which then costs as plain input; the oracle has one.';
  return undefined;
}

const near = (one: number, other: number): boolean => Math.abs(one - other) <= 1e-9 * Math.max(one, other) + 1e-12;

const usd = (sheet: PriceSheet, { ours }: Probe): number => Number(costOf(sheet, { ...ours, source: 'provider' }).total) / 1e12;

/** What the oracle says, or nothing where it does not know the model. */
function ask(provider: string, model: string, { theirs }: Probe): ReturnType<typeof calcPrice> {
  try {
    return calcPrice({ ...theirs }, model, { providerId: provider, timestamp: DAY });
  } catch {
    return null; // prices that it cannot apply to these figures
  }
}

/** Compares every model that both know. */
export async function compare(): Promise<Comparison> {
  const catalog = createCatalog();
  const used = new Set<string>();
  const differences: Difference[] = [];
  let models = 0;
  let usages = 0;
  for (const [shard, provider] of Object.entries(PROVIDERS)) {
    for (const model of await catalog.list(shard)) {
      const sheet = mergeSheet(model, undefined);
      if (sheet === undefined || !isText(model) || !isPriced(sheet)) continue;
      const name = model.name.replace(new RegExp(`^${shard}/(accounts/fireworks/models/)?`), '');
      const answers = Object.entries(PROBES).flatMap(([probe, figures]) => {
        const answer = ask(provider, name, figures);
        return answer === null ? [] : [{ probe, figures, answer, ours: usd(sheet, figures) }];
      });
      if (answers.length === 0) continue;
      models++;
      usages += answers.length;
      const moved = answers.some(({ probe, ours, answer }) => probe === 'plain' && !near(ours, answer.total_price));
      for (const { probe, figures, answer, ours } of answers) {
        if (near(ours, answer.total_price)) continue;
        const full = `${shard}/${model.name}`;
        const gap = moved ? undefined : missing(sheet.prices, answer.model_price, figures);
        const found = REASONS.find(([pattern, , probes]) => pattern.test(full) && (probes?.test(probe) ?? true));
        const reason = gap ?? found?.[1];
        if (gap === undefined && found !== undefined) used.add(String(found[0]));
        differences.push({
          model: full,
          theirModel: answer.model.id,
          probe,
          ours,
          theirs: answer.total_price,
          ...(reason === undefined ? {} : { reason }),
        });
      }
    }
  }
  const idle = REASONS.map(([pattern]) => String(pattern)).filter((pattern) => !used.has(pattern));
  return { models, usages, differences, idle };
}

const isText = ({ mode }: CatalogModel): boolean => ['chat', 'completion', 'responses', 'embedding'].includes(mode ?? '');

/** The page: differences by reason, one model a line. */
export function pageOf({ models, usages, differences }: Comparison): string {
  const byReason = Map.groupBy(differences, ({ reason }) => reason ?? 'UNEXPLAINED');
  const sections = [...byReason]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([reason, found]) => {
      const lines = [...Map.groupBy(found, ({ model, theirModel }) => `\`${model}\` (\`${theirModel}\`)`)].map(
        ([names, all]) => `- ${names}: ${all.map(({ probe, ours, theirs }) => `${probe} ${times(ours / theirs)}`).join(', ')}`,
      );
      return `## ${reason}\n${lines.join('\n')}\n`;
    });
  const providers = Object.values(PROVIDERS).filter((id) => findProvider({ providerId: id }) !== undefined);
  return `# Our prices beside another list

Written by \`node test/oracle/price-check.ts --write\`; a test fails when it is out of date, or when a difference has no reason.

The catalog is compared with \`@pydantic/genai-prices\` at ${new Set(providers).size} providers: ${models} models, ${usages} usages of ${Object.keys(PROBES).length} kinds
(${Object.keys(PROBES).join(', ')}). ${usages - differences.length} cost the same to the last digit; ${differences.length} do not. A line names our model, theirs in
brackets, and how many times their cost ours is.

${sections.join('\n')}`;
}

const times = (ratio: number): string => (Number.isFinite(ratio) ? `x${Number(ratio.toPrecision(3))}` : 'free there');

if (import.meta.main && process.argv.includes('--write')) {
  const comparison = await compare();
  writeFileSync(new URL(`../../${PAGE}`, import.meta.url), pageOf(comparison));
  process.stdout.write(
    `${comparison.differences.filter(({ reason }) => reason === undefined).length} without a reason, idle: ${comparison.idle.join(' ')}\n`,
  );
}
