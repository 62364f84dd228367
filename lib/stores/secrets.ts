/** Port: secret values by name (Secrets Manager). Values are UTF-8 text, usually a JSON object of fields. */
export interface SecretStore {
  /** The current value; undefined when there is none. `fresh` skips the cache: used once after a provider answered 401. */
  get(name: string, options?: { readonly fresh?: boolean }): Promise<string | undefined>;
  put(name: string, value: string): Promise<void>;
  /** Stores a value under a name that has none; of several at once one wins. */
  create(name: string, value: string): Promise<'created' | 'exists'>;
  delete(name: string): Promise<void>;
}
