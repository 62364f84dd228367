/**
 * Clients of dialects that the scorer does not call itself: Gemini, Bedrock Converse, Cohere and Ollama. Recordings, replay,
 * extraction and comparison are the scorer's; only the requests are ours.
 */
import { join } from 'node:path';
import { request } from 'undici';
import { CLIENT_DIALECTS, unsayableReason, type ClientDialect } from './client-requests.ts';
import type { Result } from './report.ts';
import {
  loadScorer,
  type Answer,
  type Gateway,
  type Recording,
  type Replay,
  type Scorer,
  type UpstreamCall,
} from './scorer.ts';

/** How to replay, and against which project. */
export interface ClientRun {
  /** Folder with `fidelity/` and `fixtures/`. */
  readonly recordings: string;
  readonly project: string;
  readonly port: number;
  /** `event`: one write per event; `split`: cut at random bytes. */
  readonly mode: string;
  readonly seed: number;
  /** Recordings asked for at a time. */
  readonly concurrency: number;
  /** Ends the run, its gateway first. */
  readonly ending: AbortSignal;
}

/** A recording with what it says. */
interface Case {
  readonly recording: Recording;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly summary: ReturnType<Scorer['extract']>['summary'];
  readonly problems: readonly string[];
}

interface Bench {
  readonly scorer: Scorer;
  readonly replay: Replay;
  readonly gateway: Gateway;
}

interface Check {
  readonly client: string;
  readonly dialect: ClientDialect;
  readonly variant: Result['variant'];
}

const TIMEOUT_MS = 15_000;

/** Recordings that hold two answers, or are broken on purpose: no single right answer. */
const BROKEN = /message_start twice|message_stop events|response\.created twice|two tool call ids on one index/;

const READABLE = new Set(['openai-chat', 'openai-responses', 'anthropic-messages', ...Object.keys(CLIENT_DIALECTS)]);

function readCases(scorer: Scorer, folder: string): readonly Case[] {
  return scorer.loadCases(folder).flatMap((recording) => {
    if (!scorer.CHAT_ENDPOINTS.has(recording.endpoint) || !READABLE.has(recording.dialect)) return [];
    const { status, headers, chunks, stream } = scorer.materialise(recording, '?alt=sse');
    const read = scorer.extract(recording.dialect, { status, headers, bytes: Buffer.concat(chunks), stream });
    const unanswered = recording.wantsStream && !stream && status < 400;
    if (unanswered || read.problems.some((problem) => BROKEN.test(problem))) return [];
    return [{ recording, status, headers, ...read }];
  });
}

async function call(url: string, headers: Readonly<Record<string, string>>, body: object): Promise<Answer> {
  const answer = await request(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  return { status: answer.statusCode, headers: answer.headers, bytes: Buffer.from(await answer.body.arrayBuffer()) };
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(bytes.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Whether the gateway asked the provider for a stream, by path or by body. */
function asksForStream({ url, body }: UpstreamCall, dialect: string): boolean {
  const [path = ''] = url.split('?');
  if (dialect === 'gemini' || dialect === 'bedrock-converse') return /:stream|-stream$/i.test(path);
  return parsed(body)['stream'] === true || /stream/i.test(path);
}

/** Why a recording says nothing about this call: it answers another question than the gateway asked. */
function mismatch(scorer: Scorer, recording: Recording, upstream: UpstreamCall): string | undefined {
  const asked = scorer.dialectOfPath(upstream.url);
  if (!scorer.answers(asked, recording.dialect)) return `gateway called ${asked}, recording is ${recording.dialect}`;
  if (recording.status < 400 && asksForStream(upstream, asked) !== recording.wantsStream) {
    return `gateway asked upstream ${recording.wantsStream ? 'without' : 'with'} stream`;
  }
  return undefined;
}

/** What did not reach the provider, in words. */
function lostOnTheWay(scorer: Scorer, check: Check, sent: object, tools: readonly string[], upstream: UpstreamCall): string {
  const lost =
    check.variant === 'recorded'
      ? scorer.lostRecorded(sent, parsed(upstream.body))
      : scorer.lostGeneric(upstream.body.toString(), tools);
  return lost.join(' ');
}

/** What was asked, what the client heard (or why it heard nothing whole), and what the gateway asked the provider. */
interface Exchange {
  readonly sent: object;
  readonly got: Answer | string;
  readonly upstream: readonly UpstreamCall[];
}

async function ask({ scorer, replay, gateway }: Bench, { recording, summary }: Case, check: Check): Promise<Exchange> {
  const { client, dialect, variant } = check;
  const { model, headers } = gateway.request(recording, client);
  const stream = recording.wantsStream;
  const sent =
    variant === 'recorded'
      ? dialect.readdress(recording.request ?? {}, model, stream)
      : dialect.request({ model, stream, system: scorer.SYSTEM, user: scorer.USER, tools: scorer.toolNames(summary) });
  replay.take(recording);
  const got = await call(gateway.url + dialect.path(model, stream), headers, sent).catch(String);
  return { sent, got, upstream: replay.take(recording) };
}

/** Every field that differs between what the provider said and what the client heard, with the difference in words. */
function differencesIn(
  scorer: Scorer,
  known: Case,
  { client }: Check,
  got: Answer,
): readonly { readonly field: string; readonly difference: string }[] {
  const { dialect, status, wantsStream } = known.recording;
  const heard = { ...got, ...scorer.extract(client, { ...got, stream: wantsStream }) };
  const inherited = client === dialect ? known.problems : [];
  const verdicts = scorer.compare({ ...known, status }, heard, { client, upstream: dialect, inherited });
  return Object.entries(verdicts).flatMap(([field, { ok, why = '' }]) => (ok ? [] : [{ field, difference: why }]));
}

async function judge(bench: Bench, known: Case, check: Check): Promise<Result> {
  const { scorer } = bench;
  const { recording, summary } = known;
  const { client, dialect, variant } = check;
  const row = { id: recording.id, provider: recording.provider, upstream: recording.dialect, client, variant };
  const notApplicable = (why: string): Result => ({ ...row, outcome: 'n/a', reasons: [], why });
  const failed = (reason: string): Result => ({ ...row, outcome: 'fail', strict: false, reasons: [reason] });
  if (summary.choices > 1 && client !== recording.dialect) {
    return notApplicable('recording has several choices, this client can ask for one only');
  }
  const { sent, got, upstream } = await ask(bench, known, check);
  const [first] = upstream;
  if (first === undefined) {
    const heard = typeof got === 'string' ? got : `client got ${got.status} ${got.bytes.toString().slice(0, 200)}`;
    return failed(`routed: no upstream call; ${heard}`);
  }
  const why = mismatch(scorer, recording, first);
  if (why !== undefined) return notApplicable(why);
  if (typeof got === 'string') return failed(`protocol: ${got}`);

  const lost = lostOnTheWay(scorer, check, sent, scorer.toolNames(summary), first);
  const differences = [
    ...(lost === '' ? [] : [{ field: 'request content', difference: lost }]),
    ...(upstream.length === 1 ? [] : [{ field: 'single call', difference: `${upstream.length} upstream calls` }]),
    ...differencesIn(scorer, known, check, got),
  ].map((found) => ({ ...found, unsaid: unsayableReason(dialect, found.field, found.difference) }));
  const wrong = differences.filter(({ unsaid }) => unsaid === undefined);
  return {
    ...row,
    outcome: wrong.some(({ field }) => scorer.CORE.includes(field)) ? 'fail' : 'pass',
    strict: wrong.length === 0,
    reasons: wrong.map(({ field, difference }) => `${field}: ${difference}`),
    unsaid: differences.flatMap(({ field, unsaid }) => (unsaid === undefined ? [] : [`${field}: ${unsaid}`])),
  };
}

/** The checks of a recording: every client with the small conversation, and its own dialect with the recorded request too. */
function checksOf({ recording }: Case): readonly Check[] {
  return Object.entries(CLIENT_DIALECTS).flatMap(([client, dialect]) => [
    { client, dialect, variant: 'generic' as const },
    ...(client === recording.dialect && recording.request !== undefined
      ? [{ client, dialect, variant: 'recorded' as const }]
      : []),
  ]);
}

/** Starts provider and gateway, lets every client ask for every recording, and stops what was started. */
export async function scoreClients(run: ClientRun): Promise<readonly Result[]> {
  const scorer = await loadScorer(run.recordings);
  const cases = readCases(scorer, join(run.recordings, 'fixtures'));
  const recordings = cases.map(({ recording }) => recording);
  const replay = await scorer.startReplay(recordings, { mode: run.mode, seed: run.seed });
  const gateway = await scorer.createGateway({ args: { project: run.project, port: run.port }, env: process.env });
  const results: Result[] = [];
  const end = (): void => void gateway.stop();
  run.ending.addEventListener('abort', end);
  try {
    run.ending.throwIfAborted();
    await gateway.start(recordings.map((recording) => ({ case: recording, base: replay.url(recording) })));
    const queue = cases.values();
    const work = async (): Promise<void> => {
      for (const known of queue) {
        run.ending.throwIfAborted();
        for (const check of checksOf(known)) results.push(await judge({ scorer, replay, gateway }, known, check));
      }
    };
    await Promise.all(Array.from({ length: run.concurrency }, work));
  } finally {
    run.ending.removeEventListener('abort', end);
    await gateway.stop();
    await replay.close();
  }
  return results;
}
