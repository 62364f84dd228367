/**
 * Answers to what no handler gets to see: to requests refused before their body is here, and to what is not HTTP, where Node has no
 * request to answer and the socket is written by hand.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { HttpReply } from './message.ts';

/** How long the rest of what the client sends is thrown away, so that it can read the answer before the connection goes. */
const LINGER_MS = 2_000;
/** Bytes of a refused body that are read and thrown away before the connection is closed on its sender. */
export const DISCARD_LIMIT = 64 * 1024 * 1024;

const refused = new WeakSet<Socket>();

/**
 * Answers malformed HTTP with an error in the client's dialect, as far as the path can be told from the bytes, and closes the
 * connection. While a request of the same socket is `unanswered`, it is closed without a word: the client would take this answer for
 * that request's.
 */
export async function refuseMalformed(
  error: Error & { code?: string; rawPacket?: Uint8Array },
  socket: Socket,
  unanswered: boolean,
  renderRefusal: (path: string, error: GatewayError) => HttpReply | Promise<HttpReply>,
): Promise<void> {
  if (refused.has(socket)) return;
  refused.add(socket);
  const fault = faultOf(error.code);
  if (fault === undefined || !socket.writable || unanswered) {
    socket.destroy();
    return;
  }
  const reply = await renderRefusal(pathOf(error.rawPacket), fault);
  if (!socket.writable) return;
  socket.end(textOf(reply));
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/**
 * Answers a request at once, whose body may still be on its way. The connection is closed after the body, or when no more of it comes:
 * closed any sooner, the client might lose the answer with it.
 */
export async function refuseEarly(request: IncomingMessage, response: ServerResponse, reply: HttpReply): Promise<void> {
  const bytes = Buffer.from(bodyOf(reply));
  if (!request.complete) response.shouldKeepAlive = false;
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(bytes.byteLength) });
  response.write(bytes);
  await heardOut(request);
  response.end();
}

/** When the rest of a body was thrown away: all of it, as much as we bear with, or what came before its sender paused. */
function heardOut(request: IncomingMessage): Promise<void> {
  if (request.complete) return Promise.resolve();
  return new Promise((resolve) => {
    let left = DISCARD_LIMIT;
    let timer = setTimeout(() => settle(), LINGER_MS);
    const settle = (): void => {
      clearTimeout(timer);
      request.off('data', count);
      resolve();
    };
    const count = (chunk: Buffer): void => {
      clearTimeout(timer);
      left -= chunk.length;
      if (left < 0) settle();
      else timer = setTimeout(settle, LINGER_MS);
    };
    request.on('data', count).on('end', settle).on('close', settle);
  });
}

function faultOf(code: string | undefined): GatewayError | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return new GatewayError('headers_too_large', 'The request headers are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new GatewayError('timeout', 'The request did not arrive in time.', { status: 408 });
  }
  if (code?.startsWith('HPE_') === true) return new GatewayError('invalid_request', 'The request is not valid HTTP/1.1.');
  return undefined;
}

/** The path of the request line, when these bytes begin with one. */
function pathOf(packet: Uint8Array | undefined): string {
  const line = Buffer.from(packet ?? []).toString('latin1', 0, 2048);
  return /^[A-Z]+ (\/[^ ?\r\n]*)/.exec(line)?.[1] ?? '/';
}

const bodyOf = ({ body }: HttpReply): string => (body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : '');

function textOf(reply: HttpReply): string {
  const body = bodyOf(reply);
  const headers = Object.entries(reply.headers)
    .filter(([name]) => name !== 'content-length' && name !== 'connection')
    .map(([name, value]) => `${name}: ${value}\r\n`);
  const status = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? 'Error'}\r\n`;
  return `${status}${headers.join('')}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
