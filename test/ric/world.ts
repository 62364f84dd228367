/** What a deployed gateway talks to, on loopback and over the real protocols: tables, secrets, a provider; and a key to call with. */
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { request as send } from 'undici';
import { budgetMeter } from '../../lib/domain/budget.ts';
import { hashSecret, type VirtualKey } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import type { Meter } from '../../lib/domain/meter.ts';
import { USD } from '../../lib/domain/money.ts';
import { startSecretsManager } from '../../lib/local/secrets-manager.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { startDynoxide } from '../support/dynoxide.ts';
import { aDeployment, aKey } from '../support/exchange.ts';
import { chatChunk, startUpstream, type Script, type Upstream } from '../support/upstream.ts';

const CREDENTIALS = { accessKeyId: 'AKIATEST', secretAccessKey: 'test' };

/** Everything around a function. */
export interface World {
  readonly stores: Stores;
  readonly provider: Upstream;
  /** The variables the data stack and AWS would set. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** Starts the world: a master key, a credential of `openai`, and `gpt-4o-mini` at the provider. */
export async function startWorld(): Promise<World> {
  const [tables, vault, provider] = await Promise.all([startDynoxide(), startSecretsManager(), startUpstream()]);
  const secrets = new SecretsManagerClient({ endpoint: vault.url, region: 'eu-central-1', credentials: CREDENTIALS });
  await secrets.send(new CreateSecretCommand({ Name: 'tollgate/master', SecretString: 'sk-master' }));
  await secrets.send(new CreateSecretCommand({ Name: 'tollgate/openai', SecretString: '{"api_key":"upstream-secret"}' }));
  secrets.destroy();
  const credential = { type: 'secret', name: 'openai' } as const;
  await tables.stores.models.put(aDeployment({ apiBase: `${provider.url}/v1`, credential, source: 'store' }), 'new');
  return {
    stores: tables.stores,
    provider,
    env: {
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: vault.url,
      TOLLGATE_REGISTRY_TABLE: tables.names.registry,
      TOLLGATE_METERS_TABLE: tables.names.meters,
      TOLLGATE_LEDGER_TABLE: tables.names.ledger,
      TOLLGATE_TOTALS_TABLE: tables.names.totals,
      TOLLGATE_MASTER_KEY_SECRET: 'master',
      TOLLGATE_NUM_RETRIES: '0',
    },
    stop: async () => void (await Promise.all([tables.stop(), vault.close(), provider.close()])),
  };
}

/** A virtual key with a budget, and what it did. */
export interface Client {
  readonly key: VirtualKey;
  readonly headers: Readonly<Record<string, string>>;
  /** Asks `gpt-4o-mini` at the gateway with this address. */
  chat(url: string, over?: object): ReturnType<typeof send>;
  meter(): Promise<Meter | undefined>;
  entryOf(answer: Awaited<ReturnType<typeof send>>): Promise<LedgerEntry | undefined>;
}

/** A key of its own for each test, so that no test sees what another one holds. */
export async function addClient({ stores }: World, secret: string): Promise<Client> {
  const key = aKey({ hash: hashSecret(secret), maxBudget: 10n * USD });
  await stores.keys.create(key);
  const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
  return {
    key,
    headers,
    chat: (url, over = {}) =>
      send(`${url}/v1/chat/completions`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Count.' }], ...over }),
      }),
    meter: () => stores.meters.read(budgetMeter(key, Date.now()).meter),
    entryOf: (answer) => stores.ledger.get(String(answer.headers['x-litellm-call-id'])),
  };
}

/** One frame of a stream. */
export const frame = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\n\n`;

/** A stream of one word that never goes on. */
export const hangAfter =
  (word: string): Script =>
  (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(frame(chatChunk({ content: word })));
  };

/** What arrived of a body, one text per arrival. */
export async function arrivals(body: AsyncIterable<unknown>, each: () => void = () => undefined): Promise<string[]> {
  const texts: string[] = [];
  for await (const chunk of body) {
    texts.push(String(chunk));
    each();
  }
  return texts;
}

/** A stream that sends each word only when `seen` was called for the one before. */
export function gated(words: readonly string[], end: string): { readonly script: Script; readonly seen: () => void } {
  let next: () => void = () => undefined;
  return {
    seen: () => next(),
    script: async (_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const word of words) {
        const seen = new Promise<void>((done) => (next = done));
        response.write(frame(chatChunk({ content: word })));
        await seen;
      }
      response.end(end);
    },
  };
}
