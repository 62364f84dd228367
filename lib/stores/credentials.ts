/** A named provider credential: facts only; its values are in the secret store under `secretName`. */
export interface Credential {
  readonly name: string;
  readonly provider?: string;
  /** Non-secret facts (LiteLLM `credential_info`). */
  readonly info: Readonly<Record<string, unknown>>;
  /** Names of the values held (`api_key`, `api_base`), never the values. */
  readonly fields: readonly string[];
  readonly secretName: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Port: credential facts. */
export interface CredentialStore {
  get(name: string): Promise<Credential | undefined>;
  list(): Promise<readonly Credential[]>;
  put(credential: Credential): Promise<void>;
  delete(name: string): Promise<Credential | undefined>;
}
