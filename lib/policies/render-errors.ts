/** Outermost: whatever is thrown further in becomes the client dialect's own error, once, here. */
import { GatewayError } from '../errors.ts';
import type { Exchange, Reply } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import { describeError, type Log } from '../log.ts';
import type { Policy } from './policy.ts';

/** Writes an error in the language of a dialect. */
export type ErrorRenderer = (dialect: string, error: GatewayError, callId: string) => JsonObject;

const encoder = new TextEncoder();

/** An error as a finished reply. */
export function errorReply(error: GatewayError, body: JsonObject): Reply {
  return {
    status: error.status,
    headers: {
      'content-type': 'application/json',
      ...error.detail.headers,
      ...(error.detail.retryAfter === undefined ? {} : { 'retry-after': error.detail.retryAfter }),
      // A repeat of these cannot help: tells the OpenAI and Anthropic SDKs, which would retry every 429 and 5xx.
      ...(error.retryable ? {} : { 'x-should-retry': 'false' }),
    },
    body: encoder.encode(JSON.stringify(body)),
    done: Promise.resolve({ status: 'error', error }),
  };
}

/** Renders errors and stamps every reply with the ids clients and operators look for. */
export function renderErrors(render: ErrorRenderer, log: Log): Policy {
  return async function renderErrorsPolicy(exchange, next) {
    let reply: Reply;
    try {
      reply = await next();
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      if (error.kind === 'internal')
        log('error', 'request failed inside the gateway', { id: exchange.id, error: describeError(error.cause ?? error) });
      reply = errorReply(error, render(exchange.dialect, error, exchange.id));
    }
    return { ...reply, headers: { ...reply.headers, ...stamps(exchange) } };
  };
}

function stamps(exchange: Exchange): Record<string, string> {
  const headers: Record<string, string> = {
    'x-litellm-call-id': exchange.id,
    'x-request-id': exchange.id,
    'request-id': exchange.id,
    ...exchange.admission?.headers,
  };
  if (exchange.target !== undefined) {
    headers['x-litellm-model-id'] = exchange.target.deployment.id;
    headers['x-litellm-model-group'] = headerText(exchange.modelName);
    headers['x-litellm-attempted-retries'] = String(Math.max(0, exchange.attempts - 1));
  }
  if (exchange.warnings.length > 0) {
    headers['x-tollgate-warnings'] = headerText(exchange.warnings.map((w) => `${w.kind} ${w.field}`).join(', '));
  }
  return headers;
}

/** Header values take visible ASCII only, and no line breaks. */
const headerText = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000);
