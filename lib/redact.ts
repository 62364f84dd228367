/** Takes out of a provider's words what a client must not see: credentials, and addresses of the operator's network. */
import { GatewayError } from './errors.ts';

/** Shapes of provider keys, also half-masked ones as providers echo them. */
const KEY_SHAPES = /\b(?:sk|gsk|xai|pplx|nvapi|csk|fw|tgp|r8|hf)[-_][\w*.-]{6,}|\bAIza[\w*-]{10,}/g;

/**
 * Addresses that only mean something inside a network: private, loopback and link-local ones, and names that end there. A name is looked
 * for from its beginning only: what a provider repeats of a request may be one word of 256 KiB, and is read once.
 */
const INSIDE = new RegExp(
  String.raw`(?:\b(?:(?:10|127)(?:\.\d{1,3}){3}|(?:169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2}|localhost)` +
    String.raw`|(?<![\w-]|[\w-]\.)[\w-]+(?:\.[\w-]+)*\.(?:internal|local|svc|lan|corp))\b(?::\d{1,5}\b)?`,
  'gi',
);

/** A text without what has the form of a provider's key, or of one of ours. */
export const withoutKeys = (text: string): string => text.replace(KEY_SHAPES, '[redacted]');

/**
 * A function that redacts errors of one call. Only text of providers is touched; our own words are chosen to be safe.
 *
 * @param secrets what was sent with the call and must not be seen: the credential, its fields, tokens
 * @param url the address called; its host is hidden, since it may name a private deployment
 */
export function createRedactor(secrets: readonly string[], url: string): (error: GatewayError) => GatewayError {
  return (error) => {
    if (error.detail.fromUpstream !== true) return error;
    let { message } = error;
    for (const secret of secrets) if (secret.length >= 4) message = message.replaceAll(secret, '[redacted]');
    const { host, hostname } = new URL(url);
    message = withoutKeys(message)
      .replaceAll(host, '[provider]')
      .replaceAll(hostname, '[provider]')
      .replaceAll(INSIDE, '[address]');
    return message === error.message ? error : new GatewayError(error.kind, message, error.detail);
  };
}
