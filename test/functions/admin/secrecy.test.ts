import { expect, it } from 'vitest';
import { createAdmin, MASTER } from './support.ts';

const PROVIDER_SECRETS = ['sk-proj-first-provider-secret', 'gsk_second_provider_secret', 'third-secret-of-a-credential'];
const [FIRST = '', SECOND = '', THIRD = ''] = PROVIDER_SECRETS;
const CHOSEN = 'sk-chosen-by-the-operator-1';

it('lets no secret out but the new one of a key, once, whatever is asked', async () => {
  const admin = createAdmin();
  const post = (path: string, body: unknown) => admin.call('POST', path, { body });
  const made = await post('/key/generate', { key: CHOSEN, key_alias: 'a', max_budget: 1 });
  expect(made.status).toBe(200);
  admin.outputs.length = 0;

  await post('/key/generate', { key: CHOSEN });
  await post('/key/generate', { key: 'sk-bad secret with spaces in it' });
  await post('/key/generate', { duration: CHOSEN, models: CHOSEN, user_id: [CHOSEN] });
  await post('/key/update', { key: CHOSEN, max_budget: 2 });
  await post('/key/update', { key: [CHOSEN] });
  await post('/key/block', { key: CHOSEN });
  await post('/key/unblock', { key: CHOSEN });
  await post('/key/delete', { keys: [CHOSEN, 'sk-unknown-and-secret'] });
  await post('/key/sk-unknown-and-secret/regenerate', { new_key: CHOSEN });
  await admin.call('GET', `/key/info?key=${CHOSEN}`);
  await admin.call('GET', '/key/info', { key: CHOSEN });
  await admin.call('GET', '/key/info', { key: 'sk-unknown-and-secret' });
  await admin.call('GET', '/key/list?return_full_object=true');
  await admin.call('GET', `/spend/logs?api_key=${CHOSEN}`);
  await post('/credentials', { credential_name: 'c', credential_values: { api_key: THIRD } });
  await post('/credentials', { credential_name: 'c', credential_values: { api_key: THIRD } });
  await post('/credentials', { credential_name: 'd', credential_values: THIRD });
  await post('/credentials', { credential_name: 'd', credential_values: { api_base: `https://${THIRD}@example.com` } });
  await admin.call('PATCH', '/credentials/c', { body: { credential_values: { api_key: `${THIRD}2` } } });
  await admin.call('GET', '/credentials');
  await admin.call('GET', '/credentials/c');
  await post('/model/new', {
    model_name: 'm',
    litellm_params: { model: 'openai/gpt-4o', api_key: FIRST },
    model_info: { id: 'm1' },
  });
  await post('/model/new', { model_name: 'm', litellm_params: { model: 'nowhere/x', api_key: FIRST } });
  await post('/model/new', { model_name: 'm', litellm_params: { model: 'openai/x', api_key: { nested: FIRST } } });
  await post('/model/new', { model_name: 'm', litellm_params: { model: 'openai/x', extra_headers: { 'x-api-key': FIRST } } });
  await post('/model/update', { model_info: { id: 'm1' }, litellm_params: { api_key: SECOND } });
  await admin.call('GET', '/model/info');
  await admin.call('POST', '/model/new', { raw: `{"litellm_params": {"api_key": "${FIRST}"` });
  await post('/model/delete', { id: 'm1' });
  await admin.call('DELETE', '/credentials/c');
  await post('/key/delete', { keys: [CHOSEN] });

  const everything = admin.outputs.join('\n');
  for (const secret of [...PROVIDER_SECRETS, CHOSEN, MASTER, 'sk-unknown-and-secret', 'sk-bad secret']) {
    expect(everything).not.toContain(secret);
  }
});
