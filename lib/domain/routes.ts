/** Routes that a key may use: paths, patterns, and LiteLLM's names for groups of routes. */
import type { KeyType } from './key.ts';

const OPENAI = [
  '/chat/completions',
  '/cursor/chat/completions',
  '/completions',
  '/engines',
  '/openai/deployments',
  '/responses',
  '/conversations',
  '/embeddings',
  '/images',
  '/audio',
  '/videos',
  '/moderations',
  '/batches',
  '/files',
  '/fine_tuning',
  '/assistants',
  '/threads',
  '/models',
  '/rerank',
  '/v2/rerank',
  '/realtime',
  '/vector_stores',
  '/search',
  '/ocr',
  '/containers',
  '/utils/token_counter',
  '/utils/transform_request',
];
const ANTHROPIC = ['/messages', '/skills'];
const GOOGLE = ['/v1beta/models', '/interactions', '/v1beta/interactions'];
const MCP = ['/mcp', '/mcp-rest', '/mcp/server'];
const AGENTS = ['/agents', '/a2a'];
const PASS_THROUGH = [
  '/anthropic',
  '/assemblyai',
  '/azure',
  '/azure_ai',
  '/bedrock',
  '/cohere',
  '/gemini',
  '/langfuse',
  '/milvus',
  '/mistral',
  '/openai',
  '/openai_passthrough',
  '/vertex-ai',
  '/vertex_ai',
  '/vllm',
  '/watsonx',
];
/** Of the other dialects: Bedrock, Cohere, Ollama. */
const OTHERS = [
  '/model/{model}/converse',
  '/model/{model}/converse-stream',
  '/model/{model}/invoke',
  '/model/{model}/invoke-with-response-stream',
  '/v2/chat',
  '/api/chat',
  '/api/generate',
  '/rag',
  '/guardrails/apply_guardrail',
  // What there is to call.
  '/model/info',
];
const KEYS = ['/key'];
const MANAGEMENT = [
  '/user',
  '/team',
  '/organization',
  '/project',
  '/customer',
  '/end_user',
  '/budget',
  '/tag',
  '/access_group',
  '/audit',
  '/credentials',
  '/jwt/key/mapping',
  '/iam/mapping',
  '/invitation',
  '/management/v1/budgets',
  '/management/v1/keys',
  '/management/v1/teams',
  '/management/v1/users',
  '/gateway/daily/activity',
  // One by one: Bedrock's calls lie below `/model` too.
  '/model/new',
  '/model/update',
  '/model/{id}/update',
  '/model/delete',
  '/model/settings',
  '/model/cost_map',
  '/reload/model_cost_map',
  '/schedule/model_cost_map_reload',
  '/model_group/make_public',
  '/model/info',
  '/v2/model/info',
];
const INFO = [
  '/key/info',
  '/v2/key/info',
  '/key/health',
  '/key/list',
  '/key/aliases',
  '/team/info',
  '/team/list',
  '/v2/team/list',
  '/team/available',
  '/team/metadata_schema',
  '/organization/list',
  '/user/info',
  '/v2/user/info',
  '/user/filter/ui',
  '/model/info',
  '/v2/model/info',
  '/model_group/info',
  '/models',
  '/health',
];
const SPEND = [
  '/spend',
  '/key/spend/report',
  '/user/spend/report',
  '/team/spend/report',
  '/organization/spend/report',
  '/management/v1/spend_logs',
  '/cost/estimate',
  '/receipts',
];
const GLOBAL_SPEND = [
  '/global/spend',
  '/global/activity',
  '/global/all_end_users',
  '/global/predict/spend/logs',
  '/model/metrics',
  '/model/streaming_metrics',
  '/provider/budgets',
];
const PUBLIC = [
  '/health/liveliness',
  '/health/liveness',
  '/health/readiness',
  '/routes',
  '/metrics',
  '/public',
  '/.well-known',
];

/** Patterns by the name of their group (LiteLLM `LiteLLMRoutes`, read 2026-11). */
const GROUPS: ReadonlyMap<string, readonly string[]> = new Map([
  ['openai_routes', OPENAI],
  ['anthropic_routes', ANTHROPIC],
  ['google_routes', GOOGLE],
  ['mcp_routes', MCP],
  ['agent_routes', AGENTS],
  ['llm_api_routes', [...OPENAI, ...ANTHROPIC, ...GOOGLE, ...MCP, ...AGENTS, ...PASS_THROUGH, ...OTHERS]],
  ['key_management_routes', KEYS],
  ['management_routes', [...MANAGEMENT, ...KEYS]],
  ['info_routes', INFO],
  ['admin_viewer_routes', [...INFO, '/audit', '/tag/list', '/user/list']],
  ['spend_tracking_routes', SPEND],
  ['global_spend_tracking_routes', GLOBAL_SPEND],
  ['internal_user_routes', [...SPEND, ...GLOBAL_SPEND, ...KEYS]],
  ['public_routes', PUBLIC],
]);

/** Groups that a type of key stands for; undefined for one that stands for no restriction. */
const PRESETS: Readonly<Record<KeyType, readonly string[] | undefined>> = {
  default: undefined,
  llm_api: ['llm_api_routes'],
  management: ['management_routes'],
  read_only: ['info_routes'],
};

/** What a key may use: its own list, else that of its type. */
export function routesOf(key: {
  readonly type?: KeyType;
  readonly allowedRoutes?: readonly string[];
}): readonly string[] | undefined {
  const own = key.allowedRoutes;
  return own !== undefined && own.length > 0 ? own : PRESETS[key.type ?? 'default'];
}

/** A route that was asked for. */
export interface AskedRoute {
  /** Its canonical name: `/v1/chat/completions`, `/key/{key}/regenerate`. */
  readonly route: string;
  /** The path as sent: `/openai/deployments/gpt-4o/chat/completions`. */
  readonly path: string;
}

/**
 * True when a list covers a route: by the route itself or one above it, by a pattern that ends in `*`, or by a group. Absent or empty
 * lists cover everything. `/v1/files` is `/files` too. What lies below an entry is told by canonical names alone: the path
 * `/models/gemini:generateContent` does not lie below `/models`.
 *
 * @example isAllowedRoute(['llm_api_routes'], { route: '/v1/messages', path: '/anthropic/v1/messages' }) === true
 */
export function isAllowedRoute(allowed: readonly string[] | undefined, { route, path }: AskedRoute): boolean {
  if (allowed === undefined || allowed.length === 0) return true;
  const forms = [route, route.replace(/^\/v1(?=\/)/, '')];
  return allowed.some((entry) => {
    const group = GROUPS.get(entry);
    if (group !== undefined) return group.some((pattern) => forms.some((form) => covers(pattern, form)));
    return entry === path || (entry.endsWith('*') && covers(entry, path)) || forms.some((form) => covers(entry, form));
  });
}

/** Groups of calls: whoever may use no more than these manages nothing. */
const CALLS = ['openai_routes', 'anthropic_routes', 'google_routes', 'mcp_routes', 'agent_routes', 'llm_api_routes'];

/** True when a key can do nothing but call models: its list, or its type, has no route of management and none that shows anything. */
export function onlyCalls(key: Parameters<typeof routesOf>[0]): boolean {
  const routes = routesOf(key) ?? [];
  const isCall = (entry: string): boolean =>
    CALLS.includes(entry) || isAllowedRoute(['llm_api_routes'], { route: entry, path: entry });
  return routes.length > 0 && routes.every(isCall);
}

function covers(pattern: string, route: string): boolean {
  if (pattern.endsWith('*')) return route.startsWith(pattern.slice(0, -1));
  if (!pattern.includes('{')) return route === pattern || route.startsWith(`${pattern}/`);
  const wanted = pattern.split('/');
  const segments = route.split('/');
  return wanted.length === segments.length && wanted.every((part, at) => part.startsWith('{') || part === segments[at]);
}
