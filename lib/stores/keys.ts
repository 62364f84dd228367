import type { VirtualKey } from '../domain/key.ts';

/** A page of a listing; `cursor` is opaque and absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

/** Port: virtual keys by hash. Listing is for management; `get` is the hot path (one eventual read, cached by its caller). */
export interface KeyStore {
  /** `fresh` sees every write that was answered, at twice the price: for management, which reads what it has just written. */
  get(hash: string, options?: { readonly fresh?: boolean }): Promise<VirtualKey | undefined>;
  /** Stores a new key. `exists` when the hash is taken, `alias-taken` when another key has the alias. */
  create(key: VirtualKey): Promise<'created' | 'exists' | 'alias-taken'>;
  /** Replaces a key whose stored `rev` is `key.rev - 1`. `stale` when somebody else changed it, `absent` when it is gone. */
  replace(key: VirtualKey): Promise<'replaced' | 'stale' | 'absent' | 'alias-taken'>;
  delete(hash: string): Promise<VirtualKey | undefined>;
  findByAlias(alias: string): Promise<VirtualKey | undefined>;
  list(page: { readonly limit: number; readonly cursor?: string }): Promise<Page<VirtualKey>>;
}
