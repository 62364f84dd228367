/** What went wrong on the wire to a provider, as a `GatewayError` whose text names no host, port or address. */
import { GatewayError } from '../errors.ts';

/**
 * Turns an error of the socket, of TLS or of the HTTP parser into a `GatewayError`; one that already is stays as it is.
 * Everything is `upstream` or `timeout`, and so worth a repeat, but for a call that could not even be written down.
 */
export function faultOf(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG') {
    return new GatewayError(
      'internal',
      'The call to the provider is not valid HTTP: check api_base, api_key and extra headers.',
      {
        cause: error,
      },
    );
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new GatewayError('timeout', 'The provider could not be reached in time.', { cause: error });
  }
  return new GatewayError('upstream', upstreamText(code), { cause: error });
}

/** True when the error is the end of a socket, as opposed to an answer that makes no sense. */
export const isSocketLoss = (error: unknown): boolean => ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error));

function upstreamText(code: string): string {
  if (code === 'ECONNREFUSED') return 'The provider refused the connection.';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'The address of the provider could not be resolved.';
  if (code.startsWith('HPE_') || code === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW')
    return 'The answer of the provider is not valid HTTP.';
  if (/CERT|TLS|SSL|EPROTO|UNABLE_TO/.test(code)) return 'The secure connection to the provider could not be set up.';
  return 'The connection to the provider broke.';
}

/** The system's or undici's code; parser errors have none but their name. */
const codeOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error && typeof error.code === 'string' ? error.code : error.name) : '';
