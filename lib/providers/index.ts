/** All providers by id. */
import { GatewayError } from '../errors.ts';
import { accounts } from './accounts.ts';
import { agents } from './agents.ts';
import { anthropic } from './anthropic.ts';
import { azure, azureAi, azureText } from './azure.ts';
import { bedrock, bedrockMantle } from './bedrock.ts';
import { chatgpt } from './chatgpt.ts';
import { cohere, cohereChat } from './cohere.ts';
import { compatible } from './compatible.ts';
import { databricks } from './databricks.ts';
import { gemini } from './gemini.ts';
import { gigachat } from './gigachat.ts';
import { githubCopilot } from './github-copilot.ts';
import { codestral, codestralText, mistral } from './mistral.ts';
import { oci } from './oci.ts';
import { ollama, ollamaChat } from './ollama.ts';
import { openai, openaiText } from './openai.ts';
import { replicate } from './replicate.ts';
import { sagemaker, sagemakerChat, sagemakerNova } from './sagemaker.ts';
import { sap } from './sap.ts';
import { textGeneration } from './text-generation.ts';
import { vertexAi } from './vertex-ai.ts';
import { watsonx, watsonxText } from './watsonx.ts';
import type { Provider } from './provider.ts';

export { faultOfBase } from './address.ts';
export { chooseApi, placeOf, withoutPrefix } from './api-choice.ts';
export { createAuthorizer, tokenHttp, type Authorizer } from './authorize.ts';
export { bodyEdits, buildCall, type BuiltCall } from './build-call.ts';
export { compactingApi } from './compaction.ts';
export { secretsIn, wantsFields } from './credential.ts';
export { createFollower, type Follower } from './follow.ts';

const rows: readonly Provider[] = [
  ...accounts,
  ...agents,
  anthropic,
  azure,
  azureAi,
  azureText,
  bedrock,
  bedrockMantle,
  chatgpt,
  codestral,
  codestralText,
  cohere,
  cohereChat,
  ...compatible,
  databricks,
  gemini,
  gigachat,
  githubCopilot,
  mistral,
  oci,
  ollama,
  ollamaChat,
  openai,
  openaiText,
  replicate,
  sagemaker,
  sagemakerChat,
  sagemakerNova,
  sap,
  ...textGeneration,
  vertexAi,
  watsonx,
  watsonxText,
];

/** Second names of rows in LiteLLM. */
const ALIASES: readonly (readonly [string, string])[] = [
  ['ai21', 'ai21_chat'],
  ['aiohttp_openai', 'openai'],
  ['nano-gpt', 'nanogpt'],
  ['pydantic_ai_agents', 'a2a'],
  ['reka-ai', 'reka'],
  ['veniceai', 'venice'],
  ['vertex_ai_beta', 'vertex_ai'],
];

const aliases: readonly Provider[] = ALIASES.flatMap(([id, of]) =>
  rows.filter((row) => row.id === of).map((row) => ({ ...row, id, name: `${row.name} (second name)`, aliasOf: of })),
);

/** The rows by id (LiteLLM's slugs), in alphabetical order. */
export const providers: ReadonlyMap<string, Provider> = mapOf([...rows, ...aliases]);

function mapOf(all: readonly Provider[]): ReadonlyMap<string, Provider> {
  return new Map(all.map((row): [string, Provider] => [row.id, row]).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The row of an id.
 *
 * @throws GatewayError `invalid_request` that lists the ids there are.
 */
export function providerOf(id: string): Provider {
  const row = providers.get(id);
  if (row !== undefined) return row;
  throw new GatewayError('invalid_request', `Unknown provider '${id}'. Known providers: ${[...providers.keys()].join(', ')}.`, {
    param: 'model',
  });
}

/** A model at a provider. */
export interface ProviderModel {
  readonly provider: string;
  readonly model: string;
}

/** Names without a prefix that say whose they are, as LiteLLM reads them. */
const GUESSES: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt-|o\d|chatgpt-)/, 'openai'],
  [/^claude-/, 'anthropic'],
];

/**
 * Takes LiteLLM's model string apart; undefined when it names no provider we know.
 *
 * @example parseModel('groq/llama-3.3-70b') // { provider: 'groq', model: 'llama-3.3-70b' }
 * @example parseModel('gpt-4o') // { provider: 'openai', model: 'gpt-4o' }
 */
export function parseModel(text: string): ProviderModel | undefined {
  const slash = text.indexOf('/');
  const prefix = text.slice(0, Math.max(slash, 0));
  if (providers.has(prefix)) return slash + 1 < text.length ? { provider: prefix, model: text.slice(slash + 1) } : undefined;
  const guess = GUESSES.find(([pattern]) => pattern.test(text));
  return guess === undefined ? undefined : { provider: guess[1], model: text };
}
