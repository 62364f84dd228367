/** One side of a call as it was kept. */
export interface KeptBody {
  readonly contentType?: string;
  /** Its whole size, bytes. */
  readonly bytes: number;
  /** JSON as it is, other text as text; absent for what is no text. */
  readonly json?: unknown;
  readonly text?: string;
  /** Only its beginning was kept. */
  readonly cut?: true;
  /** Content was taken out of it. */
  readonly redacted?: true;
}

/** What was asked and answered in a call. */
export interface BodyRecord {
  /** The call id. */
  readonly id: string;
  /** Arrival of the call, milliseconds since the epoch. */
  readonly at: number;
  readonly keyHash: string;
  readonly request: KeptBody;
  readonly response: KeptBody;
}

/** Port: requests and answers of calls, for those who asked for them to be kept. They go by themselves after a time. */
export interface BodyStore {
  put(record: BodyRecord): Promise<void>;
  /** By call id and arrival. */
  get(id: string, at: number): Promise<BodyRecord | undefined>;
}
