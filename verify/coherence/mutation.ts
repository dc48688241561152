import { ChangeLog } from "../../durable-objects/coordinator/change-log.ts";
import { DiskTier } from "../../durable-objects/partition/disk-tier.ts";
import { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { SingleFlight } from "../../durable-objects/partition/single-flight.ts";
import { Lease } from "../../src/core/coherence/lease.ts";
import { LogPosition } from "../../src/core/coherence/log-position.ts";
import { ReferenceStore } from "./reference-store.ts";

/** How each part of the protocol is taken out of the production classes; each gives back what puts it in again. */
const TAKE_OUT = {
  /** What arrives is kept, even if its shard changed meanwhile. */
  fence: () => replace(SingleFlight.prototype, "fence", () => undefined),
  /** It never ends, and covers everything. */
  lease: () => {
    const isValid = replace(Lease.prototype, "isValid", () => true);
    const covers = replace(Lease.prototype, "covers", () => true);
    return () => {
      isValid();
      covers();
    };
  },
  /** A partition that is told of changes keeps its copies. */
  invalidation: () => {
    const invalidate = replace(PartitionNode.prototype, "invalidate", () => ({}));
    const hear = replace(PartitionNode.prototype, "hear", () => undefined);
    return () => {
      invalidate();
      hear();
    };
  },
  /** A partition takes whatever it hears for all there is, though a number is missing before it. */
  gap: () =>
    replace(LogPosition.prototype, "hear", function (this: LogPosition, { upTo }) {
      this.resume({ after: this.at ?? upTo, upTo });
    }),
  /** The same bytes written again cannot be told apart from those of before. */
  "version check": () => replace(ReferenceStore.prototype, "nameOf", ({ content }) => `content-${content}`),
  /** The log lists nothing, and says that nothing is missing. */
  "log coverage": () => {
    const { since } = ChangeLog.prototype;
    return replace(ChangeLog.prototype, "since", function (this: ChangeLog, at, now) {
      const { after, upTo } = since.call(this, at, now);
      return { after: at ?? after, upTo, changes: [] };
    });
  },
  /** Copies on disk stay there whatever is announced. */
  "disk invalidation": () => replace(DiskTier.prototype, "remove", () => false),
} as const satisfies Readonly<Record<string, () => () => void>>;

export type Mutation = keyof typeof TAKE_OUT;

/** The parts of the protocol that can be taken out, to show that the checker notices. */
export const MUTATIONS: readonly Mutation[] = [
  "fence",
  "lease",
  "invalidation",
  "gap",
  "version check",
  "log coverage",
  "disk invalidation",
];

/** Takes a part out of the production code for the time being; returns what puts it in again. */
export const takeOut = (mutation: Mutation | undefined): (() => void) =>
  mutation === undefined ? () => undefined : TAKE_OUT[mutation]();

/** Replaces a method for the time being; returns what puts it back. */
export function replace<Target, Name extends keyof Target>(
  target: Target,
  name: Name,
  by: Target[Name],
): () => void {
  const original = target[name];
  target[name] = by;
  return () => {
    target[name] = original;
  };
}
