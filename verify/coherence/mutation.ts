import { SingleFlight } from "../../durable-objects/partition/single-flight.ts";
import { Lease } from "../../src/core/coherence/lease.ts";

/** The part of the protocol that is taken out, to show that the checker notices. */
export const MUTATIONS = ["fence", "lease", "invalidation"] as const;
export type Mutation = (typeof MUTATIONS)[number];

/** Keeps what arrives, even if the shard changed meanwhile. */
export class UnfencedFills extends SingleFlight {
  override fence(): void {
    // Taken out.
  }
}

/** Never ends and covers everything. */
export class EndlessLease extends Lease {
  override isValid(): boolean {
    return true;
  }
  override covers(): boolean {
    return true;
  }
}
