import type { Mutant } from "./mutant.ts";

const NEIGHBOURS = "test/durable-objects/neighbours.test.ts";
const ENGINE = "test/core/engine/engine.test.ts";
const PARTS = "test/core/prediction/parts.test.ts";
const PUT_OFF = "test/core/prefetch/put-off.test.ts";

/** What context, delays and partitions' sharing of a region rest on. */
export const CHAIN_MUTANTS: readonly Mutant[] = [
  {
    file: "durable-objects/partition/event-processor.ts",
    find: "if (home !== null) outbox.event(home, event);",
    replace: "if (home !== null) outbox.flush();",
    why: "users whose home is elsewhere teach nobody",
    tests: [NEIGHBOURS],
  },
  {
    file: "durable-objects/partition/event-processor.ts",
    find: 'else outbox.prefetch(owner, { ...prefetch, reason: "neighbour" });',
    replace: "else own.push(prefetch);",
    why: "a home fetches others' shards for itself",
    tests: [NEIGHBOURS],
  },
  {
    file: "durable-objects/partition/event-processor.ts",
    find: "const home = isForwarded ? null : neighbours.homeOf(event.user);",
    replace: "const home = null;",
    why: "every owner learns from its readers as if it were their home",
    tests: [NEIGHBOURS],
  },
  {
    file: "src/core/prediction/successors.ts",
    find: "return isDistinct",
    replace: "return !isDistinct",
    why: "the kind of an event counts where it tells nothing, and nowhere else",
    tests: [ENGINE],
  },
  {
    file: "src/core/prediction/row-table.ts",
    find: "seen > known ? 1 : Math.floor(",
    replace: "seen > known ? 1 : 0 * Math.floor(",
    why: "a delay never falls to one that is shorter",
    tests: [PARTS],
  },
  {
    file: "src/core/prefetch/gate.ts",
    find: "const p = far > 0 ? predictor.direct(i) :",
    replace: "const p =",
    why: "what is far off is judged by the horizon, and so never fetched",
    tests: [PUT_OFF],
  },
  {
    file: "src/core/prefetch/gate.ts",
    find: "    this.failed(handle);\n    this.#postponed",
    replace: "    this.#postponed",
    why: "what was put off counts as under way until then",
    tests: [PUT_OFF],
  },
];
