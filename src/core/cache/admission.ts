/** What an admission did. `evicted` lists the ids that had to go, in order; their copies must be dropped first. */
export interface Admission {
  readonly admitted: boolean;
  readonly evicted: readonly string[];
}
