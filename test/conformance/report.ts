/** The conformance report: what passed per provider and dialect, and every case that did not, with its reason. */

/** One check as the scorer reports it. */
export interface Result {
  readonly id: string;
  readonly provider: string;
  /** Dialect of the recording, and of the client. */
  readonly upstream: string;
  readonly client: string;
  readonly variant: 'generic' | 'recorded';
  readonly outcome: 'pass' | 'fail' | 'n/a';
  readonly strict?: boolean;
  readonly reasons: readonly string[];
  readonly why?: string;
  /** Differences that do not count, because the client's dialect has no place for what the provider said. */
  readonly unsaid?: readonly string[];
}

/** One way of replaying, and what came of it. */
export interface Run {
  readonly name: string;
  readonly results: readonly Result[];
}

/** Least share of translated cases that must pass, per client dialect. Same-dialect cases must all pass, but for explained ones. */
const TRANSLATED_BAR = 0.97;

interface Tally {
  pass: number;
  strict: number;
  scored: number;
}

const same = (result: Result): boolean => result.upstream === result.client;
const scored = (run: Run): readonly Result[] => run.results.filter(({ outcome }) => outcome !== 'n/a');
const percent = ({ pass, scored: of }: Tally): string =>
  of === 0 ? '-' : `${pass}/${of} (${((100 * pass) / of).toFixed(1)} %)`;

const counts = ({ pass, scored: of }: Tally): string => (of === 0 ? '-' : `${pass}/${of}`);

function tally(results: readonly Result[]): Tally {
  return {
    pass: results.filter(({ outcome }) => outcome === 'pass').length,
    strict: results.filter(({ strict }) => strict === true).length,
    scored: results.length,
  };
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** What is known of cases that do not pass, by id: why they are right as they are, or why they cannot be otherwise. */
const EXPLAINED: Readonly<Record<string, string>> = {
  'openai/chat/should-set-attributes-in-span-for-function-calling':
    'the answer uses the deprecated `function_call`, which the scorer does not read as a tool call; for clients of other dialects it is one',
  'openai/responses/responses-with-previous-response-id-i1':
    'the recorded `previous_response_id` was never answered by this gateway; ids are bound to their owner, so an unknown one is refused',
  'vercel-gateway/chat/gemini-3-pro-preview-thinking-streaming-i1':
    'the provider counts its reasoning tokens beside its output, not in it; a Gemini client adds both, so they stay untold',
};

const explanation = (id: string): string => {
  const known = EXPLAINED[id];
  return known === undefined ? '' : `. Reason: ${known}`;
};

/** A line per case and client, with the runs in which it failed. */
function failuresOf(runs: readonly Run[]): readonly string[] {
  const lines = new Map<string, { readonly why: string; readonly in: string[] }>();
  for (const run of runs) {
    for (const { id, client, variant, reasons } of scored(run).filter(({ outcome }) => outcome === 'fail')) {
      const key = `${id}, ${client} (${variant})`;
      const line = lines.get(key) ?? {
        why: reasons.join('; ') + explanation(id),
        in: [],
      };
      line.in.push(run.name);
      lines.set(key, line);
    }
  }
  return [...lines].map(
    ([key, line]) => `- ${key}: ${line.why}${line.in.length === runs.length ? '' : ` (in: ${line.in.join(', ')})`}`,
  );
}

/** What client dialects have no place for, and in how many cases of a run that showed. */
function unsaidIn(run: Run | undefined): readonly string[] {
  const cases = new Map<string, number>();
  for (const { client, unsaid = [] } of run === undefined ? [] : scored(run)) {
    for (const loss of unsaid) cases.set(`${client}: ${loss}`, (cases.get(`${client}: ${loss}`) ?? 0) + 1);
  }
  return [...cases].map(([loss, count]) => `- ${loss} (${count} cases)`).toSorted();
}

/** The report as Markdown, and whether a bar was missed. */
export function renderReport(runs: readonly Run[]): { readonly text: string; readonly failed: boolean } {
  const clients = [...new Set(runs.flatMap((run) => run.results.map(({ client }) => client)))].toSorted();
  let failed = false;
  const summary = runs.flatMap((run) =>
    clients.map((client) => {
      const rows = scored(run).filter((result) => result.client === client);
      const sameDialect = tally(rows.filter(same));
      const translated = tally(rows.filter((result) => !same(result)));
      const unexplained = rows.some((result) => same(result) && result.outcome === 'fail' && !(result.id in EXPLAINED));
      if (unexplained || translated.pass < translated.scored * TRANSLATED_BAR) failed = true;
      return [run.name, client, percent(sameDialect), percent(translated), String(sameDialect.strict + translated.strict)];
    }),
  );
  const [first] = runs;
  const providers = [...new Set(first === undefined ? [] : scored(first).map(({ provider }) => provider))].toSorted();
  const perProvider = providers.map((provider) => [
    provider,
    ...clients.flatMap((client) => {
      const rows =
        first === undefined ? [] : scored(first).filter((result) => result.provider === provider && result.client === client);
      return [counts(tally(rows.filter(same))), counts(tally(rows.filter((result) => !same(result))))];
    }),
  ]);
  const failures = failuresOf(runs);
  const unsaid = unsaidIn(first);
  const imperfect =
    first === undefined ? [] : scored(first).filter(({ outcome, strict }) => outcome === 'pass' && strict === false);

  const text = [
    '# Conformance',
    '',
    'Recordings of real providers are replayed behind a running gateway; a scorer that shares no code with it compares what a client',
    'hears with what the provider said, field by field. Written by `npm run conformance`; do not edit.',
    '',
    `Bars: every case where client and provider speak the same dialect (but for those explained below); ${TRANSLATED_BAR * 100} % of the translated ones per client dialect.`,
    'The clients of the Gemini, Bedrock, Cohere and Ollama dialects are ours (`test/conformance/clients.ts`); recordings and comparison are not.',
    'Strict counts cases in which the informational fields (reasoning tokens, signatures, retry-after, messages) are right as well.',
    '',
    table(['run', 'client dialect', 'same dialect', 'translated', 'strict'], summary),
    '',
    '## Per provider',
    '',
    table(['provider', ...clients.flatMap((client) => [`${client}, same`, `${client}, translated`])], perProvider),
    '',
    '## Every case that did not pass',
    '',
    failures.length === 0 ? 'None.' : failures.join('\n'),
    '',
    '## What a client dialect has no place for',
    '',
    'Not counted against a case: its other fields are judged.',
    '',
    unsaid.length === 0 ? 'None.' : unsaid.join('\n'),
    '',
    '## Passed, with an informational field that differs',
    '',
    imperfect.length === 0
      ? 'None.'
      : imperfect
          .map(
            (result) =>
              `- ${result.id}, ${result.client} (${result.variant}): ${result.reasons.join('; ')}${explanation(result.id)}`,
          )
          .join('\n'),
    '',
  ].join('\n');
  return { text, failed };
}
