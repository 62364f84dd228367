/** What a run that links old records did. */
export interface CatchUp {
  /** Records that had no links and have them now. */
  readonly linked: number;
  /** True once every record is linked: listings by owner need no look at the others any more. */
  readonly complete: boolean;
}

/**
 * Port: links from owners to their records, by which `listOf` finds them. Every write of a record keeps its links; records that were stored
 * before there were links get theirs here, bit by bit, and until all have them `listOf` looks at every record.
 */
export interface LinkStore {
  /**
   * Looks at the next `limit` records, if it is time to. Several callers at once do each other no harm.
   *
   * @param now milliseconds since the epoch
   */
  catchUp(now: number, limit: number): Promise<CatchUp>;
}
