import type { Context } from 'aws-lambda';
import { expect, it } from 'vitest';
import { createAdminHandler } from '../../../functions/admin/handler.ts';
import { openToPages } from '../../../functions/admin/pages.ts';
import { createCors } from '../../../lib/transport/cors.ts';
import { createAdmin, eventOf, MASTER } from './support.ts';

const origin = 'https://admin.example.com';
const handler = openToPages(createAdminHandler(createAdmin().deps), createCors([origin]));
const call = (method: string, path: string, headers: Record<string, string>) =>
  handler(eventOf(method, path, { key: MASTER, headers }), {} as Context);

it('lets a page call management, and read answers and refusals', async () => {
  const asked = await call('OPTIONS', '/key/list', { origin, 'access-control-request-method': 'GET' });
  const list = await call('GET', '/key/list', { origin });
  const unknown = await call('GET', '/key/nothing', { origin });

  expect(asked).toMatchObject({ statusCode: 204, headers: { 'access-control-allow-origin': origin } });
  expect(list).toMatchObject({ statusCode: 200, headers: { 'access-control-allow-origin': origin, vary: 'origin' } });
  expect(unknown).toMatchObject({ statusCode: 404, headers: { 'access-control-allow-origin': origin } });
});

it('tells other pages and programs nothing of it', async () => {
  const other = await call('GET', '/key/list', { origin: 'https://evil.example' });
  const program = await call('GET', '/key/list', {});

  for (const { headers } of [other, program]) expect(headers).not.toHaveProperty('access-control-allow-origin');
});
