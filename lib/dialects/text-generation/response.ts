/** Whole answers of a provider. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject } from '../../kinds/json.ts';
import { textOf } from '../values.ts';
import { errorInside } from './error.ts';
import { finishOf, usageAt, valueAt, type Variant } from './wire.ts';

/** Where the text of an answer goes. */
const AT = { choice: 0, block: 0 } as const;

const textEvents = (text: string, block: number): readonly GenerateEvent[] =>
  text === ''
    ? []
    : [
        { type: 'text-start', ...AT, block },
        { type: 'text-delta', ...AT, block, text },
        { type: 'text-end', ...AT, block },
      ];

const thoughtEvents = (text: string): readonly GenerateEvent[] => [
  { type: 'reasoning-start', ...AT },
  { type: 'reasoning-delta', ...AT, text },
  { type: 'reasoning-end', ...AT },
];

/**
 * The events a stream of the same answer would have had. Some of these APIs wrap it in a list of one.
 *
 * @throws GatewayError `upstream` for what is no answer, or the error that came with status 200.
 */
export function decodeResponse({ whole }: Variant, body: unknown): readonly GenerateEvent[] {
  const text = whole.text.map((place) => valueAt(body, place)).find((value) => typeof value === 'string');
  if (isObject(body) && (text === undefined || (body['error'] ?? null) !== null)) throw errorInside(body);
  if (text === undefined) throw new GatewayError('upstream', 'The provider answered with JSON that holds no text.');
  const usage = usageAt(body, whole);
  const raw = textOf(valueAt(body, whole.finish));
  const thought = textOf(valueAt(body, whole.reasoning));
  return [
    { type: 'start' },
    ...(thought === undefined ? [] : thoughtEvents(thought)),
    ...textEvents(text, thought === undefined ? 0 : 1),
    ...(usage === undefined ? [] : [{ type: 'usage', usage } as const]),
    { type: 'finish', choice: 0, reason: finishOf(raw), ...(raw !== undefined && { raw }) },
  ];
}
