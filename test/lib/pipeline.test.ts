import { expect, it } from 'vitest';
import { compose } from '../../lib/pipeline.ts';
import type { Policy } from '../../lib/policies/policy.ts';
import { anExchange, aReply } from '../support/exchange.ts';

const note =
  (trace: string[], name: string): Policy =>
  async (_exchange, next) => {
    trace.push(`${name} in`);
    const reply = await next();
    trace.push(`${name} out`);
    return reply;
  };

it('runs policies from the outside in and back out', async () => {
  const trace: string[] = [];
  const run = compose([note(trace, 'first'), note(trace, 'second')], async () => {
    trace.push('call');
    return aReply();
  });

  await run(anExchange());

  expect(trace).toEqual(['first in', 'second in', 'call', 'second out', 'first out']);
});

it('lets a policy call next again', async () => {
  let calls = 0;
  const twice: Policy = async (_exchange, next) => {
    await next();
    return next();
  };

  await compose([twice], async () => {
    calls++;
    return aReply();
  })(anExchange());

  expect(calls).toBe(2);
});

it('passes a failure outwards', async () => {
  const run = compose([note([], 'outer')], () => Promise.reject(new Error('inner failure')));
  await expect(run(anExchange())).rejects.toThrow('inner failure');
});
