/** Agents: they take a conversation, and have models, tools and settings of their own. */
import type { Answer } from '../transport/http.ts';
import { joinUrl } from './address.ts';
import { answerOf } from './follow.ts';
import { jsonOf, untilOver } from './job.ts';
import type { FollowContext, Provider } from './provider.ts';
import { drop, fixed, rename } from './quirks.ts';

const CHECKED = '2026-11-28';

/** One agent at the address that the operator gives. */
const a2a: Provider = {
  id: 'a2a',
  name: 'Agents that speak A2A',
  envKeys: ['A2A_API_KEY'],
  envBases: ['A2A_API_BASE'],
  auth: { type: 'bearer', optional: true },
  generate: [{ dialect: 'openai-kin', variant: 'a2a', path: '', takesNoCap: true }],
  url: ({ base }) => base,
  docs: 'https://docs.litellm.ai/docs/providers/a2a',
  checked: CHECKED,
};

/** Flows of a server of yours; the model is the flow. */
const langflow: Provider = {
  id: 'langflow',
  name: 'Langflow',
  base: 'http://127.0.0.1:7860',
  envKeys: ['LANGFLOW_API_KEY'],
  envBases: ['LANGFLOW_API_BASE'],
  auth: { type: 'header', name: 'x-api-key', optional: true },
  generate: [
    {
      dialect: 'text-generation',
      variant: 'langflow',
      path: '/api/v1/run/{model}',
      headers: { accept: 'application/json' },
      takesNoCap: true,
    },
  ],
  docs: 'https://docs.langflow.org/api-flows-run',
  checked: CHECKED,
};

/** Assistants of a server of yours; the model is the assistant. */
const langgraph: Provider = {
  id: 'langgraph',
  name: 'LangGraph',
  base: 'http://127.0.0.1:2024',
  envKeys: ['LANGGRAPH_API_KEY'],
  envBases: ['LANGGRAPH_API_BASE'],
  auth: { type: 'header', name: 'x-api-key', optional: true },
  generate: [{ dialect: 'openai-kin', variant: 'langgraph', path: '/runs/wait', streamPath: '/runs/stream', takesNoCap: true }],
  docs: 'https://docs.langchain.com/langgraph-platform/server-api-ref',
  checked: CHECKED,
};

/** States of a task that is under way. */
const RUNNING: ReadonlySet<unknown> = new Set(['running', 'pending', 'queued', 'in_progress']);

/** Manus answers with a task: its end is waited for, and what the user said is no part of the answer. It cannot be ended early. */
async function follow(answer: Answer, context: FollowContext): Promise<Answer> {
  const { sent } = context;
  const first = await jsonOf(answer);
  const { id, status } = first;
  const { 'content-type': _type, ...headers } = sent.headers;
  const asked = { method: 'GET', url: joinUrl(sent.url, `/${encodeURIComponent(String(id))}`), headers } as const;
  const over = RUNNING.has(status) ? await untilOver(asked, (task) => !RUNNING.has(task['status']), context) : first;
  const output = Array.isArray(over['output']) ? over['output'].filter(isNotUsers) : [];
  const task = { ...over, output, ...(over['status'] === 'error' && { status: 'failed' }) };
  return answerOf(answer, 'application/json', Buffer.from(JSON.stringify(task)));
}

const isNotUsers = (item: unknown): boolean => (item as { readonly role?: unknown } | null)?.role !== 'user';

/** Profiles of its agent are the models: `manus-1.6`. Its version 1, which speaks OpenAI's Responses. */
const manus: Provider = {
  id: 'manus',
  name: 'Manus',
  base: 'https://api.manus.im',
  envKeys: ['MANUS_API_KEY'],
  envBases: ['MANUS_API_BASE'],
  auth: { type: 'header', name: 'api_key' },
  headers: { accept: 'application/json' },
  generate: [
    {
      dialect: 'openai-responses',
      path: '/v1/responses',
      quirks: [rename('model', 'agent_profile'), fixed('task_mode', 'agent'), drop('stream')],
      answersDiffer: true,
      takesNoCap: true,
    },
  ],
  follow,
  docs: 'https://open.manus.ai/docs/v1/overview',
  checked: CHECKED,
};

/** The rows of this file. */
export const agents: readonly Provider[] = [a2a, langflow, langgraph, manus];
