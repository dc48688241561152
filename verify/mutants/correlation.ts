import type { Mutant } from "./mutant.ts";

const MODEL = "test/core/correlation/shared-model.test.ts";
const CHANGE = "test/core/correlation/change.test.ts";
const SURGES = "test/core/correlation/surges.test.ts";
const DELTAS = "test/core/correlation/deltas-and-scans.test.ts";
const REPORTER = "test/core/reporting/reporter.test.ts";
const COORDINATOR = "test/durable-objects/coordinator-node.test.ts";
const GATE = "test/durable-objects/prefetch-gate.test.ts";

/** What the coordinator learns from reports, and plans from it. */
export const CORRELATION_MUTANTS: readonly Mutant[] = [
  {
    file: "src/core/reporting/reporter.ts",
    find: "      shardWaits = shards[at]?.key !== shard.key;\n",
    replace: "",
    why: "a follower counts again for an occurrence that has had it",
    tests: [REPORTER],
  },
  {
    file: "src/core/reporting/user-context.ts",
    find: "this.#size = 0;\n  }",
    replace: "this.#size = HORIZON;\n  }",
    why: "a pause does not end a visit",
    tests: [REPORTER],
  },
  {
    file: "src/core/correlation/edge-table.ts",
    find: "const sure = (this.#count[slot] as number) - (this.#error[slot] as number);\n    const count",
    replace: "const sure = this.#count[slot] as number;\n    const count",
    why: "what a newcomer inherits is taken for evidence",
    tests: [MODEL],
  },
  {
    file: "src/core/correlation/event-rates.ts",
    find: "if (!rises || ",
    replace: "if (",
    why: "the end of a surge is taken for another",
    tests: [CHANGE],
  },
  {
    file: "src/core/correlation/surges.ts",
    find: "byChance <= (FALSE_DISCOVERIES * (i + 1)) / tried",
    replace: "byChance <= 0.05",
    why: "among many pairs some are believed by chance",
    tests: [SURGES],
  },
  {
    file: "src/core/correlation/expectations.ts",
    find: "      from: at - cell.tolerance,\n",
    replace: "      from: at + cell.tolerance,\n",
    why: "what a surge announces is fetched after it has begun",
    tests: [SURGES],
  },
  {
    file: "src/core/correlation/map-versions.ts",
    find: "demandFor(shard) + UNKNOWN_WORTH * seen",
    replace: "seen",
    why: "every region is told the same rows, wanted there or not",
    tests: [DELTAS],
  },
  {
    file: "durable-objects/coordinator/coordinator-node.ts",
    find: "    this.#scan(this.#membership.entries());\n",
    replace: "    this.#scan(this.#activeMembers(this.#now()));\n",
    why: "a region silent for long is not planned for",
    tests: [COORDINATOR],
  },
  {
    file: "src/core/prefetch/gate.ts",
    find: "      ...(cause !== undefined && { cause }),\n",
    replace: "",
    why: "nobody can see why a scan planned a prefetch",
    tests: [GATE],
  },
];
