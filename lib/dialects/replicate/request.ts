/** Requests for a provider: a prompt and settings in `input`, under names that models have in common. */
import type { GenerateRequest } from '../../kinds/generate.ts';
import { isObject } from '../../kinds/json.ts';
import type { EncodedRequest, UpstreamTarget } from '../dialect.ts';
import { encodeRequest as encodePrompt } from '../text-generation/request.ts';
import type { Variant } from '../text-generation/wire.ts';

const VARIANT: Variant = {
  input: { type: 'prompt', at: ['input', 'prompt'] },
  named: true,
  image: ['input', 'image'],
  settings: {
    maxOutputTokens: ['input', 'max_tokens'],
    temperature: ['input', 'temperature'],
    topP: ['input', 'top_p'],
    topK: ['input', 'top_k'],
    seed: ['input', 'seed'],
    frequencyPenalty: ['input', 'frequency_penalty'],
    presencePenalty: ['input', 'presence_penalty'],
    stop: ['input', 'stop_sequences'],
  },
  whole: { text: [] },
  stream: { framing: 'sse', asked: ['stream'], text: [], end: 'done' },
};

/**
 * Writes a request. The cap goes under both names that models have for it, since they ignore what they do not know; stop sequences
 * are one text with commas between. Whoever wants no stream waits for the end in the first call, as long as Replicate lets him.
 */
export function encodeRequest(request: GenerateRequest, target: UpstreamTarget): EncodedRequest {
  const encoded = encodePrompt(VARIANT, request, target);
  const input = isObject(encoded.body['input']) ? encoded.body['input'] : {};
  const { max_tokens: cap, stop_sequences: stops } = input;
  const warnings = [...encoded.warnings];
  const told: string[] = [];
  for (const stop of Array.isArray(stops) ? (stops as string[]) : []) {
    if (!stop.includes(',')) told.push(stop);
    else warnings.push({ kind: 'dropped', field: 'stop', reason: 'A stop sequence with a comma in it cannot be said.' });
  }
  const { stop_sequences: _list, ...rest } = input;
  return {
    body: {
      ...encoded.body,
      input: {
        ...rest,
        ...(cap !== undefined && { max_new_tokens: cap }),
        ...(told.length > 0 && { stop_sequences: told.join(',') }),
      },
    },
    ...(!request.stream && { headers: { prefer: 'wait' } }),
    warnings,
    decoding: {},
  };
}
