/** The scorer's modules as far as we call them, loaded at run time from the folder of the recordings. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Why an answer is judged wrong in a field; `ok` without a word when it is right. */
export interface Verdict {
  readonly ok: boolean;
  readonly why?: string;
}

/** What an answer says, whatever its wire format. Only what decides how to ask and judge is named here. */
export interface Summary {
  readonly choices: number;
}

/** A recorded answer of a provider, and the request it answered where that is known. */
export interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly endpoint: string;
  /** Name of the model in the gateway under test. */
  readonly slug: string;
  readonly dialect: string;
  readonly wantsStream: boolean;
  readonly status: number;
  readonly request?: Readonly<Record<string, unknown>>;
}

/** An HTTP answer, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly bytes: Buffer;
}

/** A request the gateway made to the provider. */
export interface UpstreamCall {
  readonly url: string;
  readonly body: Buffer;
}

export interface Replay {
  url(recording: Recording): string;
  /** Calls since the last time. */
  take(recording: Recording): readonly UpstreamCall[];
  close(): Promise<void>;
}

/** A running gateway under test. */
export interface Gateway {
  readonly url: string;
  start(cases: readonly { readonly case: Recording; readonly base: string }[]): Promise<void>;
  stop(): Promise<void>;
  request(recording: Recording, client: string): { readonly model: string; readonly headers: Readonly<Record<string, string>> };
}

interface Sides {
  readonly client: string;
  readonly upstream: string;
  /** Faults of the recording itself, which do not count when both sides speak its dialect. */
  readonly inherited: readonly string[];
}

/** What the scorer offers; see its README for the meaning of each. */
export interface Scorer {
  readonly CHAT_ENDPOINTS: ReadonlySet<string>;
  readonly CORE: readonly string[];
  readonly SYSTEM: string;
  readonly USER: string;
  loadCases(folder: string): readonly Recording[];
  materialise(
    recording: Recording,
    url: string,
  ): {
    readonly status: number;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly chunks: readonly Buffer[];
    readonly stream: boolean;
  };
  startReplay(cases: readonly Recording[], how: { readonly mode: string; readonly seed: number }): Promise<Replay>;
  extract(
    dialect: string,
    answer: Answer & { readonly stream: boolean },
  ): { readonly summary: Summary; readonly problems: readonly string[] };
  compare(
    want: { readonly status: number; readonly headers: Readonly<Record<string, unknown>>; readonly summary: Summary },
    got: Answer & { readonly summary: Summary; readonly problems: readonly string[] },
    sides: Sides,
  ): Readonly<Record<string, Verdict>>;
  toolNames(summary: Summary): readonly string[];
  lostGeneric(body: string, tools: readonly string[]): readonly string[];
  lostRecorded(sent: object, arrived: object): readonly string[];
  dialectOfPath(url: string): string;
  answers(asked: string, recorded: string): boolean;
  /** Starts the gateway as its users do: `npm start` with a config file. */
  createGateway(how: { readonly args: object; readonly env: NodeJS.ProcessEnv }): Promise<Gateway>;
}

const MODULES = ['compare', 'fixtures', 'oracle', 'replay', 'requests'];

/** Loads the scorer from `<recordings>/fidelity`. */
export async function loadScorer(recordings: string): Promise<Scorer> {
  const load = async (file: string): Promise<object> =>
    (await import(pathToFileURL(join(recordings, 'fidelity', file)).href)) as object;
  const modules = await Promise.all(MODULES.map((name) => load(`${name}.mjs`)));
  const { default: createGateway } = (await load('adapters/tollgate.mjs')) as { default: Scorer['createGateway'] };
  return Object.assign({ createGateway }, ...modules) as Scorer;
}
