/** `--sign-in`: a person signs in at a provider, and the credential is kept in the state folder, where the next start finds it. */
import { GatewayError } from '../errors.ts';
import { providers, tokenHttp } from '../providers/index.ts';
import type { Provider, SignInContext } from '../providers/provider.ts';
import type { HttpClient } from '../transport/http.ts';
import { StartError } from './start-error.ts';
import type { StateFolder } from './state-folder.ts';

/** What signing in needs. */
export interface SignInDeps extends Pick<SignInContext, 'now' | 'wait' | 'tell'> {
  readonly http: HttpClient;
  readonly folder: StateFolder;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const rows = [...providers.values()].filter(({ signIn }) => signIn !== undefined);

/** File of a row's credential. */
const fileOf = ({ id }: Provider): string => `signed-in-${id}`;

/**
 * Signs in at the provider of this id.
 *
 * @throws StartError in one line when it has no such way, or the sign-in came to nothing.
 */
export async function signIn(id: string, deps: SignInDeps): Promise<void> {
  const row = rows.find((one) => one.id === id);
  if (row?.signIn === undefined) {
    throw new StartError(`--sign-in: expected ${rows.map((one) => one.id).join(' or ')}, got ${JSON.stringify(id)}`);
  }
  const { folder, environment, http, tell } = deps;
  const parameters = Object.fromEntries(
    Object.entries(row.parameters ?? {}).flatMap(([name, { env = [], fallback }]) => {
      const value = env.map((variable) => environment[variable]).find((text) => text !== undefined && text !== '') ?? fallback;
      return value === undefined ? [] : [[name, value]];
    }),
  );
  try {
    folder.write(fileOf(row), await row.signIn({ ...deps, parameters, http: tokenHttp(http) }));
  } catch (error) {
    throw error instanceof GatewayError ? new StartError(error.message) : error;
  }
  tell(`Signed in. The token is in ${folder.file(fileOf(row))}; from now on npm start offers ${row.id}/<model>.`);
}

/** The environment, with the credentials of earlier sign-ins where it has none of its own. */
export function withSignIns(
  environment: SignInDeps['environment'],
  folder: Pick<StateFolder, 'read'> | undefined,
): SignInDeps['environment'] {
  const found: Record<string, string> = {};
  for (const row of folder === undefined ? [] : rows) {
    const [variable] = row.envKeys;
    const isSet = row.envKeys.some((name) => (environment[name] ?? '') !== '');
    const kept = isSet ? undefined : folder?.read(fileOf(row));
    if (variable !== undefined && kept !== undefined && kept !== '') found[variable] = kept;
  }
  return { ...environment, ...found };
}
