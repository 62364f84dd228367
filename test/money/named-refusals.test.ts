/** A refusal names an owner that stands in the way when it is told, even where another one did so first. */
import { expect, it } from 'vitest';
import { newCallId } from '../../lib/domain/call-id.ts';
import type { Outcome } from '../../lib/exchange.ts';
import { open } from '../../lib/stores/memory/index.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, admitOn, answering, TOKEN, used } from './calls.ts';
import { furnish, type Resident } from './house.ts';

it('is told by whoever has no room after a moment of patience', async () => {
  const stores = open();
  const caps: Readonly<Record<string, bigint>> = { team: 15n, organization: 20n };
  const [one, other] = await furnish(
    stores,
    'patient',
    [
      { team: 0, user: 0 },
      { team: 1, user: 1 },
    ],
    (kind) => (caps[kind] === undefined ? {} : { maxBudget: caps[kind] * TOKEN }),
  );
  const callOf = (resident: Resident | undefined, most: number) => {
    if (resident === undefined) throw new Error('nobody lives there');
    return aCall(resident.caller.key, most, { id: newCallId(NOW), caller: resident.caller });
  };
  const { promise, resolve: leave } = Promise.withResolvers<Outcome>();
  const [leaving, staying] = [callOf(one, 10), callOf(other, 10)];
  const left = await admitOn(stores)(leaving, answering(leaving, promise));
  await admitOn(stores)(staying, answering(staying, new Promise<never>(() => {})));
  // Team and organization both are full; while the call waits, its team gets room.
  const sleep = async (): Promise<void> => {
    leave(used(0));
    await left.done;
  };
  const waiting = callOf(one, 11);

  const told = admitOn(stores, { sleep })(waiting, answering(waiting, used(1)));

  await expect(told).rejects.toThrow(
    'The organization "Org" (patient-org) may spend 0.00002 USD for its whole life: 0 USD are spent, 0.00001 USD are held by open requests',
  );
});
