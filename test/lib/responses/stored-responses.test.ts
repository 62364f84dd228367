import { describe, expect, it } from 'vitest';
import type { StoredResponse } from '../../../lib/domain/conversation.ts';
import { answerStored, type StoredRequest } from '../../../lib/responses/stored-responses.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { NOW } from '../../support/exchange.ts';

const reader = { owner: 'a'.repeat(64), now: NOW };
const stored: StoredResponse = {
  id: 'resp_1',
  owner: reader.owner,
  createdAt: NOW,
  expiresAt: NOW + 1,
  earlier: [],
  bytes: 0,
  input: [{ id: 'msg_1' }, { id: 'msg_2' }, { id: 'msg_3' }],
  response: { id: 'resp_1', object: 'response', output: [] },
  model: 'gpt',
};

/** Asks a store that has `stored`. */
async function ask(path: string, over: Partial<StoredRequest> = {}) {
  const { conversations } = open();
  await conversations.put(stored);
  const url = new URL(path, 'http://localhost');
  const [, id = '', rest = ''] = /^\/([^/]+)(\/.*)?$/.exec(url.pathname) ?? [];
  const request = { method: 'GET', route: `/v1/responses/{id}${rest}`, id, query: url.searchParams, reader, ...over };
  return { conversations, request, answer: answerStored(conversations, request) };
}

describe('a response that is being made', () => {
  const running: StoredResponse = {
    ...stored,
    id: 'resp_2',
    response: { id: 'resp_2', status: 'in_progress', background: true, output: [] },
    runsUntil: NOW + 1,
  };

  /** A store in which it was begun. */
  async function begun(over: Partial<StoredResponse> = {}) {
    const { conversations } = open();
    await conversations.begin(running);
    await conversations.put({ ...running, ...over });
    const ask = (rest = '', at = NOW) =>
      answerStored(conversations, {
        method: rest === '' ? 'GET' : 'POST',
        route: `/v1/responses/{id}${rest}`,
        id: 'resp_2',
        query: new URLSearchParams(),
        reader: { ...reader, now: at },
      });
    return { conversations, ask };
  }

  it('is shown as it stands, and as failed once its maker must be lost', async () => {
    const { ask } = await begun({ expiresAt: NOW + 100 });
    expect(await ask()).toMatchObject({ status: 'in_progress', background: true });
    expect(await ask('', NOW + 1)).toMatchObject({ status: 'failed', error: { code: 'server_error' } });
    expect(await ask('/cancel', NOW + 1)).toMatchObject({ status: 'failed' });
  });

  it('is cancelled at once, for good, as often as it is asked for', async () => {
    const { ask, conversations } = await begun({ expiresAt: NOW + 100 });
    expect(await ask('/cancel')).toMatchObject({ id: 'resp_2', status: 'cancelled' });
    expect(await ask('/cancel')).toMatchObject({ status: 'cancelled' });
    expect(await ask('', NOW + 50)).toMatchObject({ status: 'cancelled' });
    expect(await conversations.decide('resp_2', 'finished', reader)).toBe('cancelled');
  });

  it('is not cancelled when its maker has finished it', async () => {
    const { ask, conversations } = await begun();
    await conversations.decide('resp_2', 'finished', reader);
    expect(await ask('/cancel')).toMatchObject({ status: 'in_progress' });
    await conversations.put({ ...stored, id: 'resp_2', response: { ...running.response, status: 'completed' } });
    expect(await ask('/cancel')).toMatchObject({ status: 'completed' });
  });
});

describe('a stored response', () => {
  it('is returned as it was sent', async () => {
    expect(await (await ask('/resp_1')).answer).toEqual(stored.response);
  });

  it('is gone once deleted', async () => {
    const { answer, conversations, request } = await ask('/resp_1', { method: 'DELETE' });
    expect(await answer).toEqual({ id: 'resp_1', object: 'response.deleted', deleted: true });
    await expect(answerStored(conversations, request)).rejects.toMatchObject({ status: 404 });
    await expect(answerStored(conversations, { ...request, method: 'GET' })).rejects.toMatchObject({ status: 404 });
  });

  it.each([
    ['one that never was', '/resp_2', {}],
    ['an id that cannot be one', '/resp%201', { id: 'resp 1' }],
    ['one of another owner', '/resp_1', { reader: { ...reader, owner: 'master' } }],
    ['an expired one', '/resp_1', { reader: { ...reader, now: NOW + 1 } }],
    ['items of one that never was', '/resp_2/input_items', {}],
    ['the end of one that never was', '/resp_2/cancel', { method: 'POST' }],
    ['one that is to be deleted and never was', '/resp_2', { method: 'DELETE' }],
  ])('does not exist: %s', async (_name, path, over) => {
    const { answer, request } = await ask(path, over);
    await expect(answer).rejects.toMatchObject({
      status: 404,
      message: `Response with id '${request.id}' not found.`,
      detail: { type: 'invalid_request_error' },
    });
  });

  it('cannot be cancelled: it is finished', async () => {
    const { answer } = await ask('/resp_1/cancel', { method: 'POST' });
    await expect(answer).rejects.toMatchObject({ status: 400, message: 'Cannot cancel a synchronous response.' });
  });
});

describe('input items', () => {
  it.each([
    ['newest first', '', ['msg_3', 'msg_2', 'msg_1'], false],
    ['oldest first', '?order=asc', ['msg_1', 'msg_2', 'msg_3'], false],
    ['a first page', '?order=asc&limit=2', ['msg_1', 'msg_2'], true],
    ['a last page', '?order=asc&limit=2&after=msg_2', ['msg_3'], false],
    ['a page past the end', '?after=msg_1', [], false],
  ])('come %s', async (_name, query, ids, more) => {
    expect(await (await ask(`/resp_1/input_items${query}`)).answer).toEqual({
      object: 'list',
      data: ids.map((id) => ({ id })),
      first_id: ids[0] ?? null,
      last_id: ids.at(-1) ?? null,
      has_more: more,
    });
  });

  it.each([
    ['order', 'up'],
    ['limit', '0'],
    ['limit', '101'],
    ['limit', 'many'],
    ['after', 'msg_9'],
  ])('want a right %s, not %s', async (param, value) => {
    const { answer } = await ask(`/resp_1/input_items?${param}=${value}`);
    await expect(answer).rejects.toMatchObject({ status: 400, detail: { param } });
    await expect(answer).rejects.toThrow(`got "${value}"`);
  });
});
