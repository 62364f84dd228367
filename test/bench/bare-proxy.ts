/**
 * The least a Node gateway can do, to measure ourselves against: take the request with node:http, parse its body once (a gateway must
 * know model and stream), forward it over kept connections, pipe the answer back. No keys, no counting.
 */
import { Agent, createServer, request as call } from 'node:http';

const upstreamPort = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

const server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    JSON.parse(body.toString('utf8'));
    const onward = call(
      {
        agent,
        host: '127.0.0.1',
        port: upstreamPort,
        method: 'POST',
        path: request.url,
        headers: { 'content-type': 'application/json', authorization: 'Bearer upstream', 'content-length': body.length },
      },
      (answer) => {
        const { 'content-type': type, 'content-length': length } = answer.headers;
        response.writeHead(answer.statusCode ?? 502, {
          'content-type': type ?? '',
          ...(length === undefined ? {} : { 'content-length': length }),
        });
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.end(body);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
