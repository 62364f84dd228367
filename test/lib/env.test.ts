import { describe, expect, test } from 'vitest';
import { readEnv, readWebEndpoint } from '../../lib/env.ts';

describe('readEnv', () => {
  test('fills in what is not set', () => {
    expect(readEnv({})).toMatchObject({
      TOLLGATE_SECRET_PREFIX: 'tollgate/',
      TOLLGATE_EXPIRED_HOLD: 'hold',
      TOLLGATE_NUM_RETRIES: 2,
      TOLLGATE_RESPONSE_TTL_DAYS: 30,
      TOLLGATE_DISABLE_LEDGER: false,
      TOLLGATE_LOG_LEVEL: 'info',
    });
  });

  test('reads limits of the whole gateway, money exact', () => {
    const limits = '{"gpt-4o": {"max_budget": 0.1, "budget_duration": "1d", "rpm_limit": 60}}';

    expect(readEnv({ TOLLGATE_MAX_BUDGET: '12.5', TOLLGATE_MODEL_LIMITS: limits })).toMatchObject({
      TOLLGATE_MAX_BUDGET: 12_500_000_000_000n,
      TOLLGATE_MODEL_LIMITS: { 'gpt-4o': { max_budget: 100_000_000_000n, budget_duration: '1d', rpm_limit: 60 } },
    });
  });

  test('reads discounts and margins by provider', () => {
    const margins = '{"global": 0.05, "anthropic": {"percentage": 0.08, "fixed_amount": 0.001}}';

    expect(readEnv({ TOLLGATE_COST_DISCOUNTS: '{"openai": 0.05}', TOLLGATE_COST_MARGINS: margins })).toMatchObject({
      TOLLGATE_COST_DISCOUNTS: { openai: 0.05 },
      TOLLGATE_COST_MARGINS: { global: 0.05, anthropic: { percentage: 0.08, fixed_amount: 0.001 } },
    });
    expect(readEnv({})).toMatchObject({ TOLLGATE_COST_DISCOUNTS: {}, TOLLGATE_COST_MARGINS: {} });
  });

  test('reads what becomes of calls whose limits cannot be asked', () => {
    expect(readEnv({}).TOLLGATE_ON_STORE_FAILURE).toEqual({});
    expect(readEnv({ TOLLGATE_ON_STORE_FAILURE: 'rate=open,budget=closed' }).TOLLGATE_ON_STORE_FAILURE).toEqual({
      rate: 'open',
      budget: 'closed',
    });
  });

  test('reads whose pages may call', () => {
    const read = (text?: string) => readEnv({ TOLLGATE_CORS_ORIGINS: text }).TOLLGATE_CORS_ORIGINS;

    expect(read()).toEqual(['*']);
    expect(read('https://chat.example.com, app://notes')).toEqual(['https://chat.example.com', 'app://notes']);
    expect([read('none'), read('')]).toEqual([[], []]);
    for (const wrong of ['chat.example.com', 'https://chat.example.com/'])
      expect(() => read(wrong)).toThrow('expected origins');
  });

  test('names every variable that is wrong', () => {
    const wrong = { TOLLGATE_NUM_RETRIES: 'many', TOLLGATE_LOG_LEVEL: 'loud' };

    expect(() => readEnv(wrong)).toThrow(/TOLLGATE_NUM_RETRIES: .*TOLLGATE_LOG_LEVEL: /);
  });
});

describe('readWebEndpoint', () => {
  test.each([
    ['0.0.0.0:3000', '0.0.0.0', 3000],
    ['http://127.0.0.1:8080', '127.0.0.1', 8080],
    ['[::1]:3000', '::1', 3000],
  ])('reads %s', (value, host, port) => {
    expect(readWebEndpoint({ AWS_LAMBDA_HTTP_ENDPOINT: value })).toEqual({ host, port });
  });

  test.each([undefined, '', '3000', 'localhost', 'localhost:http'])('refuses %s', (value) => {
    expect(() => readWebEndpoint({ AWS_LAMBDA_HTTP_ENDPOINT: value })).toThrow('AWS_LAMBDA_HTTP_ENDPOINT: expected host:port');
  });
});

describe('a wrong variable', () => {
  test.each([
    'https://prices.example.com/map.json?key=1',
    'http://localhost:8080/map.json',
    'http://127.0.0.1/m',
    'http://[::1]:1/m',
  ])('prices may come from %s', (url) => {
    expect(readEnv({ TOLLGATE_PRICE_MAP_URL: url })).toMatchObject({ TOLLGATE_PRICE_MAP_URL: url });
  });

  test.each([
    ['TOLLGATE_NUM_RETRIES', 'many', 'a whole number'],
    ['TOLLGATE_EXPIRED_HOLD', 'maybe', 'hold or zero'],
    ['TOLLGATE_LOG_LEVEL', 'loud', 'debug, info'],
    ['TOLLGATE_DISABLE_LEDGER', 'perhaps', 'true or false'],
    ['TOLLGATE_MAX_BODY_BYTES', '0', 'above 0'],
    ['TOLLGATE_MAX_BUDGET', '-1', 'an amount in USD'],
    ['TOLLGATE_BUDGET_EXCEEDED_THROTTLE_PERCENTAGE', '10', 'between 0 and 1'],
    ['TOLLGATE_ON_STORE_FAILURE', 'budget', 'budget=closed,rate=open'],
    ['TOLLGATE_ON_STORE_FAILURE', 'budget=ajar', 'budget=closed,rate=open'],
    ['TOLLGATE_BUDGET_DURATION', 'daily', '1d, 1w, 1mo'],
    ['TOLLGATE_COST_DISCOUNTS', 'five percent', 'an object of numbers'],
    ['TOLLGATE_COST_DISCOUNTS', '{"openai": 5}', 'between 0 and 1'],
    ['TOLLGATE_COST_MARGINS', '{"openai": -0.1}', 'between 0 and 10'],
    ['TOLLGATE_COST_MARGINS', '{"openai": {}}', 'between 0 and 10'],
    ['TOLLGATE_COST_MARGINS', '{"openai": {"fixed_amount": 1, "fixed": 2}}', 'fixed_amount (USD, 0 or more)'],
    ['TOLLGATE_PRICE_MAP_URL', 'prices', 'https://'],
    ['TOLLGATE_PRICE_MAP_URL', 'http://prices.example.com/map.json', 'on this machine only'],
    ['TOLLGATE_PRICE_MAP_URL', 'http://127.0.0.1.example.com/map.json', 'on this machine only'],
    ['TOLLGATE_PRICE_MAP_URL', 'https://a:b@prices.example.com/map.json', 'without user name'],
    ['TOLLGATE_PRICE_MAP_URL', 'file:///etc/passwd', 'https://'],
    ['TOLLGATE_MODEL_LIMITS', 'all', 'a JSON object'],
    ['TOLLGATE_MODEL_LIMITS', '{"gpt-4o": {"max_budget": "much"}}', 'an amount in USD'],
  ])('%s is named, with what it may be', (name, value, allowed) => {
    expect(() => readEnv({ [name]: value })).toThrow(name);
    expect(() => readEnv({ [name]: value })).toThrow(allowed);
  });
});
