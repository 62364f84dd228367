/**
 * A mock provider that costs next to nothing: HTTP/1.1 by hand over node:net, answers prepared beforehand. It is the yardstick's other
 * end, so it must be faster than every gateway between; the report shows it alone.
 *
 * Speaks OpenAI chat completions, whole and streamed (20 chunks, one write and one turn of the event loop each).
 */
import { createServer, type Socket } from 'node:net';
import { CHUNKS } from './shape.ts';

const usage = { prompt_tokens: 60, completion_tokens: CHUNKS, total_tokens: 60 + CHUNKS };
const whole = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'gpt-4o-mini',
    choices: [
      { index: 0, message: { role: 'assistant', content: 'lorem ipsum dolor sit amet '.repeat(4) }, finish_reason: 'stop' },
    ],
    usage,
  }),
);
const wholeReply = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${whole.length}\r\n\r\n`),
  whole,
]);

const chunked = (data: string): Buffer => Buffer.from(`${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`);
const frame = (choices: unknown[], extra: object = {}): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'gpt-4o-mini', choices, ...extra })}\n\n`;
const streamHead = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n');
const contentChunks = Array.from({ length: CHUNKS }, (_, index) =>
  chunked(
    frame([
      {
        index: 0,
        delta: index === 0 ? { role: 'assistant', content: 'lorem ' } : { content: `word ${index} ` },
        finish_reason: null,
      },
    ]),
  ),
);
const lastChunk = chunked(frame([{ index: 0, delta: {}, finish_reason: 'stop' }]));
const usageChunk = chunked(frame([], { usage }));
const doneChunk = chunked('data: [DONE]\n\n');
const end = Buffer.from('0\r\n\r\n');

function stream(socket: Socket, withUsage: boolean): void {
  socket.write(streamHead);
  let at = 0;
  const next = (): void => {
    if (socket.destroyed) return;
    const chunk = contentChunks[at++];
    if (chunk === undefined) {
      socket.write(Buffer.concat([lastChunk, ...(withUsage ? [usageChunk] : []), doneChunk, end]));
      return;
    }
    socket.write(chunk);
    setImmediate(next);
  };
  next();
}

/** Cuts requests out of a connection's bytes and answers each. */
function serve(socket: Socket): void {
  let pending = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (data) => {
    pending = pending.length === 0 ? data : Buffer.concat([pending, data]);
    for (;;) {
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd < 0) return;
      const head = pending.toString('latin1', 0, headEnd).toLowerCase();
      const length = Number(/content-length: *(\d+)/.exec(head)?.[1] ?? 0);
      const total = headEnd + 4 + length;
      if (pending.length < total) return;
      const body = pending.toString('latin1', headEnd + 4, total);
      pending = pending.subarray(total);
      if (/"stream": ?true/.test(body)) stream(socket, body.includes('"include_usage":true'));
      else socket.write(wholeReply);
    }
  });
}

const port = Number(process.argv[2] ?? 0);
const server = createServer(serve);
server.listen(port, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : port });
});
