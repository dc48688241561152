import type { Mutant } from "./mutant.ts";

const MIND = "test/core/engine/mind.test.ts";
const NODE = "test/durable-objects/mind.test.ts";
const DISK = "test/durable-objects/prefetch-from-disk.test.ts";

/** What a partition keeps of what it learned, and what it takes back from SQLite. */
export const MIND_MUTANTS: readonly Mutant[] = [
  {
    file: "src/contract/mind.ts",
    find: "if (checksumOf(content) !== checksum) throw",
    replace: "if (checksumOf(content) === null) throw",
    why: "a damaged mind is believed",
    tests: [MIND],
  },
  {
    file: "src/core/engine/mind.ts",
    find: "if (!predictor.fits(mind.predictor) || !reuse.mixer.fits(mind.reuse))",
    replace: "if (!predictor.fits(mind.predictor))",
    why: "half of a mind of other sizes is taken in",
    tests: [MIND],
  },
  {
    file: "src/core/learning/named-shards.ts",
    find: "const ageOf = (at: number, tick: number): number => (at === 0 ? -1 : tick - at);",
    replace: "const ageOf = (at: number, _tick: number): number => (at === 0 ? -1 : at);",
    why: "times in events mean something else after loading",
    tests: [MIND],
  },
  {
    file: "src/core/prediction/suffix-templates.ts",
    find: "      if (end < nameEnd) return;\n",
    replace: "",
    why: "a user's id is stored as the end of a shard's",
    tests: [MIND],
  },
  {
    file: "src/core/prediction/row-table.ts",
    find: "return (this.#totals[row] as number) < total ? row : -1;",
    replace: "return row;",
    why: "a mind taken in late undoes what was learned since",
    tests: [MIND],
  },
  {
    file: "durable-objects/partition/partition-mind.ts",
    find: "  parts.reporting.goOnFrom(countsNow(parts.stats, parts.arm));\n",
    replace: "",
    why: "what was counted before is reported again",
    tests: [NODE],
  },
  {
    file: "durable-objects/partition/partition-mind.ts",
    find: "  parts.arm.restore(arm);\n",
    replace: "",
    why: "the experiment begins anew after every idle while",
    tests: [NODE],
  },
  {
    file: "durable-objects/partition/save-schedule.ts",
    find: "Math.min(this.#newsAt + QUIET, last + EVERY)",
    replace: "(last + EVERY)",
    why: "what was learned last is not saved before the object leaves memory",
    tests: [NODE],
  },
  {
    file: "durable-objects/partition/save-schedule.ts",
    find: "const isMost = this.#saves.length === MOST_A_MINUTE;",
    replace: "const isMost = false;",
    why: "the mind is written more often than is paid for",
    tests: [NODE],
  },
  {
    file: "durable-objects/partition/partition-node.ts",
    find: "    await this.#mind.forget(mindOf(this.#parts, this.#before, this.#disk));\n",
    replace: "",
    why: "what was to be forgotten is back after an idle while",
    tests: [NODE],
  },
  {
    file: "durable-objects/partition/partition-node.ts",
    find: "if (!this.#mind.isKept) this.#inheritance.hear(topology);",
    replace: "this.#inheritance.hear(topology);",
    why: "a partition asks its siblings each time it wakes",
    tests: [NODE],
  },
  {
    file: "durable-objects/partition/prefetcher.ts",
    find: "const isAtHand = loader.has(shard);",
    replace: "const isAtHand = false;",
    why: "what SQLite has is read from the storage",
    tests: [DISK],
  },
  {
    file: "durable-objects/partition/prefetcher.ts",
    find: 'const isPaid = !isAtHand || reason === "predicted";',
    replace: "const isPaid = true;",
    why: "what was let through for nothing costs a read",
    tests: [DISK],
  },
  {
    file: "durable-objects/partition/prefetcher.ts",
    find: "    await leaseSettled();\n",
    replace: "",
    why: "a copy from SQLite is given up while the lease is being asked for",
    tests: [DISK],
  },
];
