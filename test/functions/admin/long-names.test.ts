/** Names that no record can have, however long, are the caller's mistake: no route takes them for a store that is down. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/admin/routes.ts';
import { startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { createAdmin } from './support.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

/** Longer than any key of a table, and than half of one. */
const LENGTHS = [1_100, 2_100];

/** Every place of a route's address where something is named. */
const places = ROUTES.flatMap(({ method, path, query = [] }) => {
  const inPath = path.includes('{')
    ? [{ method, path, place: 'path', at: (name: string) => path.replace(/\{\w+\}/g, name) }]
    : [];
  const inQuery = query.map((field) => ({ method, path, place: field, at: (name: string) => `${path}?${field}=${name}` }));
  return [...inPath, ...(method === 'GET' ? inQuery : [])];
});

const LONG = '界'.repeat(72);

it.each([
  ['/team/new', { team_id: LONG }, 'team_id'],
  ['/organization/new', { organization_id: LONG, organization_alias: 'a' }, 'organization_id'],
  ['/user/new', { user_id: LONG }, 'user_id'],
  ['/user/new', { user_id: 'u', teams: [LONG] }, 'teams[0]'],
  ['/customer/new', { user_id: LONG }, 'user_id'],
  ['/tag/new', { name: LONG }, 'name'],
  ['/key/generate', { tags: ['a', LONG] }, 'tags[1]'],
  ['/key/generate', { user_id: LONG }, 'user_id'],
  ['/key/generate', { aliases: { fast: LONG } }, 'aliases.fast'],
])('%s says how long the id may be: %j', async (path, body, param) => {
  const answer = await createAdmin(emulator.stores).call('POST', path, { body });
  expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
  expect((answer.body['error'] as { message: string }).message).toContain(
    `${param}: expected at most 640 bytes, percent-encoded (most letters beyond ASCII are nine then); this one takes 648`,
  );
});

it('/key/generate takes no limit on a model whose name is longer', async () => {
  const body = { model_max_budget: { [LONG]: { max_budget: 1 } } };
  const answer = await createAdmin(emulator.stores).call('POST', '/key/generate', { body });
  expect(answer).toMatchObject({ status: 400 });
});

it.each(places)('$method $path refuses a name without end in $place', async ({ method, at }) => {
  const admin = createAdmin(emulator.stores);
  for (const length of LENGTHS) {
    const options = method === 'GET' ? {} : { body: { models: ['m'], target_spend: 0, reset_to: 0 } };
    const { status, body } = await admin.call(method, at('x'.repeat(length)), options);
    expect(status, JSON.stringify(body).slice(0, 300)).toBeLessThan(500);
  }
});
