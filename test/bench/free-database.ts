/**
 * A database that costs next to nothing, to measure a gateway by its own work: it speaks DynamoDB's protocol, keeps what is put, and says
 * yes to every write without looking at conditions. Started in the place of dynoxide (`DYNOXIDE_BIN`), with its flags.
 */
import { createServer, type Socket } from 'node:net';

type Values = Readonly<Record<string, unknown>>;
interface Input {
  readonly TableName: string;
  readonly Key: Values;
  readonly Item: Values;
  readonly ReturnValues?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Values;
  readonly Statements: readonly unknown[];
  readonly TransactItems: readonly { readonly Put?: Input; readonly Delete?: Input }[];
}

const items = new Map<string, Values>();
const addressOf = (table: string, key: Values): string => `${table} ${JSON.stringify(key)}`;
const keyOf = ({ pk, sk, id }: Values): Values => (pk === undefined ? { id } : sk === undefined ? { pk } : { pk, sk });

/** The item as if it was new: every name that has a value of the same alias. */
function updated({ Key, ExpressionAttributeNames: names = {}, ExpressionAttributeValues: values = {} }: Input): Values {
  const item: Record<string, unknown> = { ...Key };
  for (const alias in names) {
    const value = values[alias.replace('#', ':')];
    if (value !== undefined) item[names[alias] as string] = value;
  }
  return item;
}

const put = ({ TableName, Item }: Input): void => void items.set(addressOf(TableName, keyOf(Item)), Item);
/** Only records of management are read again; keeping each entry and meter would measure this map. */
const kept = ({ TableName }: Input): boolean => TableName.endsWith('registry');

const OPERATIONS: Readonly<Record<string, (input: Input) => object>> = {
  GetItem: ({ TableName, Key }) => ({ Item: items.get(addressOf(TableName, Key)) }),
  PutItem: (input) => {
    if (kept(input)) put(input);
    return {};
  },
  UpdateItem: (input) => (input.ReturnValues === 'ALL_NEW' ? { Attributes: updated(input) } : {}),
  TransactWriteItems: ({ TransactItems }) => {
    for (const { Put, Delete } of TransactItems) {
      if (Put !== undefined) put(Put);
      if (Delete !== undefined) items.delete(addressOf(Delete.TableName, Delete.Key));
    }
    return {};
  },
  BatchExecuteStatement: ({ Statements }) => ({ Responses: Statements.map(() => ({})) }),
  Query: () => ({ Items: [], Count: 0 }),
  BatchGetItem: ({ TableName }) => ({ Responses: { [TableName]: [] } }),
  // A stream that never has anything: on AWS its consumer is another function.
  ListStreams: () => ({ Streams: [{ StreamArn: 'arn:free' }] }),
  DescribeStream: () => ({ StreamDescription: { StreamArn: 'arn:free', Shards: [{ ShardId: 'shard' }] } }),
  GetShardIterator: () => ({ ShardIterator: 'shard' }),
  GetRecords: () => ({ Records: [], NextShardIterator: 'shard' }),
};

function answer(target: string, body: string): Buffer {
  const operation = OPERATIONS[target.slice(target.lastIndexOf('.') + 1)];
  const text = JSON.stringify(operation === undefined ? {} : operation(JSON.parse(body) as Input));
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n`;
  return Buffer.from(head + text);
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
      const head = pending.toString('latin1', 0, headEnd);
      const total = headEnd + 4 + Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (pending.length < total) return;
      const target = /x-amz-target: *(\S+)/i.exec(head)?.[1] ?? '';
      socket.write(answer(target, pending.toString('utf8', headEnd + 4, total)));
      pending = pending.subarray(total);
    }
  });
}

const server = createServer(serve);
server.listen(Number(process.argv[process.argv.indexOf('--port') + 1]), '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
