/**
 * The one error of the gateway. Thrown anywhere, rendered once, in the dialect of the client.
 *
 * `ErrorKind` is a meaning, not a status; the table below turns a meaning into an HTTP status and says whether repeating the
 * same call may help. Dialects translate the kind into their own `type` words.
 */
export type ErrorKind =
  | 'invalid_request'
  | 'authentication'
  | 'permission'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'too_large'
  | 'headers_too_large'
  | 'unsupported_media'
  | 'unprocessable'
  | 'rate_limit'
  | 'budget_exceeded'
  | 'content_filter'
  | 'timeout'
  | 'client_closed'
  | 'overloaded'
  | 'upstream'
  | 'internal';

const MEANINGS: Readonly<Record<ErrorKind, { readonly status: number; readonly retryable: boolean }>> = {
  invalid_request: { status: 400, retryable: false },
  authentication: { status: 401, retryable: false },
  permission: { status: 403, retryable: false },
  not_found: { status: 404, retryable: false },
  method_not_allowed: { status: 405, retryable: false },
  conflict: { status: 409, retryable: false },
  too_large: { status: 413, retryable: false },
  headers_too_large: { status: 431, retryable: false },
  unsupported_media: { status: 415, retryable: false },
  unprocessable: { status: 422, retryable: false },
  rate_limit: { status: 429, retryable: true },
  budget_exceeded: { status: 429, retryable: false },
  content_filter: { status: 400, retryable: false },
  timeout: { status: 504, retryable: true },
  client_closed: { status: 499, retryable: false },
  overloaded: { status: 503, retryable: true },
  upstream: { status: 502, retryable: true },
  internal: { status: 500, retryable: false },
};

/** What a `GatewayError` may carry besides its kind and message. */
export interface ErrorDetail {
  /** HTTP status, where it differs from the table (a provider's 402 or 529 is kept). */
  readonly status?: number;
  /** Overrides the table: may the same call succeed when repeated? */
  readonly retryable?: boolean;
  /** The field of the request that is wrong, as a path such as `messages[0].content`. */
  readonly param?: string;
  /** A machine-readable word; LiteLLM's where it has one (`token_not_found_in_db`, `key_model_access_denied`). */
  readonly code?: string;
  /** LiteLLM's `type` word where clients depend on it (`auth_error`, `budget_exceeded`); dialects choose their own otherwise. */
  readonly type?: string;
  /** Seconds until a repeat makes sense, sent as `retry-after`. May be a date or a number as the provider sent it. */
  readonly retryAfter?: string;
  /** Headers for the reply besides `retry-after` (rate-limit figures). */
  readonly headers?: Readonly<Record<string, string>>;
  /** Structured facts for the body (`scope`, `limit`, `used`, `held`, `resets_at`); safe for the client to see. */
  readonly facts?: Readonly<Record<string, string | number | boolean | null>>;
  /** True when the text came from a provider: such text is redacted before a client sees it. */
  readonly fromUpstream?: boolean;
  readonly cause?: unknown;
}

/**
 * An error with a meaning.
 *
 * @example throw new GatewayError('invalid_request', "messages: expected at least one message, got none", { param: 'messages' });
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError';
  readonly kind: ErrorKind;
  readonly status: number;
  readonly retryable: boolean;
  readonly detail: ErrorDetail;

  constructor(kind: ErrorKind, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    const meaning = MEANINGS[kind];
    this.kind = kind;
    this.status = detail.status ?? meaning.status;
    this.retryable = detail.retryable ?? meaning.retryable;
    this.detail = detail;
  }

  /** Anything thrown, as a `GatewayError`: what is not one becomes `internal` with a text that tells nothing of our insides. */
  static from(thrown: unknown): GatewayError {
    if (thrown instanceof GatewayError) return thrown;
    return new GatewayError(
      'internal',
      'The gateway failed on this request. The call id in the response headers finds it in the logs.',
      {
        cause: thrown,
      },
    );
  }
}

/** The kind that fits an HTTP status of a provider. Used by `decodeError` of each dialect when the body says nothing better. */
export function kindOfStatus(status: number): ErrorKind {
  switch (status) {
    case 401:
      return 'authentication';
    case 402:
    case 403:
      return 'permission';
    case 404:
      return 'not_found';
    case 405:
      return 'method_not_allowed';
    case 408:
    case 504:
      return 'timeout';
    case 409:
      return 'conflict';
    case 413:
      return 'too_large';
    case 415:
      return 'unsupported_media';
    case 422:
      return 'unprocessable';
    case 429:
      return 'rate_limit';
    case 503:
    case 529:
      return 'overloaded';
    default:
      return status >= 500 ? 'upstream' : 'invalid_request';
  }
}
