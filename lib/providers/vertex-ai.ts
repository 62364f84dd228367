/** Google Vertex AI: project and location in the path, tokens of Google's OAuth, one API per publisher. */
import { GatewayError } from '../errors.ts';
import { googleToken } from '../transport/google-oauth.ts';
import type { Answer } from '../transport/http.ts';
import type { Headers, SseFrame } from '../transport/message.ts';
import { createNdjsonParser } from '../transport/ndjson.ts';
import { roleKeys } from './aws.ts';
import { answerOf } from './follow.ts';
import type { AuthContext, FollowContext, Provider, SigningRequest, Values } from './provider.ts';
import { drop, fixed } from './quirks.ts';

const PLACE = '/v1/projects/{vertex_project}/locations/{vertex_location}';
const GOOGLE = `${PLACE}/publishers/google/models/{model}`;
const ANTHROPIC = `${PLACE}/publishers/anthropic/models/{model}`;

const isClaude = (model: string): boolean => model.startsWith('claude');

/** Models of other publishers are written `<publisher>/<model>` and served by the OpenAI-compatible endpoint. */
const isPartner = (model: string): boolean => model.includes('/');

/**
 * The host of a location.
 *
 * @see https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
 */
function baseOf({ vertex_location: location = '' }: Values): string {
  if (location === 'global') return 'https://aiplatform.googleapis.com';
  if (!/^[a-z]+(?:-[a-z]+\d+)?$/.test(location))
    throw misconfigured('vertex_location has to be a location such as us-central1');
  // Multi-regions have a host of another form.
  return location.includes('-')
    ? `https://${location}-aiplatform.googleapis.com`
    : `https://aiplatform.${location}.rep.googleapis.com`;
}

/** Keys of Google have neither slashes nor an ending. */
const isPath = (credential: string): boolean => /[/\\]|\.json$/.test(credential);

/** The JSON of a Google credential: its own field, the credential itself, or the file that either names. */
async function credentialJson({ fields, credential, readFile }: AuthContext): Promise<string | undefined> {
  const { api_key: key } = fields;
  const whole = fields['type'] !== undefined || (key !== undefined && isPath(key)) ? credential : undefined;
  const given = fields['vertex_credentials'] ?? whole;
  if (given === undefined || given.trimStart().startsWith('{')) return given;
  if (readFile === undefined) throw misconfigured('vertex_credentials has to be the JSON text itself, not the path of a file');
  return readFile(given).catch((cause: unknown) => {
    throw misconfigured('the file that vertex_credentials names cannot be read', cause);
  });
}

async function authorize(_request: SigningRequest, context: AuthContext): Promise<Headers> {
  const json = await credentialJson(context);
  if (json === undefined) {
    // A key without an account: express mode, sent by `auth`.
    if (context.fields['api_key'] !== undefined) return {};
    throw misconfigured('set vertex_credentials, or the variable GOOGLE_APPLICATION_CREDENTIALS');
  }
  const { environment, http, now, readFile } = context;
  const keys = roleKeys(environment);
  const region = environment['AWS_REGION'];
  const token = await context.token(['google', json], () =>
    googleToken(json, {
      http,
      now: now(),
      ...(readFile === undefined ? {} : { readFile }),
      ...(keys === undefined || region === undefined ? {} : { aws: { keys, region } }),
    }),
  );
  return { authorization: `Bearer ${token}` };
}

const misconfigured = (fault: string, cause?: unknown): GatewayError =>
  new GatewayError('internal', `This model of Vertex AI cannot be called: ${fault}.`, {
    code: 'misconfigured_deployment',
    cause,
  });

/** Agents are asked for server-sent events, and some answer with lines of JSON all the same. */
async function follow(answer: Answer, { sent }: FollowContext): Promise<Answer> {
  if (!new URL(sent.url).pathname.endsWith(':streamQuery')) return answer;
  return answerOf(answer, 'text/event-stream', eventsOf(answer.body), () => answer.discard());
}

async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parser = createNdjsonParser();
  const write = (frames: readonly SseFrame[]): Uint8Array => {
    const lines = frames.map(({ data }) => data.replace(/^data:\s*/, '')).filter((line) => /^[[{]/.test(line));
    return Buffer.from(lines.map((line) => `data: ${line.replaceAll('\n', ' ')}\n\n`).join(''));
  };
  for await (const chunk of body) {
    const frames = parser.push(chunk);
    if (frames.length > 0) yield write(frames);
  }
  yield write(parser.end());
}

/** Where Vertex AI is and how it is spoken to. */
export const vertexAi: Provider = {
  id: 'vertex_ai',
  name: 'Google Vertex AI',
  base: 'https://{vertex_location}-aiplatform.googleapis.com',
  baseOf,
  envKeys: ['VERTEXAI_CREDENTIALS', 'VERTEX_CREDENTIALS', 'GOOGLE_APPLICATION_CREDENTIALS'],
  envBases: ['VERTEXAI_API_BASE', 'VERTEX_API_BASE'],
  auth: { type: 'header', name: 'x-goog-api-key' },
  follow,
  generate: [
    {
      dialect: 'anthropic-messages',
      path: `${ANTHROPIC}:rawPredict`,
      streamPath: `${ANTHROPIC}:streamRawPredict`,
      serves: isClaude,
      quirks: [drop('model'), fixed('anthropic_version', 'vertex-2023-10-16')],
    },
    { dialect: 'openai-chat', path: `${PLACE}/endpoints/openapi/chat/completions`, serves: isPartner },
    {
      dialect: 'gemini',
      path: `${GOOGLE}:generateContent`,
      streamPath: `${GOOGLE}:streamGenerateContent?alt=sse`,
      serves: (model) => !isClaude(model) && !isPartner(model),
    },
    /** `agent_engine/<id>`: an agent of the project, by the number of its engine. */
    {
      dialect: 'openai-kin',
      variant: 'agent-engine',
      forcedBy: 'agent_engine/',
      path: `${PLACE}/reasoningEngines/{model}:streamQuery?alt=sse`,
      takesNoCap: true,
    },
  ],
  count: [
    {
      dialect: 'anthropic-messages',
      path: `${PLACE}/publishers/anthropic/models/count-tokens:rawPredict`,
      serves: isClaude,
      quirks: [],
    },
    {
      dialect: 'gemini',
      variant: 'vertex',
      path: `${GOOGLE}:countTokens`,
      serves: (model) => !isClaude(model) && !isPartner(model),
    },
  ],
  parameters: {
    vertex_project: { env: ['VERTEXAI_PROJECT', 'VERTEX_PROJECT', 'GOOGLE_CLOUD_PROJECT'] },
    vertex_location: { env: ['VERTEXAI_LOCATION', 'VERTEX_LOCATION'], fallback: 'us-central1' },
  },
  secrets: { vertex_credentials: { env: ['VERTEXAI_CREDENTIALS', 'VERTEX_CREDENTIALS', 'GOOGLE_APPLICATION_CREDENTIALS'] } },
  sign(headers, credential) {
    if (!isPath(credential)) headers['x-goog-api-key'] = credential;
  },
  authorize,
  docs: 'https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference',
  checked: '2026-11-22',
};
