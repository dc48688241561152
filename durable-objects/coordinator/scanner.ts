import { queueDelay, toPlanned } from "../../src/contract/messages.ts";
import type { PartitionPlan, ScannedPartition } from "../../src/core/correlation/scan-plan.ts";
import { SECOND } from "../../src/core/units.ts";
import { messagesFor, type QueuedPrefetch } from "./prefetch-sender.ts";

/** How much before its arrival a planned prefetch should be delivered. */
const SCAN_LEAD = 30 * SECOND;
/** Scans remembered for the admin API. */
const MAX_SCANS = 50;

/** What a {@link Scanner} works with. */
export interface ScannerDeps {
  readonly plan: (now: number, partitions: readonly ScannedPartition[]) => readonly PartitionPlan[];
  /** Plans that were not sent: the next scan may plan the same again. */
  readonly unplan: (plans: readonly PartitionPlan[]) => void;
  readonly send: (messages: readonly QueuedPrefetch[]) => Promise<unknown>;
}

/** A partition to scan for. */
export interface ScannedMember {
  readonly name: string;
  readonly region: string;
}

/** Scans what is learned, and sends what partitions cannot know by themselves, delayed to arrive in time. */
export class Scanner {
  readonly #deps: ScannerDeps;
  readonly #incarnations = new Map<string, number>();
  readonly #cold = new Set<string>();
  readonly #scans: { readonly at: number; readonly planned: number }[] = [];
  #scannedAt = 0;

  constructor(deps: ScannerDeps) {
    this.#deps = deps;
  }

  /** When the last scan was, ms since the epoch. */
  get scannedAt(): number {
    return this.#scannedAt;
  }

  /** The last scans, and how many messages each sent. */
  get scans(): readonly { readonly at: number; readonly planned: number }[] {
    return this.#scans;
  }

  /** A partition was heard of; true when its memory is new: it wants back what its region wants. */
  heard(partition: string, incarnation: number): boolean {
    if (this.#incarnations.get(partition) === incarnation) return false;
    this.#incarnations.set(partition, incarnation);
    this.#cold.add(partition);
    return true;
  }

  /** Plans for these partitions, and sends it. */
  scan(members: readonly ScannedMember[], now: number): void {
    this.#scannedAt = now;
    const partitions = members.map((one) => ({ ...one, cold: this.#cold.has(one.name) }));
    const plans = this.#deps.plan(now, partitions);
    const messages = plans.flatMap(({ partition, prefetches }) => {
      const first = Math.min(...prefetches.map(({ arrival }) => arrival));
      const delaySeconds = queueDelay(first, now, SCAN_LEAD);
      return messagesFor(partition, "scan", prefetches.map(toPlanned), delaySeconds);
    });
    this.#scans.push({ at: now, planned: messages.length });
    if (this.#scans.length > MAX_SCANS) this.#scans.shift();
    this.#deps.send(messages).then(
      () => {
        for (const { name } of partitions) this.#cold.delete(name);
      },
      () => {
        this.#deps.unplan(plans);
        console.error(
          "coordinator: the queue did not take a scan's prefetches; the next scan plans them again",
        );
      },
    );
  }
}
