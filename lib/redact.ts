/** Takes out of a provider's words what a client must not see: credentials, and the address of the deployment. */
import { GatewayError } from './errors.ts';

/** Shapes of provider keys, also half-masked ones as providers echo them. */
const KEY_SHAPES = /\b(?:sk|gsk|xai|pplx|nvapi|csk|fw|tgp|r8|hf)[-_][\w*.-]{6,}|\bAIza[\w*-]{10,}/g;

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
    message = withoutKeys(message).replaceAll(new URL(url).host, '[provider]');
    return message === error.message ? error : new GatewayError(error.kind, message, error.detail);
  };
}
