/** `npm start -- --sign-in ID`: what a sign-in needs, put together. */
import { setTimeout as wait } from 'node:timers/promises';
import { signIn } from '../../lib/local/sign-in.ts';
import { openStateFolder } from '../../lib/local/state-folder.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { createHttpClient } from '../../lib/transport/http.ts';

/** What was asked for, and how to speak to whom asked. */
export interface SignInOptions {
  readonly data?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly tell: (line: string) => void;
}

/**
 * Signs in and keeps the credential in the state folder.
 *
 * @throws StartError in one line for what the operator can mend.
 */
export async function signInLocally(id: string, { data, environment, tell }: SignInOptions): Promise<void> {
  if (data === undefined) throw new StartError('--sign-in: the token has to be kept in a folder');
  const folder = openStateFolder(data);
  const http = createHttpClient();
  try {
    await signIn(id, { folder, environment, http, tell, now: Date.now, wait: (ms) => wait(ms) });
  } finally {
    await http.close();
    folder.close();
  }
}
