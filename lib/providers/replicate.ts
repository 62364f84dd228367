/** Replicate: calls submit a job, whose answer comes as a stream of its own, or at the end of the job. */
import { isOver, PREDICTION_EVENT } from '../dialects/replicate/wire.ts';
import { GatewayError } from '../errors.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { Answer } from '../transport/http.ts';
import { belowBase, joinUrl } from './address.ts';
import { answerOf } from './follow.ts';
import { jsonOf, untilOver } from './job.ts';
import type { Address, FollowContext, FollowingCall, Provider } from './provider.ts';
import { drop, rename } from './quirks.ts';

/** What a prediction is asked about, and how it is ended: at the address of the first call, never at one that an answer names. */
function addressesOf(sent: string, id: unknown): { readonly get: string; readonly cancel: string } {
  const base = /^(.*?)(?:\/(?:models|deployments)\/[^/]+\/[^/]+)?\/predictions$/.exec(sent)?.[1];
  if (base === undefined || typeof id !== 'string' || !/^\w+$/.test(id)) {
    throw new GatewayError('upstream', 'The provider answered without the id of a prediction.');
  }
  const get = `${base}/predictions/${id}`;
  return { get, cancel: `${get}/cancel` };
}

/** Hosts of Replicate's streams. */
const STREAM_HOST = /(?:^|\.)replicate\.(?:com|net)$/;

/** The address of the stream; undefined where there is none, or one that leads elsewhere. It is its own key: no token goes there. */
function streamOf({ urls }: JsonObject, sent: string): string | undefined {
  const address = isObject(urls) && typeof urls['stream'] === 'string' ? URL.parse(urls['stream']) : null;
  if (address === null) return undefined;
  const own = address.origin === new URL(sent).origin;
  return own || (address.protocol === 'https:' && STREAM_HOST.test(address.hostname)) ? address.href : undefined;
}

async function follow(answer: Answer, context: FollowContext): Promise<Answer> {
  const { sent, stream } = context;
  const prediction = await jsonOf(answer);
  if (isOver(prediction)) return predictionAnswer(answer, prediction);
  const { authorization = '' } = sent.headers;
  const headers = { authorization, accept: 'application/json', 'user-agent': 'tollgate' };
  const { get, cancel } = addressesOf(sent.url, prediction['id']);
  const asked: FollowingCall = { method: 'GET', url: get, headers };
  let given = false;
  const giveUp = (): void => {
    if (!given) context.sendLast({ method: 'POST', url: cancel, headers });
    given = true;
  };
  try {
    const url = stream ? streamOf(prediction, sent.url) : undefined;
    if (url !== undefined) return await streamAnswer(url, asked, giveUp, context);
    return predictionAnswer(answer, await untilOver(asked, isOver, context));
  } catch (error) {
    giveUp();
    throw error;
  }
}

const predictionAnswer = (answer: Answer, prediction: JsonObject): Answer =>
  answerOf(answer, 'application/json', Buffer.from(JSON.stringify(prediction)));

/** The stream, and after it the prediction, which says what was counted. Whoever stops reading ends the job. */
async function streamAnswer(url: string, asked: FollowingCall, giveUp: () => void, context: FollowContext): Promise<Answer> {
  const headers = { accept: 'text/event-stream', 'cache-control': 'no-store', 'user-agent': 'tollgate' };
  const events = await context.send({ method: 'GET', url, headers });
  async function* body(): AsyncGenerator<Uint8Array> {
    let complete = false;
    try {
      yield* events.body;
      complete = true;
      const prediction = await context.send(asked).then(jsonOf, () => undefined);
      if (prediction === undefined) return;
      // The stream broke off, and the job did not.
      if (!isOver(prediction)) giveUp();
      yield Buffer.from(`\n\nevent: ${PREDICTION_EVENT}\ndata: ${JSON.stringify(prediction)}\n\n`);
    } finally {
      if (!complete) giveUp();
    }
  }
  return answerOf(events, 'text/event-stream', body(), () => {
    events.discard();
    giveUp();
  });
}

/** Where a call goes: an official model by its name, one with a version at the common address, or a deployment. */
function url({ base, model, path }: Address): string {
  return path.endsWith('/predictions') && path !== '/predictions'
    ? `${belowBase(joinUrl(base, path.slice(0, path.indexOf('/', 1))), model)}/predictions`
    : joinUrl(base, path);
}

/** Where Replicate is and how it is spoken to. A version is told with the name before it: `org/llm:<hash>`. */
export const replicate: Provider = {
  id: 'replicate',
  name: 'Replicate',
  base: 'https://api.replicate.com/v1',
  envKeys: ['REPLICATE_API_KEY', 'REPLICATE_API_TOKEN'],
  envBases: ['REPLICATE_API_BASE'],
  auth: { type: 'bearer' },
  headers: { accept: 'application/json' },
  generate: [
    {
      dialect: 'replicate',
      path: '/predictions',
      serves: (model) => model.includes(':'),
      quirks: [rename('model', 'version')],
    },
    { dialect: 'replicate', path: '/models/{model}/predictions', quirks: [drop('model')] },
    {
      dialect: 'replicate',
      forcedBy: 'deployments/',
      path: '/deployments/{model}/predictions',
      quirks: [drop('model')],
    },
  ],
  url,
  follow,
  docs: 'https://replicate.com/docs/reference/http#predictions.create',
  checked: '2026-11-28',
};
