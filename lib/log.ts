/** Structured log lines: one JSON object a line, as CloudWatch and every collector read them. Never a body, a header or a secret. */

/** Levels in order of weight. */
export const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** A level; `silent` writes nothing. */
export type LogLevel = (typeof LEVELS)[number];

/** Writes one line. `fields` are facts of the event: ids, figures, words. */
export type Log = (level: Exclude<LogLevel, 'silent'>, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** A log that writes lines of at least `threshold`; `write` takes a line with its newline. */
export function createLog(
  threshold: LogLevel,
  write: (line: string) => void = (line) => void process.stdout.write(line),
  now: () => number = Date.now,
): Log {
  const least = LEVELS.indexOf(threshold);
  return (level, message, fields = {}) => {
    if (LEVELS.indexOf(level) < least) return;
    write(`${JSON.stringify({ ...fields, timestamp: new Date(now()).toISOString(), level, message })}\n`);
  };
}

/** What a log may say of something thrown: name and message, without the stack's paths. */
export function describeError(thrown: unknown): { readonly name: string; readonly message: string } {
  return thrown instanceof Error
    ? { name: thrown.name, message: thrown.message }
    : { name: typeof thrown, message: String(thrown) };
}

/** Namespace of the gateway's own metrics in CloudWatch. */
const NAMESPACE = 'Tollgate';

/**
 * Fields that make a log line count as a metric too, in CloudWatch's embedded metric format: 1 per line, by each dimension.
 *
 * @param now milliseconds since the epoch
 */
export const counted = (
  name: string,
  dimensions: Readonly<Record<string, string>>,
  now: number,
): Readonly<Record<string, unknown>> => ({
  _aws: {
    Timestamp: now,
    CloudWatchMetrics: [
      { Namespace: NAMESPACE, Dimensions: [Object.keys(dimensions)], Metrics: [{ Name: name, Unit: 'Count' }] },
    ],
  },
  ...dimensions,
  [name]: 1,
});
