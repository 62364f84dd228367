import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { aDeployment } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { sendJson, sendText, startUpstream, type Upstream } from '../../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

interface Counted {
  readonly status: number;
  readonly source: string | null;
  readonly warnings: string | null;
  readonly body: Record<string, unknown>;
}

async function count(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  { url, masterKey } = gateway,
): Promise<Counted> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'x-api-key': masterKey, ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    source: response.headers.get('x-tollgate-token-source'),
    warnings: response.headers.get('x-tollgate-warnings'),
    body: (await response.json()) as Record<string, unknown>,
  };
}

const messages = [{ role: 'user', content: 'How is the sea today?' }];

describe('the token counter of LiteLLM', () => {
  it('counts a prompt or messages with the counter of the provider', async () => {
    upstream.answer(sendJson({ input_tokens: 17 }));
    for (const asked of [{ prompt: 'How is the sea today?' }, { messages }]) {
      expect(await count('/utils/token_counter', { model: 'claude', ...asked })).toMatchObject({
        status: 200,
        source: 'provider',
        body: { total_tokens: 17, request_model: 'claude', model_used: 'claude-sonnet-4-5', tokenizer_type: 'anthropic_api' },
      });
      const { path, body } = upstream.seen.at(-1) ?? {};
      expect(path).toBe('/v1/messages/count_tokens');
      expect(Object.keys(body ?? {}).toSorted()).toEqual(['messages', 'model']);
    }
  });

  it("counts with the model's own tokenizer where there is none, and says so", async () => {
    const { source, body } = await count('/utils/token_counter', { model: 'gpt-4o-mini', messages });

    expect(source).toBe('counted');
    // 6 of the text, 4 of the message, 3 of the answer's beginning.
    expect(body).toEqual({
      total_tokens: 13,
      request_model: 'gpt-4o-mini',
      model_used: 'gpt-4o-mini',
      tokenizer_type: 'openai_tokenizer',
    });
  });

  it('estimates where neither is known, or not all of it is text', async () => {
    const llama = aDeployment({ modelName: 'llama', provider: 'groq', model: 'llama-3.3-70b', apiBase: `${upstream.url}/v1` });
    const other = await serveGateway(upstream.url, { deployments: [llama] });
    onTestFinished(() => other.close());
    const { source, body } = await count('/utils/token_counter', { model: 'llama', messages }, {}, other);
    expect(source).toBe('estimated');
    expect(body).toMatchObject({ total_tokens: expect.any(Number) as number, tokenizer_type: 'estimate' });

    const image = { type: 'image_url', image_url: { url: 'https://example.com/sea.png' } };
    const seen = await count('/utils/token_counter', { model: 'gpt-4o-mini', messages: [{ role: 'user', content: [image] }] });
    expect(seen.source).toBe('estimated');
  });

  it.each([
    [{ model: 'claude' }, 'messages'],
    [{ model: 'claude', prompt: 5 }, 'prompt'],
    [{ model: 'claude', messages: 'Hi' }, 'messages'],
    [{ prompt: 'Hi' }, 'model'],
  ])('refuses %j', async (asked, param) => {
    expect(await count('/utils/token_counter', asked)).toMatchObject({ status: 400, body: { error: { param } } });
  });
});

describe('the count of Gemini', () => {
  const contents = [{ role: 'user', parts: [{ text: 'How is the sea today?' }] }];
  const systemInstruction = { parts: [{ text: 'Be short.' }] };

  it("is the model's own tokenizer's for a provider without a counter", async () => {
    const { status, source, body } = await count('/v1beta/models/gpt-4o-mini:countTokens', { contents });

    expect({ status, source }).toEqual({ status: 200, source: 'counted' });
    expect(body).toEqual({ totalTokens: 13 });
  });

  it('is asked of a provider with one, in its language', async () => {
    upstream.answer(sendJson({ input_tokens: 17 }));

    const { source, body } = await count('/v1beta/models/claude:countTokens', { contents });

    expect({ source, body }).toEqual({ source: 'provider', body: { totalTokens: 17 } });
    expect(upstream.seen.at(-1)?.body).toMatchObject({ model: 'claude-sonnet-4-5', messages: [{ role: 'user' }] });
  });

  it.each([
    ['contents', { contents, systemInstruction }],
    ['a whole request', { generateContentRequest: { model: 'models/flash', contents, systemInstruction } }],
    ['a whole request in snake case', { generate_content_request: { contents, systemInstruction } }],
  ])('is asked of Google as a whole request for %s', async (_, asked) => {
    const google = await serveGateway(upstream.url, {
      deployments: [
        aDeployment({
          modelName: 'flash',
          provider: 'gemini',
          model: 'gemini-2.5-flash',
          apiBase: upstream.url,
          credential: { type: 'value', value: 'secret' },
        }),
      ],
    });
    onTestFinished(() => google.close());
    upstream.answer(sendJson({ totalTokens: 9 }));

    const { source, body } = await count('/v1beta/models/flash:countTokens', asked, {}, google);

    expect({ source, body }).toEqual({ source: 'provider', body: { totalTokens: 9 } });
    const { path, body: sent } = upstream.seen.at(-1) ?? {};
    expect(path).toBe('/v1beta/models/gemini-2.5-flash:countTokens');
    expect(sent).toEqual({ generateContentRequest: { model: 'models/gemini-2.5-flash', contents, systemInstruction } });
  });

  it('refuses what is no request', async () => {
    expect(await count('/v1beta/models/gpt-4o-mini:countTokens', {})).toMatchObject({
      status: 400,
      body: { error: { status: 'INVALID_ARGUMENT' } },
    });
  });
});

describe("a counter's request", () => {
  it('is the body of the client without what only an answer needs, with the headers of its dialect', async () => {
    upstream.answer(sendJson({ input_tokens: 17 }));
    const asked = { model: 'claude', messages, system: 'Be short.', tools: [], new_field: 1 };
    await count(
      '/v1/messages/count_tokens',
      { ...asked, max_tokens: 5, temperature: 1, stream: true },
      { 'anthropic-beta': 'context-1m' },
    );

    expect(upstream.seen.at(-1)?.body).toEqual({ ...asked, model: 'claude-sonnet-4-5' });
    expect(upstream.seen.at(-1)?.headers).toMatchObject({ 'anthropic-beta': 'context-1m', 'x-api-key': 'upstream-secret' });
  });

  it('needs a key, and one that may call the model', async () => {
    await gateway.addKey('sk-narrow', { models: ['gpt-4o-mini'] });
    const asked = { model: 'claude', messages };

    expect(await count('/v1/messages/count_tokens', asked, { 'x-api-key': 'sk-unknown' })).toMatchObject({ status: 401 });
    expect(await count('/v1/messages/count_tokens', asked, { 'x-api-key': 'sk-narrow' })).toMatchObject({
      status: 403,
      body: { type: 'error', error: { type: 'permission_error' } },
    });
  });

  it('costs nothing, so a key without money may count', async () => {
    await gateway.addKey('sk-poor', { name: 'sk-...poor', maxBudget: 0n });
    const headers = { 'x-api-key': 'sk-poor' };

    expect(await count('/v1/messages/count_tokens', { model: 'gpt-4o-mini', messages }, headers)).toMatchObject({
      status: 200,
    });
    expect(await count('/v1/messages', { model: 'gpt-4o-mini', max_tokens: 5, messages }, headers)).toMatchObject({
      status: 429,
    });
  });
});

describe('the counters of providers', () => {
  /** A gateway with one model, whose provider is called at its own address, which is the upstream here. */
  async function asking(provider: string, model: string, environment: Record<string, string>, answer: object) {
    const deployment = aDeployment({ modelName: 'm', provider, model, credential: { type: 'value', value: 'secret' } });
    const served = await serveGateway(upstream.url, { deployments: [deployment], environment });
    onTestFinished(() => served.close());
    upstream.seen.splice(0);
    upstream.answer(sendJson(answer));
    return (path: string, body: object) => count(path, { model: 'm', ...body }, {}, served);
  }

  it('of OpenAI is asked in the language of Responses, with what counts alone', async () => {
    const ask = await asking('openai', 'gpt-5', { OPENAI_BASE_URL: `${upstream.url}/v1` }, { input_tokens: 21 });

    const chat = await ask('/utils/token_counter', { messages, temperature: 1 });
    const own = await ask('/v1/responses/input_tokens', { input: 'Hi', instructions: 'Be short.' });

    expect(chat).toMatchObject({ source: 'provider', body: { total_tokens: 21, tokenizer_type: 'openai_api' } });
    expect(own).toMatchObject({ source: 'provider', body: { object: 'response.input_tokens', input_tokens: 21 } });
    expect(upstream.seen.map(({ path }) => path)).toEqual(['/v1/responses/input_tokens', '/v1/responses/input_tokens']);
    expect(Object.keys(upstream.seen[0]?.body ?? {}).toSorted()).toEqual(['input', 'model']);
    expect(upstream.seen[1]?.body).toEqual({ model: 'gpt-5', input: 'Hi', instructions: 'Be short.' });
  });

  it('of OpenAI is not looked for on servers that only speak its language', async () => {
    await count('/utils/token_counter', { model: 'gpt-4o-mini', messages });
    const before = upstream.seen.length;
    expect(await count('/utils/token_counter', { model: 'gpt-4o-mini', messages })).toMatchObject({ source: 'counted' });
    expect(upstream.seen).toHaveLength(before);
  });

  it('of Bedrock knows the model, and not its inference profiles', async () => {
    const environment = { AWS_BEDROCK_RUNTIME_ENDPOINT: upstream.url };
    const ask = await asking('bedrock', 'us.anthropic.claude-sonnet-4-v1:0', environment, { inputTokens: 12 });

    const counted = await ask('/v1/messages/count_tokens', { messages, system: 'Be short.' });

    expect(counted).toMatchObject({ source: 'provider', body: { input_tokens: 12 } });
    expect(upstream.seen[0]?.path).toBe('/model/anthropic.claude-sonnet-4-v1%3A0/count-tokens');
    expect(upstream.seen[0]?.body).toEqual({
      input: {
        converse: { messages: [{ role: 'user', content: [{ text: messages[0]?.content }] }], system: [{ text: 'Be short.' }] },
      },
    });
  });

  it('of Bedrock may not know the model after all: then it is an estimate', async () => {
    const environment = { AWS_BEDROCK_RUNTIME_ENDPOINT: upstream.url };
    const ask = await asking('bedrock', 'anthropic.claude-new', environment, {});
    upstream.answer(sendJson({ message: "The provided model doesn't support counting tokens." }, 400));
    expect(await ask('/v1/messages/count_tokens', { messages })).toMatchObject({ status: 200, source: 'estimated' });
    upstream.answer(sendJson({ message: 'messages: too many images.' }, 400));
    expect(await ask('/v1/messages/count_tokens', { messages })).toMatchObject({ status: 400 });
  });

  it('of Bedrock counts Claude alone', async () => {
    const ask = await asking('bedrock', 'amazon.nova-pro-v1:0', { AWS_BEDROCK_RUNTIME_ENDPOINT: upstream.url }, {});
    expect(await ask('/v1/messages/count_tokens', { messages })).toMatchObject({ source: 'estimated' });
    expect(upstream.seen).toHaveLength(0);
  });

  it('of Vertex AI are two: one for Claude, one for Gemini', async () => {
    const environment = { VERTEXAI_API_BASE: upstream.url, VERTEXAI_PROJECT: 'p' };
    const claude = await asking('vertex_ai', 'claude-sonnet-4@20250514', environment, { input_tokens: 14 });
    expect(await claude('/v1/messages/count_tokens', { messages })).toMatchObject({
      source: 'provider',
      body: { input_tokens: 14 },
    });
    expect(upstream.seen[0]).toMatchObject({
      path: '/v1/projects/p/locations/us-central1/publishers/anthropic/models/count-tokens:rawPredict',
      body: { model: 'claude-sonnet-4@20250514', messages },
    });

    const gemini = await asking('vertex_ai', 'gemini-2.5-flash', environment, { totalTokens: 9 });
    expect(await gemini('/v1/messages/count_tokens', { messages, system: 'Be short.' })).toMatchObject({
      body: { input_tokens: 9 },
    });
    expect(upstream.seen[0]?.path).toBe(
      '/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash:countTokens',
    );
    expect(upstream.seen[0]?.body).toMatchObject({
      contents: [{ role: 'user', parts: [{ text: messages[0]?.content }] }],
      systemInstruction: { parts: [{ text: 'Be short.' }] },
    });
    expect(upstream.seen[0]?.body).not.toHaveProperty('generateContentRequest');
  });
});

describe('a counter that is out of order', () => {
  it.each([
    ['missing', sendJson({ error: { message: 'No such route' } }, 404)],
    ['busy', sendJson({ type: 'error', error: { type: 'overloaded_error', message: 'Busy' } }, 529)],
    ['limited', sendJson({ type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } }, 429)],
    ['babbling', sendText('<html>', 200, 'text/html')],
    ['silent about the number', sendJson({ tokens: 5 })],
  ])('because it is %s leaves an estimate and a warning', async (_, script) => {
    upstream.answer(script);
    const { status, source, warnings, body } = await count('/v1/messages/count_tokens', { model: 'claude', messages });

    expect({ status, source, warnings }).toEqual({ status: 200, source: 'estimated', warnings: 'changed input_tokens' });
    expect(body['input_tokens']).toBeGreaterThan(5);
  });

  it('is not when the request is wrong', async () => {
    upstream.answer(
      sendJson({ type: 'error', error: { type: 'invalid_request_error', message: 'messages.0: bad upstream-secret' } }, 400),
    );
    const { status, body } = await count('/v1/messages/count_tokens', { model: 'claude', messages });

    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('messages.0: bad');
    expect(JSON.stringify(body)).not.toContain('upstream-secret');
  });
});
