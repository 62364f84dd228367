/** One ledger entry in the field names of LiteLLM's spend log. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';

/** LiteLLM's names for calls, by route. */
const CALL_TYPES: Readonly<Record<string, string>> = {
  '/v1/chat/completions': 'acompletion',
  '/v1/messages': 'anthropic_messages',
};

const isoOf = (time: number): string => new Date(time).toISOString();

const numberOf = (amount: Money | undefined): number | null => (amount === undefined ? null : toUsdNumber(amount));

const withoutAbsent = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Usage in OpenAI's names, with the cache figures LiteLLM adds; classes that were not reported are missing. */
function usageObject(usage: Usage): JsonObject {
  return withoutAbsent({
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: totalTokens(usage),
    prompt_tokens_details: withoutAbsent({
      cached_tokens: usage.cacheReadTokens,
      cache_creation_tokens: usage.cacheWriteTokens,
      audio_tokens: usage.audioInputTokens,
      image_tokens: usage.imageInputTokens,
    }),
    completion_tokens_details: withoutAbsent({
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: usage.audioOutputTokens,
      image_tokens: usage.imageOutputTokens,
      accepted_prediction_tokens: usage.acceptedPredictionTokens,
      rejected_prediction_tokens: usage.rejectedPredictionTokens,
    }),
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation_input_tokens: usage.cacheWriteTokens,
    cache_creation_1h_input_tokens: usage.cacheWrite1hTokens,
    web_search_requests: usage.webSearchRequests,
    service_tier: usage.serviceTier,
    source: usage.source,
  });
}

const totalTokens = (usage: Usage | undefined): number => (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0);

const costParts = (entry: LedgerEntry): JsonObject => ({
  ...Object.fromEntries(Object.entries(entry.costParts ?? {}).map(([name, amount]) => [name, toUsdNumber(amount)])),
  total_cost: numberOf(entry.cost),
});

/** What LiteLLM keeps under `metadata`, and what only our ledger knows. */
function metadataOf(entry: LedgerEntry): JsonObject {
  return withoutAbsent({
    ...entry.metadata,
    user_api_key: entry.keyHash,
    user_api_key_alias: entry.keyAlias ?? null,
    user_api_key_user_id: entry.userId ?? null,
    user_api_key_team_id: entry.teamId ?? null,
    user_api_key_org_id: entry.organizationId ?? null,
    user_api_key_project_id: entry.projectId ?? null,
    status: entry.status,
    usage_object: entry.usage === undefined ? null : usageObject(entry.usage),
    cost_breakdown: costParts(entry),
    price: entry.price,
    held: numberOf(entry.held),
    warnings: entry.warnings ?? [],
    error_information:
      entry.error === undefined
        ? null
        : { error_class: entry.error.kind, error_message: entry.error.message, error_code: String(entry.httpStatus) },
    attempts: entry.attempts,
    lost_attempts: entry.lost?.map(({ cost, usage, ...attempt }) => ({
      ...attempt,
      spend: numberOf(cost),
      usage_object: usageObject(usage),
    })),
    route: entry.route,
    stream: entry.stream,
    client_dialect: entry.clientDialect,
    upstream_dialect: entry.upstreamDialect,
    http_status: entry.httpStatus,
    user_agent: entry.userAgent,
  });
}

/**
 * The row of an entry. Amounts in USD; `spend` is null where the price is unknown (`metadata.price.source` says so), never 0.
 * `api_base` stays empty: addresses of deployments are the operator's.
 */
export function spendRow(entry: LedgerEntry): JsonObject {
  // Of streams the first token, as far as it is known: what clients take for the time to it is the difference to `startTime`.
  const startOf = entry.firstTokenMs ?? entry.firstByteMs;
  const session = entry.sessionId ?? entry.metadata?.['session_id'];
  return {
    request_id: entry.id,
    call_type: CALL_TYPES[entry.route] ?? entry.kind,
    api_key: entry.keyHash,
    spend: numberOf(entry.cost),
    total_tokens: totalTokens(entry.usage),
    prompt_tokens: entry.usage?.inputTokens ?? 0,
    completion_tokens: entry.usage?.outputTokens ?? 0,
    startTime: isoOf(entry.at),
    endTime: isoOf(entry.endedAt),
    completionStartTime: startOf === undefined ? null : isoOf(entry.at + startOf),
    request_duration_ms: entry.durationMs,
    model: entry.model ?? entry.modelGroup,
    model_id: entry.deploymentId ?? null,
    model_group: entry.modelGroup,
    custom_llm_provider: entry.provider ?? null,
    api_base: '',
    user: entry.userId ?? '',
    metadata: metadataOf(entry),
    cache_hit: 'False',
    cache_key: '',
    request_tags: entry.tags,
    team_id: entry.teamId ?? null,
    organization_id: entry.organizationId ?? null,
    end_user: entry.endUser ?? null,
    requester_ip_address: entry.ip ?? null,
    messages: {},
    response: {},
    session_id: typeof session === 'string' ? session : null,
    status: entry.status === 'success' ? 'success' : 'failure',
  };
}
