import type { Entity } from '../domain/entity.ts';
import type { Page, PageAsked } from './keys.ts';

/** Port: records of one kind, by id. Listing is for management; `get` is on the path of a request and cached by its caller. */
export interface EntityStore<T extends Entity> {
  /** `fresh` sees every write that was answered, at twice the price: for management, which reads what it has just written. */
  get(id: string, options?: { readonly fresh?: boolean }): Promise<T | undefined>;
  /** Stores a new record. */
  create(record: T): Promise<'created' | 'exists'>;
  /** Replaces a record whose stored `rev` is `record.rev - 1`. `stale` when somebody else changed it, `absent` when it is gone. */
  replace(record: T): Promise<'replaced' | 'stale' | 'absent'>;
  /** The record that was there. */
  delete(id: string): Promise<T | undefined>;
  /** Newest first. */
  list(page: PageAsked): Promise<Page<T>>;
}
