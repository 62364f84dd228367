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

  it('leaves our own words and harmless words alone', () => {
    const own = new GatewayError('internal', 'top-secret-credential');
    expect(redact(own)).toBe(own);
    const harmless = upstream('The model is overloaded.');
    expect(redact(harmless)).toBe(harmless);
  });

  it('works for calls without a credential', () => {
    expect(createRedactor([], 'http://127.0.0.1:1')(upstream('no')).message).toBe('no');
  });
});
