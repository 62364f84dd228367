/** IAM before an emulator: a proxy that lets through what a function's role may do and answers `AccessDenied` to the rest. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { request as send } from 'undici';
import type { Access } from '../../infra/constructs/access.ts';
import type { TableNames } from '../../lib/stores/dynamodb/index.ts';

/** A guarded emulator. */
export interface Guarded {
  readonly endpoint: string;
  /** What was asked for, as `meters:UpdateItem`, each once. */
  readonly used: ReadonlySet<string>;
  /** What was asked for without the right to it. */
  readonly denied: ReadonlySet<string>;
  stop(): void;
}

interface Written {
  readonly pk?: { readonly S?: string };
}

interface Operation {
  readonly TableName?: string;
  readonly RequestItems?: Readonly<Record<string, unknown>>;
  readonly Item?: Written;
  readonly TransactItems?: readonly Readonly<Record<string, { readonly TableName: string; readonly Item?: Written }>>[];
  readonly Statements?: readonly { readonly Statement: string }[];
}

/** Rights a call needs, as pairs of table and action. A transaction needs those of its parts. */
function needsOf(action: string, operation: Operation): readonly (readonly [table: string, action: string])[] {
  if (action === 'TransactWriteItems') {
    return (operation.TransactItems ?? []).flatMap((item) =>
      Object.entries(item).map(([kind, { TableName }]) => [TableName, `${kind}Item`] as const),
    );
  }
  if (action === 'BatchExecuteStatement') {
    return (operation.Statements ?? []).map(({ Statement }) => {
      const [, verb = '', table = ''] = /^(\w+) .*?"([^"]+)"/.exec(Statement) ?? [];
      return [table, `PartiQL${verb[0]}${verb.slice(1).toLowerCase()}`] as const;
    });
  }
  if (operation.RequestItems !== undefined) return Object.keys(operation.RequestItems).map((table) => [table, action] as const);
  return [[operation.TableName ?? '', action]];
}

/** Whether an item is of a kind that may be written where not all may: `dynamodb:LeadingKeys`. */
const isOfKinds = ({ Item, TransactItems }: Operation, kinds: readonly string[] = []): boolean =>
  (TransactItems?.map((write) => write['Put']?.Item) ?? [Item]).every((item) =>
    kinds.some((kind) => item?.pk?.S?.startsWith(`${kind}#`) === true),
  );

/** Puts the guard before the emulator at `endpoint`. */
export async function guard(endpoint: string, names: TableNames, access: Access): Promise<Guarded> {
  const used = new Set<string>();
  const denied = new Set<string>();
  const roles = new Map(Object.entries(names).map(([role, name]: [string, string]) => [name, role as keyof TableNames]));
  const server = createServer((request, response) => {
    void (async () => {
      const body = await buffer(request);
      const action = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const operation = JSON.parse(body.toString()) as Operation;
      const refused = needsOf(action, operation).filter(([table, need]) => {
        const role = roles.get(table);
        used.add(`${role}:${need}`);
        if (role === undefined) return true;
        if ((access[role] as readonly string[] | undefined)?.includes(need) === true) return false;
        return !(role === 'registry' && need === 'PutItem' && isOfKinds(operation, access.records));
      });
      if (refused.length > 0) {
        for (const [table, need] of refused) denied.add(`${roles.get(table)}:${need}`);
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.0' });
        response.end('{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized"}');
        return;
      }
      const { 'content-length': _length, connection: _connection, host: _host, ...headers } = request.headers;
      const answer = await send(endpoint, { method: 'POST', headers, body });
      response.writeHead(answer.statusCode, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(await buffer(answer.body));
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    used,
    denied,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
