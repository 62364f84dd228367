/** Fields of requests that OpenAI's APIs have in common, and what no field of theirs can say. */
import type { Extensions, DialectId, Warning } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import { present } from './values.ts';

type Warn = (warning: Warning) => void;

/** What a client of this dialect sent beside the neutral fields; a warning for each field of another dialect. */
export function ownFields(extensions: Extensions, dialect: DialectId, warn: Warn): JsonObject {
  const { [dialect]: own = {}, ...foreign } = extensions;
  for (const [name, fields] of Object.entries(foreign)) {
    for (const field of Object.keys(fields ?? {}))
      warn({ kind: 'dropped', field, reason: `The field is known to ${name} only.` });
  }
  return own;
}

/** Anthropic's `standard_only` is OpenAI's `default`. */
export function encodeTier(tier: string | undefined, warn: Warn): JsonObject {
  if (tier !== 'standard_only') return present('service_tier', tier);
  warn({ kind: 'changed', field: 'service_tier', reason: 'Sent as "default", its name at OpenAI.' });
  return { service_tier: 'default' };
}

/** OpenAI takes text values only; LiteLLM's clients also put structures there, which are meant for the gateway. */
export function encodeMetadata(metadata: JsonObject | undefined, warn: Warn): JsonObject {
  if (metadata === undefined) return {};
  const texts = Object.entries(metadata).filter(([, value]) => typeof value === 'string');
  if (texts.length < Object.keys(metadata).length) {
    warn({ kind: 'dropped', field: 'metadata', reason: 'OpenAI takes text values only: the others were not sent.' });
  }
  return texts.length === 0 ? {} : { metadata: Object.fromEntries(texts) };
}
