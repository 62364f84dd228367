import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../lib/errors.ts';
import { createRedactor } from '../../lib/redact.ts';

const redact = createRedactor(['top-secret-credential', 'second-secret'], 'https://private.example:8443/v1/chat/completions');
const upstream = (message: string) => new GatewayError('authentication', message, { fromUpstream: true });

describe('redaction of what providers say', () => {
  it('hides the credential and the address', () => {
    const { message } = redact(upstream('key top-secret-credential refused by private.example:8443'));
    expect(message).toBe('key [redacted] refused by [provider]');
    expect(redact(upstream('token second-secret')).message).toBe('token [redacted]');
  });

  it.each(['sk-proj-abc123def', 'sk-ant-api03-xxxx', 'gsk_abcdef123456', 'AIzaSyA1234567890abc', 'sk-12***********cdef'])(
    'hides anything shaped like a key: %s',
    (key) => {
      expect(redact(upstream(`Incorrect API key provided: ${key}`)).message).not.toContain(key);
    },
  );

  it.each([
    ['Bad gateway http://10.1.2.3:8080/v1', 'Bad gateway http://[address]/v1'],
    ['connect ECONNREFUSED 127.0.0.1:11434', 'connect ECONNREFUSED [address]'],
    ['no route to 172.20.0.5, 192.168.1.7 or 169.254.169.254', 'no route to [address], [address] or [address]'],
    ['upstream vllm-0.models.svc.cluster.local:8000 failed', 'upstream [address] failed'],
    ['host private.example is down', 'host [provider] is down'],
    ['no answer...vllm.internal:80 (tried db-1.lan)', 'no answer...[address] (tried [address])'],
  ])('hides addresses inside a network: %s', (said, shown) => {
    expect(redact(upstream(said)).message).toBe(shown);
  });

  it.each(['version 1.10.0.3 of 11.22.33.44', 'see https://platform.openai.com/docs and 172.217.0.1', 'the local model 10.5'])(
    'leaves what anybody may know: %s',
    (said) => {
      expect(redact(upstream(said)).message).toBe(said);
    },
  );

  it('leaves our own words and harmless words alone', () => {
    const own = new GatewayError('internal', 'top-secret-credential');
    expect(redact(own)).toBe(own);
    const harmless = upstream('The model is overloaded.');
    expect(redact(harmless)).toBe(harmless);
  });

  it.each(['a-', 'a.', 'sk', '1.a-'])('reads a long text once: %s', (unit) => {
    const said = unit.repeat(128 * 1024);

    expect(redact(upstream(said)).message).toBe(said);
  });

  it('works for calls without a credential', () => {
    expect(createRedactor([], 'http://127.0.0.1:1')(upstream('no')).message).toBe('no');
  });
});
