/** Fetches the price map from the address that the operator set: that one and no other, in bounded time, of bounded size. */
import { GatewayError } from '../../errors.ts';
import type { HttpClient } from '../../transport/http.ts';

const TIMEOUT_MS = 15_000;
/** Bytes. LiteLLM's own map has two million. */
const LARGEST = 8 * 1_048_576;

/** An address as it may be shown: a query may hold a token. */
export const shownUrl = (url: string): string => url.replace(/\?.*$/, '');

/**
 * The bytes of the map.
 *
 * @throws GatewayError `upstream`; what is in force stays so
 */
export async function fetchPriceMap(http: Pick<HttpClient, 'send'>, url: string): Promise<Uint8Array> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const headers = { accept: 'application/json' };
    const answer = await http.send({ url, method: 'GET', headers, signal, headersTimeoutMs: TIMEOUT_MS });
    if (answer.status !== 200) {
      answer.discard();
      const redirected = answer.status >= 300 && answer.status < 400 ? '; redirects are not followed' : '';
      throw new GatewayError('upstream', `it answered ${answer.status}${redirected}`);
    }
    const expected = answer.headers['content-length'];
    const bytes = await answer.bytes(LARGEST);
    if (expected !== undefined && Number(expected) !== bytes.length) {
      throw new GatewayError('upstream', `it sent ${bytes.length} of ${expected} bytes`);
    }
    return bytes;
  } catch (cause) {
    const late = signal.aborted ? `it took longer than ${TIMEOUT_MS} ms` : undefined;
    const reason = late ?? (cause instanceof GatewayError ? cause.message : 'it could not be reached');
    throw new GatewayError('upstream', `The price map at ${shownUrl(url)} could not be fetched: ${reason}`, { cause });
  }
}
