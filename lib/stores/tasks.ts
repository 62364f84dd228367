/** Something to be done for a key at a moment. */
export interface KeyTask {
  /** `rotate`: a new secret. `revoke`: the record of an old secret goes, its grace period is over. */
  readonly kind: 'rotate' | 'revoke';
  /** Hash of the key. */
  readonly hash: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Port: what the keeper has to do for keys, by time. A task is a reminder: the key itself says what it needs. */
export interface TaskStore {
  /** Stores a task, or moves it to another moment. */
  put(task: KeyTask): Promise<void>;
  /** Tasks whose moment has come, the oldest first. */
  due(now: number, limit: number): Promise<readonly KeyTask[]>;
  /** Forgets a task, unless it was moved meanwhile. */
  done(task: KeyTask): Promise<void>;
}
