/**
 * A gateway process that dies in the middle of a stream: takes the holds of one call, says so, and then streams until it is killed.
 * Arguments: endpoint of the emulator, JSON of the key (money as text).
 */
import type { VirtualKey } from '../../lib/domain/key.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { clientFor, NAMES } from '../support/dynoxide.ts';
import { aCall, admitOn, answering } from './calls.ts';

const [endpoint = '', json = ''] = process.argv.slice(2);
const parsed = JSON.parse(json) as VirtualKey & { maxBudget: string };
const key: VirtualKey = { ...parsed, maxBudget: BigInt(parsed.maxBudget) };

const exchange = aCall(key, 10);
await admitOn(open(clientFor(endpoint), NAMES))(exchange, answering(exchange, new Promise<never>(() => {})));
process.stdout.write(`${exchange.id}\n`);
setInterval(() => {}, 1_000);
