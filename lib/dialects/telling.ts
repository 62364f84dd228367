/** What encoders share: each loss is told, and once; each call has an id of its own. */
import { GatewayError } from '../errors.ts';
import type { Choice, Extensions, DialectId, FinishReason, GenerateResponse, Warning } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { ReplyContext } from './dialect.ts';

/** Told of everything that cannot be said. */
export type Warn = (warning: Warning) => void;

/** Tells the client of a loss in `field`; `kind` is `dropped` unless said otherwise. */
export type WarnOnce = (field: string, reason: string, kind?: Warning['kind']) => void;

/** Tells the client of each kind of loss once. */
export function warnOnce(context: ReplyContext): WarnOnce {
  const told = new Set<string>();
  return (field, reason, kind = 'dropped') => {
    if (told.has(field)) return;
    told.add(field);
    context.warn({ kind, field, reason });
  };
}

/** Ids for the tool calls of one answer: the provider's, or one of ours (`prefix`) where it gave none or gave it twice. */
export function callIds(context: ReplyContext, prefix: string): (given: string) => string {
  const used = new Set<string>();
  return (given) => {
    const id = given === '' || used.has(given) ? `${prefix}_${context.id}_${used.size}` : given;
    used.add(id);
    return id;
  };
}

/** Most APIs know one answer. */
export const ONE_ANSWER = {
  kind: 'dropped',
  field: 'n',
  reason: 'The API knows one answer only: the first was sent.',
} as const satisfies Warning;

/** The first answer, for an API that knows no others. @throws GatewayError `upstream` when the provider gave none */
export function onlyChoice({ choices }: GenerateResponse, { warn }: ReplyContext): Choice {
  const [choice, ...others] = choices.toSorted((left, right) => left.index - right.index);
  if (choice === undefined) throw new GatewayError('upstream', 'The provider gave no answer.');
  if (others.length > 0) warn(ONE_ANSWER);
  return choice;
}

/** What decides the word for the end of an answer. */
export interface Ending {
  readonly reason: FinishReason;
  readonly raw?: string;
  readonly stopSequence?: string;
  /** The answer calls tools: a client must not overlook them, whatever the provider called the end. */
  readonly callsTools: boolean;
  readonly refuses: boolean;
}

/** How a whole answer ended. */
export const endingOf = ({ finish, raw, stopSequence, parts }: Choice): Ending => ({
  reason: finish,
  ...(raw !== undefined && { raw }),
  ...(stopSequence !== undefined && { stopSequence }),
  callsTools: parts.some((part) => part.type === 'tool-call'),
  refuses: parts.some((part) => part.type === 'refusal'),
});

/** What a client of this dialect sent beside the neutral fields; a warning for each field of another dialect. */
export function ownFields(extensions: Extensions, dialect: DialectId, warn: Warn): JsonObject {
  const { [dialect]: own = {}, ...foreign } = extensions;
  for (const [name, fields] of Object.entries(foreign)) {
    for (const field of Object.keys(fields ?? {}))
      warn({ kind: 'dropped', field, reason: `The field is known to ${name} only.` });
  }
  return own;
}
