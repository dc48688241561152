import type { Read } from "./history.ts";
import type { RunResult } from "./run.ts";

/** What several runs came to together. */
export class Summary {
  operations = 0;
  reads = 0;
  /** Reads answered from a copy, without asking the storage. */
  hits = 0;
  writes = 0;
  acknowledged = 0;
  violations = 0;
  lasted = 0;
  delivered = 0;
  duplicates = 0;
  instances = 0;
  deadLetters = 0;
  readonly readsByStatus = new Map<string, number>();
  readonly faults = new Map<string, number>();

  add({ history, violations, lasted, messages, instances, deadLetters }: RunResult): void {
    this.operations += history.operations.length;
    this.violations += violations.length;
    this.lasted += lasted;
    this.delivered += messages.delivered;
    this.duplicates += messages.duplicates;
    this.instances += instances;
    this.deadLetters += deadLetters;
    for (const operation of history.operations) {
      if (operation.kind === "read") this.#addRead(operation);
      else {
        this.writes++;
        if (operation.acknowledged) this.acknowledged++;
      }
    }
    for (const { kind } of history.faults) count(this.faults, kind);
  }

  get hitShare(): number {
    return this.reads === 0 ? 0 : this.hits / this.reads;
  }

  #addRead({ answer, cacheStatus }: Read): void {
    this.reads++;
    if (cacheStatus.startsWith("Foreshard; hit")) this.hits++;
    count(
      this.readsByStatus,
      answer.status === "failed" ? `failed: ${answer.why}` : cacheStatus.replace("Foreshard; ", ""),
    );
  }
}

/** A summary as lines for people. */
export function summaryOf(summary: Summary): string {
  const { operations, reads, writes, acknowledged, lasted, violations } = summary;
  const hours = (lasted / 3_600_000).toFixed(1);
  return [
    `${number(operations)} operations in ${hours} h of virtual time: ${number(reads)} reads, ${number(writes)} writes (${number(acknowledged)} acknowledged)`,
    "reads by Cache-Status",
    ...table(summary.readsByStatus, reads),
    "faults injected",
    ...table(summary.faults),
    `  ${String(summary.duplicates).padStart(7)}          message delivered twice`,
    `${number(summary.delivered)} messages delivered, ${number(summary.instances)} instances of partitions`,
    `violations: ${violations}`,
  ].join("\n");
}

const number = (value: number): string => value.toLocaleString("en");

const table = (counts: ReadonlyMap<string, number>, total?: number): readonly string[] =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, value]) => {
      const share = total === undefined ? "" : `${((100 * value) / total).toFixed(1)} %`;
      return `  ${String(value).padStart(7)} ${share.padStart(7)}  ${name}`;
    });

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
