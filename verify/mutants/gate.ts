import type { Mutant } from "./mutant.ts";

const GATE = "test/durable-objects/prefetch-gate.test.ts";
const COORDINATOR = "test/durable-objects/coordinator.test.ts";

/** What lets prefetches through, and what carries them and counts. */
export const GATE_MUTANTS: readonly Mutant[] = [
  {
    file: "src/core/prefetch/gate.ts",
    find: "const verdict = refusal ?? (!isWorth",
    replace: "const verdict = (!isWorth",
    why: "what others propose is fetched while prefetching is paused",
    tests: [GATE],
  },
  {
    file: "src/core/prefetch/gate.ts",
    find: "      if (refusal !== null) continue;\n",
    replace: "",
    why: "what the predictor proposes is fetched for the control arm, and while paused",
    tests: [GATE],
  },
  {
    file: "src/core/prefetch/gate.ts",
    find: '(!isWorth ? "not worth the price" : hasRoom',
    replace: "(hasRoom",
    why: "what others propose pays no price",
    tests: [GATE],
  },
  {
    file: "src/core/prefetch/gate.ts",
    find: "    return handle === 0 ? !this.#deps.isVain(shard) : this.#isAway(handle, tick);",
    replace: "    return handle === 0 || this.#isAway(handle, tick);",
    why: "what does not exist is fetched when others propose it",
    tests: [GATE],
  },
  {
    file: "src/core/prefetch/prefetch-pricing.ts",
    find: "record.promised = record.promised * RECORD + probability;",
    replace: "record.promised = record.promised * RECORD;",
    why: "proposals that never come true go on being believed",
    tests: [GATE],
  },
  {
    file: "durable-objects/partition/prefetcher.ts",
    find: 'if (user !== null && isControl(user)) return "control";',
    replace: "",
    why: "the control arm gets prefetches",
    tests: [GATE],
  },
  {
    file: "durable-objects/partition/event-processor.ts",
    find: 'if (outcome === "late") stats.late++;',
    replace: "",
    why: "late reads are not counted",
    tests: [GATE],
  },
  {
    file: "src/core/experiment/control-arm.ts",
    find: "if (outcome.missed || (control && outcome.prefetched)) arm.misses++;",
    replace: "if (outcome.missed) arm.misses++;",
    why: "a prefetch made for somebody else counts for the control arm's hits",
    tests: [GATE],
  },
  {
    file: "durable-objects/coordinator/prefetch-sender.ts",
    find: "bytes + size > maxBytes",
    replace: "false",
    why: "messages and batches grow beyond what the queue takes",
    tests: [COORDINATOR],
  },
  {
    file: "durable-objects/coordinator/scanner.ts",
    find: "        this.#deps.unplan(plans);\n",
    replace: "",
    why: "a scan whose messages the queue did not take is never repeated",
    tests: [COORDINATOR],
  },
  {
    file: "durable-objects/partition/reporting.ts",
    find: "      this.#reported = countsOf((name) => this.#reported[name] - totals[name]);\n",
    replace: "",
    why: "counts of a report that could not be sent are lost",
    tests: [COORDINATOR],
  },
  {
    file: "src/core/correlation/partition-totals.ts",
    find: "addCounts(before.counts, counts)",
    replace: "counts",
    why: "what a partition counted before its memory went is forgotten",
    tests: [COORDINATOR],
  },
];
