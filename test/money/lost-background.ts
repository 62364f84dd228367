/**
 * A gateway process that dies while it makes a response in the background: says its id when the client has it, and works on until it is
 * killed. Arguments: endpoint of the emulator, JSON of the key (money as text).
 */
import type { VirtualKey } from '../../lib/domain/key.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { clientFor, NAMES } from '../support/dynoxide.ts';
import { aBackgroundCall, answeringInBackground, runInBackground } from './background-calls.ts';

const [endpoint = '', json = ''] = process.argv.slice(2);
const parsed = JSON.parse(json) as VirtualKey & { maxBudget: string };
const key: VirtualKey = { ...parsed, maxBudget: BigInt(parsed.maxBudget) };

const { exchange } = aBackgroundCall(key);
await runInBackground(
  open(clientFor(endpoint), NAMES),
  exchange,
  answeringInBackground(exchange, new Promise<never>(() => {})),
);
process.stdout.write(`${exchange.id}\n`);
setInterval(() => {}, 1_000);
