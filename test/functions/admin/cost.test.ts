import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../lib/catalog/index.ts';
import { hashSecret } from '../../../lib/domain/key.ts';
import type { Deployment } from '../../../lib/domain/model.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { createTargets } from '../../../lib/targets.ts';
import { aDeployment, aKey } from '../../support/exchange.ts';
import { chatAnswer, messageAnswer } from '../../support/upstream.ts';
import { createAdmin, type Admin, type Answer } from './support.ts';

const estimate = (admin: Admin, body: JsonObject): Promise<Answer> => admin.call('POST', '/cost/estimate', { body });
const calculate = (admin: Admin, body: JsonObject): Promise<Answer> => admin.call('POST', '/spend/calculate', { body });

/** The admin function over `gpt-4o-mini` under the name `fast`. */
const withFast = (over: Partial<Deployment> = {}): Admin => createAdmin({}, [aDeployment({ modelName: 'fast', ...over })]);

describe('/cost/estimate', () => {
  it('says what a request costs, and so many of them a day and a month', async () => {
    const { status, body } = await estimate(withFast(), {
      model: 'fast',
      input_tokens: 1000,
      output_tokens: 500,
      num_requests_per_day: 100,
      num_requests_per_month: 3000,
    });

    expect(status).toBe(200);
    // 1000 * 0.15/M and 500 * 0.60/M
    expect(body).toEqual({
      model: 'fast',
      input_tokens: 1000,
      output_tokens: 500,
      cache_read_input_tokens: 0,
      cache_creation_input_tokens: 0,
      reasoning_tokens: 0,
      num_requests_per_day: 100,
      num_requests_per_month: 3000,
      cost_per_request: 0.00045,
      input_cost_per_request: 0.00015,
      output_cost_per_request: 0.0003,
      margin_cost_per_request: 0,
      discount_cost_per_request: 0,
      cache_read_cost_per_request: 0,
      cache_creation_cost_per_request: 0,
      reasoning_cost_per_request: 0,
      daily_cost: 0.045,
      daily_input_cost: 0.015,
      daily_output_cost: 0.03,
      daily_margin_cost: 0,
      daily_discount_cost: 0,
      daily_cache_read_cost: 0,
      daily_cache_creation_cost: 0,
      daily_reasoning_cost: 0,
      monthly_cost: 1.35,
      monthly_input_cost: 0.45,
      monthly_output_cost: 0.9,
      monthly_margin_cost: 0,
      monthly_discount_cost: 0,
      monthly_cache_read_cost: 0,
      monthly_cache_creation_cost: 0,
      monthly_reasoning_cost: 0,
      input_cost_per_token: 1.5e-7,
      output_cost_per_token: 6e-7,
      cache_read_input_token_cost: 7.5e-8,
      cache_creation_input_token_cost: 1.5e-7,
      output_cost_per_reasoning_token: 6e-7,
      provider: 'openai',
    });
  });

  it('knows cached tokens and reasoning as shares, and leaves days and months without requests open', async () => {
    const admin = createAdmin({}, [aDeployment({ provider: 'anthropic', model: 'claude-sonnet-4-5' })]);

    const { body } = await estimate(admin, {
      model: 'gpt-4o-mini',
      input_tokens: 1000,
      cache_read_input_tokens: 600,
      cache_creation_input_tokens: 200,
      output_tokens: 100,
      reasoning_tokens: 40,
    });

    expect(body).toMatchObject({
      input_cost_per_request: 0.00153, // 200 * 3/M + 600 * 0.30/M + 200 * 3.75/M
      cache_read_cost_per_request: 0.00018,
      cache_creation_cost_per_request: 0.00075,
      output_cost_per_request: 0.0015,
      reasoning_cost_per_request: 0.0006,
      cost_per_request: 0.00303,
      daily_cost: null,
      monthly_reasoning_cost: null,
      provider: 'anthropic',
    });
  });

  it('tells the rates of the tier that the request would land in', async () => {
    const { body } = await estimate(createAdmin(), { model: 'gemini/gemini-2.5-pro', input_tokens: 200_001, output_tokens: 0 });

    expect(body).toMatchObject({ input_cost_per_token: 2.5e-6, output_cost_per_token: 1.5e-5, provider: 'gemini' });
  });

  it('reckons with discounts and margins', async () => {
    const costs = { discounts: { openai: 0.1 }, margins: { global: { percentage: 0.5, fixed_amount: 0.001 } } };
    const admin = createAdmin({ target: createTargets(createCatalog(), costs) }, [aDeployment()]);

    const { body } = await estimate(admin, {
      model: 'gpt-4o-mini',
      input_tokens: 1000,
      output_tokens: 500,
      num_requests_per_day: 10,
    });

    expect(body).toMatchObject({
      cost_per_request: 0.0016075,
      input_cost_per_request: 0.00015,
      output_cost_per_request: 0.0003,
      discount_cost_per_request: -0.000045,
      margin_cost_per_request: 0.0012025,
      daily_margin_cost: 0.012025,
    });
  });

  it.each([
    ['gpt-4o', 'openai', 0.0025],
    ['groq/llama-3.1-8b-instant', 'groq', 0.00005],
    ['anthropic/claude-sonnet-4-5', 'anthropic', 0.003],
  ])('prices %s of the catalog, though nobody deployed it', async (model, provider, cost) => {
    const { body } = await estimate(createAdmin(), { model, input_tokens: 1000, output_tokens: 0 });

    expect(body).toMatchObject({ provider, cost_per_request: cost });
  });

  it('takes the price the operator set, and the first deployment that has one', async () => {
    const unpriced = aDeployment({ id: 'a', modelName: 'own', provider: 'hosted_vllm', model: 'own-model' });
    const priced = { ...unpriced, id: 'b', price: { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 } };

    const { body } = await estimate(createAdmin({}, [unpriced, priced]), {
      model: 'own',
      input_tokens: 1000,
      output_tokens: 1000,
    });

    expect(body).toMatchObject({ cost_per_request: 0.003, provider: 'hosted_vllm' });
  });

  it.each([
    [{ model: 'no-such-model', input_tokens: 1, output_tokens: 1 }, 404, 'neither deployed nor in the catalog'],
    [{ model: 'openai/no-such-model', input_tokens: 1, output_tokens: 1 }, 404, 'the price of .* is unknown'],
    [{ input_tokens: 1, output_tokens: 1 }, 400, 'model: expected a text'],
    [{ model: 'fast', input_tokens: -1, output_tokens: 1 }, 400, 'input_tokens: expected a whole number'],
    [{ model: 'fast', input_tokens: 1 }, 400, 'output_tokens: expected a whole number'],
    [
      { model: 'fast', input_tokens: 1, cache_read_input_tokens: 2, output_tokens: 1 },
      400,
      'input_tokens: .* is counted within it',
    ],
    [{ model: 'fast', input_tokens: 1, reasoning_tokens: 2, output_tokens: 1 }, 400, 'output_tokens: .* is counted within it'],
  ])('refuses %o', async (body, status, words) => {
    const answer = await estimate(withFast(), body);

    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toMatch(new RegExp(words));
  });
});

describe('/spend/calculate', () => {
  it('prices an answer of each API by its usage', async () => {
    const admin = createAdmin();
    const chat = chatAnswer('Hi', { usage: { prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 } });
    const message = messageAnswer('Hi', { usage: { input_tokens: 100, cache_read_input_tokens: 1000, output_tokens: 10 } });
    const response = {
      object: 'response',
      id: 'r',
      model: 'gpt-4o-mini',
      output: [],
      status: 'completed',
      usage: { input_tokens: 1000, output_tokens: 500 },
    };

    expect((await calculate(admin, { completion_response: chat })).body).toEqual({ cost: 0.00045 });
    expect((await calculate(admin, { completion_response: message })).body).toEqual({ cost: 0.00075 }); // 3/M, 0.30/M, 15/M
    expect((await calculate(admin, { completion_response: response })).body).toEqual({ cost: 0.00045 });
  });

  it('prices a usage alone', async () => {
    const alone = { model: 'gpt-4o-mini', usage: { prompt_tokens: 1000, completion_tokens: 500 } };

    expect((await calculate(createAdmin(), { completion_response: alone })).body).toEqual({ cost: 0.00045 });
  });

  it('prices it at the model named beside it', async () => {
    const answer = chatAnswer('Hi', { usage: { prompt_tokens: 1000, completion_tokens: 0, total_tokens: 1000 } });

    expect((await calculate(createAdmin(), { model: 'gpt-4o', completion_response: answer })).body).toEqual({ cost: 0.0025 });
  });

  it('prices the input of messages before a call', async () => {
    const messages = [{ role: 'user', content: "Hey, how's it going?" }];

    const { status, body } = await calculate(withFast(), { model: 'fast', messages });

    expect(status).toBe(200);
    // Some 14 tokens at 0.15/M: 7 of text, 7 around it
    expect(body['cost']).toBeGreaterThan(10 * 1.5e-7);
    expect(body['cost']).toBeLessThan(20 * 1.5e-7);
  });

  it.each([
    [{}, 400, 'a `completion_response`'],
    [{ messages: [] }, 400, 'model'],
    [{ model: 'fast', messages: [{ role: 'nobody', content: 'x' }] }, 400, 'role'],
    [{ completion_response: 'text' }, 400, 'completion_response: expected an object'],
    [{ model: 'fast', completion_response: { choices: [] } }, 400, 'with its `usage`'],
    [{ model: 'fast', completion_response: { choices: ['x'] } }, 400, 'invalid_request_error'],
    [
      { completion_response: { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } } },
      400,
      'model: expected a text',
    ],
  ])('refuses %o', async (body, status, words) => {
    const answer = await calculate(withFast(), body);

    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(words);
  });
});

describe('a virtual key', () => {
  it('may ask for the models it may call, by its own aliases too, and for no others', async () => {
    const admin = createAdmin();
    await admin.deps.keys.create(
      aKey({ hash: hashSecret('sk-of-the-tests-1234'), models: ['gpt-4o-mini'], aliases: { small: 'gpt-4o-mini' } }),
    );
    const ask = (model: string): Promise<Answer> =>
      admin.call('POST', '/cost/estimate', {
        key: 'sk-of-the-tests-1234',
        body: { model, input_tokens: 1000, output_tokens: 0 },
      });

    expect((await ask('small')).body).toMatchObject({ model: 'small', cost_per_request: 0.00015 });
    expect((await ask('gpt-4o')).status).toBe(403);
  });

  it('that is a team’s own has a price for that team, and for admins', async () => {
    const prices = { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 };
    const admin = createAdmin({}, [aDeployment({ modelName: 'ours', info: { team_id: 'red', ...prices } })]);
    const [red, blue] = ['sk-of-the-team-red', 'sk-of-the-team-blue'];
    await admin.deps.keys.create(aKey({ hash: hashSecret(red), teamId: 'red' }));
    await admin.deps.keys.create(aKey({ hash: hashSecret(blue), teamId: 'blue' }));
    const body = { model: 'ours', input_tokens: 1, output_tokens: 1 };
    expect(await admin.call('POST', '/cost/estimate', { body })).toMatchObject({ status: 200 });
    expect(await admin.call('POST', '/cost/estimate', { body, key: red })).toMatchObject({ status: 200 });
    expect(await admin.call('POST', '/cost/estimate', { body, key: blue })).toMatchObject({ status: 404 });
  });

  it('needs to be there', async () => {
    expect((await createAdmin().call('POST', '/cost/estimate', { key: null, body: {} })).status).toBe(401);
  });
});
