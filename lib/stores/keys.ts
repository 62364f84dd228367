import type { VirtualKey } from '../domain/key.ts';
import type { KeyOwner } from '../domain/owned.ts';

/** A page of a listing; `cursor` is opaque and absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

/** Which part of a listing. */
export interface PageAsked {
  readonly limit: number;
  readonly cursor?: string;
}

/** Listing by owner: reads the owner's records and no others, see `LinkStore`. */
export interface OwnedListing<T, Owner> {
  /** Records of an owner, in no order. */
  listOf(owner: Owner, page: PageAsked): Promise<Page<T>>;
}

/** Port: virtual keys by hash. Listing is for management; `get` is the hot path (one eventual read, cached by its caller). */
export interface KeyStore extends OwnedListing<VirtualKey, KeyOwner> {
  /** `fresh` sees every write that was answered, at twice the price: for management, which reads what it has just written. */
  get(hash: string, options?: { readonly fresh?: boolean }): Promise<VirtualKey | undefined>;
  /** Stores a new key. `exists` when the hash is taken, `alias-taken` when another key has the alias. */
  create(key: VirtualKey): Promise<'created' | 'exists' | 'alias-taken'>;
  /** Replaces a key whose stored `rev` is `key.rev - 1`. `stale` when somebody else changed it, `absent` when it is gone. */
  replace(key: VirtualKey): Promise<'replaced' | 'stale' | 'absent' | 'alias-taken'>;
  delete(hash: string): Promise<VirtualKey | undefined>;
  findByAlias(alias: string): Promise<VirtualKey | undefined>;
  list(page: PageAsked): Promise<Page<VirtualKey>>;
}
