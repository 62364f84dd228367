/**
 * What recorded answers of real providers cost: our dialects and engine beside arithmetic that knows neither, straight from the bytes.
 * The recordings are no part of this project (TOLLGATE_RECORDINGS, default `../shared`); without them a line says so.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../lib/catalog/index.ts';
import { createDialects } from '../../lib/dialects/index.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { DialectId, GenerateEvent } from '../../lib/kinds/generate.ts';
import { isObject, type JsonObject } from '../../lib/kinds/json.ts';
import { mergeUsage, type Usage } from '../../lib/kinds/usage.ts';
import { createTargets } from '../../lib/targets.ts';
import { codecOf } from '../../lib/transport/framing.ts';
import { aDeployment } from '../support/exchange.ts';

const RECORDINGS = resolve(import.meta.dirname, '../..', process.env['TOLLGATE_RECORDINGS'] ?? '../shared', 'fixtures');

/** A recording, as its index has it. */
interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly endpoint: string;
  readonly model: string | null;
  readonly status: number;
  readonly response_format: string;
  readonly features: readonly string[];
  readonly files: { readonly response?: string; readonly chunks?: string };
}

/** Our rows by the recordings' providers. */
const ROWS: Readonly<Record<string, string>> = {
  alibaba: 'dashscope',
  anthropic: 'anthropic',
  azure: 'azure',
  bedrock: 'bedrock',
  cerebras: 'cerebras',
  cohere: 'cohere',
  deepseek: 'deepseek',
  fireworks: 'fireworks_ai',
  gemini: 'gemini',
  groq: 'groq',
  mistral: 'mistral',
  moonshot: 'moonshot',
  openai: 'openai',
  openrouter: 'openrouter',
  perplexity: 'perplexity',
  together: 'together_ai',
  vertex: 'vertex_ai',
  'vertex-anthropic': 'vertex_ai',
  xai: 'xai',
  zai: 'zai',
};

const DIALECTS: Readonly<Record<string, DialectId>> = {
  messages: 'anthropic-messages',
  'raw-predict': 'anthropic-messages',
  'stream-raw-predict': 'anthropic-messages',
  responses: 'openai-responses',
  converse: 'bedrock-converse',
  'generate-content': 'gemini',
  'stream-generate-content': 'gemini',
};

const dialectOf = ({ provider, endpoint }: Recording): DialectId | undefined =>
  endpoint === 'chat' ? (provider === 'cohere' ? 'cohere-chat' : 'openai-chat') : DIALECTS[endpoint];

const dialects = createDialects();

/** Our reading: through the dialect. */
async function decoded(dialect: DialectId, text: string, framed: boolean): Promise<Usage | undefined> {
  const upstream = await dialects.loadUpstream(dialect);
  let events: readonly GenerateEvent[];
  if (framed) {
    const parser = codecOf(upstream.framing).parser();
    const decoder = upstream.decodeStream({});
    const frames = [...parser.push(Buffer.from(text)), ...parser.end()];
    events = [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
  } else events = upstream.decodeResponse(JSON.parse(text), {});
  return events.reduce<Usage | undefined>(
    (known, event) => (event.type === 'usage' ? mergeUsage(known, event.usage) : known),
    undefined,
  );
}

/** The other reading: every JSON object in the bytes. */
function objectsIn(text: string, framed: boolean): readonly JsonObject[] {
  if (!framed) return [JSON.parse(text) as JsonObject];
  return text
    .split(/\r?\n/)
    .filter((line) => /^data: ?\{/.test(line))
    .map((line) => JSON.parse(line.replace(/^data: ?/, '')) as JsonObject);
}

const child = (value: unknown, ...path: readonly string[]): JsonObject =>
  path.reduce<JsonObject>((at, name) => (isObject(at[name]) ? at[name] : {}), isObject(value) ? value : {});

const num = (figures: JsonObject, name: string): number => (typeof figures[name] === 'number' ? figures[name] : 0);

/** Figures as plain as they get: tokens at the full price, from a cache, into one, for an hour, and written. */
interface Figures {
  readonly full: number;
  readonly read: number;
  readonly write: number;
  readonly hour: number;
  readonly out: number;
}

/** Where each API has them. */
const READERS: Readonly<Partial<Record<DialectId, (objects: readonly JsonObject[]) => Figures>>> = {
  'anthropic-messages': (objects) => {
    const found = objects.map((object) => ({ ...child(object, 'message', 'usage'), ...child(object, 'usage') }));
    const u = Object.assign({}, ...found) as JsonObject;
    const hour = num(child(u, 'cache_creation'), 'ephemeral_1h_input_tokens');
    const write = num(u, 'cache_creation_input_tokens');
    return {
      full: num(u, 'input_tokens'),
      read: num(u, 'cache_read_input_tokens'),
      write: write - hour,
      hour,
      out: num(u, 'output_tokens'),
    };
  },
  'bedrock-converse': (objects) => {
    const u = child(objects.at(-1), 'usage');
    const [read, write] = [num(u, 'cacheReadInputTokens'), num(u, 'cacheWriteInputTokens')];
    return { full: num(u, 'inputTokens'), read, write, hour: 0, out: num(u, 'outputTokens') };
  },
  gemini: (objects) => {
    const u = child(
      objects.findLast((object) => isObject(object['usageMetadata'])),
      'usageMetadata',
    );
    const read = num(u, 'cachedContentTokenCount');
    const full = num(u, 'promptTokenCount') + num(u, 'toolUsePromptTokenCount') - read;
    return { full, read, write: 0, hour: 0, out: num(u, 'candidatesTokenCount') + num(u, 'thoughtsTokenCount') };
  },
  'openai-responses': (objects) => {
    const last = objects.findLast((object) => Object.keys(child(object, 'response', 'usage')).length > 0) ?? objects.at(-1);
    const u = { ...child(last, 'usage'), ...child(last, 'response', 'usage') };
    const read = num(child(u, 'input_tokens_details'), 'cached_tokens');
    return { full: num(u, 'input_tokens') - read, read, write: 0, hour: 0, out: num(u, 'output_tokens') };
  },
  'cohere-chat': (objects) => {
    const last = objects.at(-1);
    const u = { ...child(last, 'usage', 'billed_units'), ...child(last, 'delta', 'usage', 'billed_units') };
    return { full: num(u, 'input_tokens'), read: 0, write: 0, hour: 0, out: num(u, 'output_tokens') };
  },
  'openai-chat': (objects) => {
    const holder = objects.findLast((object) => isObject(object['usage']) || isObject(child(object, 'x_groq')['usage']));
    const u = { ...child(holder, 'x_groq', 'usage'), ...child(holder, 'usage') };
    const read = num(child(u, 'prompt_tokens_details'), 'cached_tokens') || num(u, 'prompt_cache_hit_tokens');
    const [input, out] = [num(u, 'prompt_tokens'), num(u, 'completion_tokens')];
    const reasoning = num(child(u, 'completion_tokens_details'), 'reasoning_tokens');
    const beside = reasoning > 0 && num(u, 'total_tokens') === input + out + reasoning;
    return { full: input - read, read, write: 0, hour: 0, out: beside ? out + reasoning : out };
  },
};

/** What the figures cost at the plain prices of a sheet: for short requests without audio, tiers and tools. */
function plainCost(prices: JsonObject, { full, read, write, hour, out }: Figures): number {
  const input = num(prices, 'input_cost_per_token');
  const price = (...names: readonly string[]): number => {
    const name = names.find((one) => typeof prices[one] === 'number');
    return name === undefined ? input : num(prices, name);
  };
  return (
    full * input +
    read * price('cache_read_input_token_cost', 'input_cost_per_token_cache_hit') +
    write * price('cache_creation_input_token_cost') +
    hour * price('cache_creation_input_token_cost_above_1hr', 'cache_creation_input_token_cost') +
    out * num(prices, 'output_cost_per_token')
  );
}

/** Parts of a cost that the plain arithmetic has, too. */
const PLAIN_PARTS: ReadonlySet<string> = new Set([
  'input',
  'cache_read',
  'cache_write',
  'cache_write_1h',
  'image_input',
  'video_input',
  'output',
  'reasoning',
]);

/** Parts whose prices it does not know. */
const OTHER_PARTS = ['audio_input', 'audio_cache_read', 'audio_output', 'image_output'];

/** Fees that no usage counts. */
const UNCOUNTED: ReadonlySet<string> = new Set(['openrouter/chat/openrouter-web-search-annotations-stream']);

const index = resolve(RECORDINGS, 'index.json');
const present = existsSync(index);

describe('the cost of recorded answers', () => {
  it('is what plain arithmetic makes of the bytes', async () => {
    if (!present) return console.warn(`no ${index}: recorded answers were not priced`);
    const { cases } = JSON.parse(readFileSync(index, 'utf8')) as { cases: readonly Recording[] };
    const target = createTargets(createCatalog());
    const wrong: string[] = [];
    const compared = new Map<string, number>();
    for (const recording of cases) {
      const row = ROWS[recording.provider];
      const dialect = dialectOf(recording);
      const framed = recording.response_format === 'sse';
      const file = recording.files.response ?? recording.files.chunks;
      const isUsable =
        recording.status < 400 && recording.features.includes('usage') && (framed || recording.response_format === 'json');
      if (row === undefined || dialect === undefined || file === undefined || !isUsable) continue;
      const text = readFileSync(resolve(RECORDINGS, file), 'utf8');
      const objects = objectsIn(text, framed);
      const named = [objects[0]?.['model'], objects[0]?.['modelVersion'], child(objects[0], 'response')['model']];
      const model = recording.model ?? named.find((name) => typeof name === 'string');
      const figures = READERS[dialect]?.(objects);
      if (typeof model !== 'string' || figures === undefined || figures.full + figures.out === 0) continue;
      const { sheet, price } = await target(aDeployment({ id: row, provider: row, model }), model);
      if (sheet === undefined) continue;
      let usage: Usage | undefined;
      try {
        usage = await decoded(dialect, text, framed);
      } catch (error) {
        if (error instanceof GatewayError) continue; // an answer that is an error in spite of its status
        throw error;
      }
      const cost = usage && price?.(usage);
      if (cost === undefined || cost.rule !== undefined || OTHER_PARTS.some((part) => part in cost.parts)) continue;
      compared.set(row, (compared.get(row) ?? 0) + 1);
      const ours =
        Object.entries(cost.parts).reduce((sum, [part, amount]) => (PLAIN_PARTS.has(part) ? sum + Number(amount) : sum), 0) /
        1e12;
      const theirs = plainCost(sheet.prices, figures);
      if (Math.abs(ours - theirs) > 2e-12) wrong.push(`${recording.id} (${model}): ${ours} here, ${theirs} by hand`);
    }

    expect(wrong).toEqual([]);
    expect(compared.size).toBeGreaterThan(12);
    expect([...compared.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(100);
  });

  it('is what the provider says itself, where it does', async () => {
    if (!present) return;
    const { cases } = JSON.parse(readFileSync(index, 'utf8')) as { cases: readonly Recording[] };
    const target = createTargets(createCatalog());
    const wrong: string[] = [];
    let compared = 0;
    for (const recording of cases) {
      const row = ROWS[recording.provider];
      const framed = recording.response_format === 'sse';
      const file = recording.files.response ?? recording.files.chunks;
      const isUsable =
        recording.endpoint === 'chat' && recording.status < 400 && (framed || recording.response_format === 'json');
      if (row === undefined || file === undefined || !isUsable || UNCOUNTED.has(recording.id)) continue;
      const text = readFileSync(resolve(RECORDINGS, file), 'utf8');
      const usage = await decoded('openai-chat', text, framed).catch(() => undefined);
      const [first] = objectsIn(text, framed);
      const model = recording.model ?? first?.['model'];
      if (usage?.reportedCostUsd === undefined || typeof model !== 'string') continue;
      const cost = (await target(aDeployment({ id: row, provider: row, model }), model)).price?.(usage);
      if (cost === undefined) continue;
      compared++;
      const [ours, theirs] = [Number(cost.total) / 1e12, usage.reportedCostUsd];
      // They round, some to a hundred-thousandth of a dollar.
      if (Math.abs(ours - theirs) > 0.00001) wrong.push(`${recording.id} (${model}): ${ours} here, ${theirs} there`);
    }

    expect(wrong).toEqual([]);
    expect(compared).toBeGreaterThan(5);
  });
});
