/** Edits of a body that goes from a client of this dialect to a provider of it. */
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { Passthrough } from '../dialect.ts';
import { numberOf } from '../values.ts';
import { ownItem } from './reasoning.ts';
import { usageOf } from './usage.ts';

/** Streams of this dialect always report usage, in their last event: nothing is asked for and nothing hidden. */
export const passthrough: Passthrough = {
  askUsage: (body) => body,
  hidesUsage: () => false,
  isUsageFrame: () => false,

  withoutForeignProofs(body) {
    const { input } = body;
    if (!Array.isArray(input)) return body;
    const items = input.flatMap((item: unknown) =>
      isObject(item) && item['type'] === 'reasoning' ? (ownItem(item) ?? []) : item,
    );
    const same = items.length === input.length && items.every((item, index) => item === input[index]);
    return same ? body : { ...body, input: items };
  },

  withCost(data, costOf) {
    if (!data.includes('"usage"') || !/"type":\s*"response\.(completed|incomplete)"/.test(data)) return undefined;
    const event = parseJson(data);
    const response = isObject(event) ? event['response'] : undefined;
    if (!isObject(event) || !isObject(response) || !isObject(response['usage'])) return undefined;
    const usage = usageOf(response);
    const cost = usage === undefined ? undefined : costOf(usage);
    if (cost === undefined) return undefined;
    return JSON.stringify({ ...event, response: { ...response, usage: { ...response['usage'], cost } } } satisfies JsonObject);
  },

  clampOutput(body, tokens) {
    return { ...body, max_output_tokens: Math.min(numberOf(body['max_output_tokens']) ?? tokens, tokens) };
  },
};
