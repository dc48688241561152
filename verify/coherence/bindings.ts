import type { CoordinatorNode } from "../../durable-objects/coordinator/coordinator-node.ts";
import type { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import type { Bindings } from "../../src/bindings.ts";
import type { ChangeMessage, DeadLetter, PlannedPrefetch, Report } from "../../src/contract/messages.ts";
import type { Change, LoggedChanges } from "../../src/core/coherence/change.ts";
import type { PrefetchReason } from "../../src/core/prefetch/prefetch.ts";

/** What bindings lead to. */
export interface BindingTargets {
  /** Calls a partition by name, over the network. */
  readonly callPartition: <T>(name: string, work: (node: PartitionNode) => T | Promise<T>) => Promise<T>;
  readonly callCoordinator: <T>(work: (node: CoordinatorNode) => T | Promise<T>) => Promise<T>;
  /** Hears of messages that a consumer could not read. */
  readonly noteDeadLetters: (letters: readonly DeadLetter[]) => void;
  /** Hears of changes when the coordinator has logged them. */
  readonly noteLogged: (changes: readonly Change[]) => void;
  readonly sendChange: (message: ChangeMessage) => Promise<void>;
}

/** The bindings as the edge and the queue consumers use them, leading to the nodes of a simulation. */
export function simulatedBindings({
  callPartition,
  callCoordinator,
  sendChange,
  noteDeadLetters,
  noteLogged,
}: BindingTargets): Bindings {
  const partition = (name: string) => ({
    fetch: (request: Request) => callPartition(name, (node) => node.fetch(request)),
    invalidate: (changes: readonly Change[], known?: string) =>
      callPartition(name, (node) => node.invalidate(structuredClone(changes), known)),
    hear: (logged: LoggedChanges) => callPartition(name, (node) => node.hear(structuredClone(logged))),
    prefetch: (proposals: readonly PlannedPrefetch[], reason: PrefetchReason) =>
      callPartition(name, (node) => node.prefetch(structuredClone(proposals), reason)),
  });
  const coordinator = {
    announceStrong: (changes: readonly Change[]) =>
      callCoordinator((node) => node.announceStrong(structuredClone(changes))),
    announceBounded: (changes: readonly Change[]) =>
      callCoordinator((node) => {
        const announcement = node.announceBounded(structuredClone(changes));
        noteLogged(changes);
        return announcement;
      }),
    applyReports: (reports: readonly Report[]) => callCoordinator((node) => node.applyReports(reports)),
    recordDeadLetters: (letters: readonly DeadLetter[]) => {
      noteDeadLetters(letters);
      return callCoordinator((node) => node.recordDeadLetters(letters));
    },
  };
  // What else there is in the bindings nobody here uses.
  return {
    COORDINATOR: { getByName: () => coordinator },
    PARTITION: { idFromName: (name: string) => name, get: partition, getByName: partition },
    CHANGES: { send: sendChange },
  } as unknown as Bindings;
}
