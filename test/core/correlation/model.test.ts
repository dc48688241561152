import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CorrelationModel } from "../../../src/core/correlation/model.ts";
import type { EventReport } from "../../../src/core/correlation/report.ts";
import { Reliability } from "../../../src/core/prediction/reliability.ts";
import { epochMillis, MINUTE } from "../../../src/core/units.ts";

const START = epochMillis(1_700_000_000_000);
const at = (seconds: number) => epochMillis(START + seconds * 1_000);

const reportOf = (
  partition: string,
  sequence: number,
  seconds: number,
  pairs: readonly (readonly [string, string])[],
): EventReport => ({
  partition,
  region: partition.slice(0, 4),
  sequence,
  from: at(seconds - 5),
  until: at(seconds),
  types: [{ name: "read", count: pairs.length * 2 }],
  typePairs: [{ from: "read", to: "read", count: pairs.length, delays: [[8, pairs.length]] }],
  typeShards: pairs.map(([, to]) => ({ from: "read", to, count: 1, delays: [[8, 1]] })),
  shards: pairs.map(([from, to]) => ({ from, to, count: 1, delays: [[8, 1]] })),
  steps: pairs.map(([from]) => ({ name: from, count: 1 })),
  demand: pairs.map(([, to]) => ({ shard: to, reads: 1, misses: 1 })),
  hits: 1,
  misses: pairs.length,
  late: 0,
  prefetches: 0,
  prefetchesUsed: 0,
  reliability: new Reliability().toState(),
  changed: false,
  dropped: 0,
});

const names = fc.constantFrom("a", "b", "c", "d", "e");
const reports = fc
  .array(
    fc.tuple(
      fc.constantFrom("weur:0", "enam:0"),
      fc.integer({ min: 0, max: 50 }),
      fc.array(fc.tuple(names, names), { maxLength: 6 }),
    ),
    {
      maxLength: 12,
    },
  )
  .map((list) => list.map(([partition, seconds, pairs], i) => reportOf(partition, i + 1, seconds, pairs)));

/** What the model says, numbers rounded: the order of additions moves their last bits. */
const said = (model: CorrelationModel): string => {
  model.advance(at(600));
  const now = at(700);
  const all = {
    map: model.map(now),
    matrix: model.matrix(now),
    slice: model.slice(now, 100).rows,
    demand: model.demand("weur", now, 9),
    rate: model.expected("read", now, MINUTE),
  };
  return JSON.stringify(all, (_, value) =>
    typeof value === "number" ? Number(value.toPrecision(8)) : value,
  );
};

describe("CorrelationModel", () => {
  it("is the same whatever the order of the reports, and however often each is delivered", () => {
    fc.assert(
      fc.property(
        reports.chain((list) =>
          fc.tuple(
            fc.constant(list),
            fc.shuffledSubarray([...list, ...list], {
              minLength: list.length * 2,
              maxLength: list.length * 2,
            }),
          ),
        ),
        ([once, again]) => {
          const first = new CorrelationModel();
          for (const report of once) expect(first.apply(report)).toBe(true);
          const second = new CorrelationModel();
          for (const report of again) second.apply(report);
          expect(said(second)).toBe(said(first));
        },
      ),
    );
  });

  it("is the same after a restart", () => {
    fc.assert(
      fc.property(reports, (list) => {
        const model = new CorrelationModel();
        for (const report of list) model.apply(report);
        const restored = CorrelationModel.fromState(structuredClone(model.toState()));
        expect(restored.toState()).toEqual(model.toState());
        for (const report of list) expect(restored.apply(report)).toBe(false);
        expect(said(restored)).toBe(said(model));
      }),
    );
  });

  it("maps event types to the shards that follow, with probabilities and delays", () => {
    const model = new CorrelationModel();
    for (let i = 1; i <= 30; i++) model.apply(reportOf("weur:0", i, i, [["a", "b"]]));
    const entry = model.map(at(31)).read?.b;
    expect(entry?.probability).toBeGreaterThan(0.3);
    expect(entry?.probability).toBeLessThanOrEqual(1);
    expect(entry?.expectedDelay).toBeGreaterThan(64);
    expect(entry?.expectedDelay).toBeLessThan(256);
  });

  it("tells each region's demand apart", () => {
    const model = new CorrelationModel();
    model.apply(reportOf("weur:0", 1, 1, [["a", "b"]]));
    model.apply(reportOf("enam:0", 1, 1, [["a", "c"]]));
    expect(model.demand("weur", at(1), 5).map(({ shard }) => shard)).toEqual(["b"]);
    expect(model.demand("enam", at(1), 5).map(({ shard }) => shard)).toEqual(["c"]);
  });

  it("hands out what it knows, so that others can use it", () => {
    const model = new CorrelationModel();
    for (let i = 1; i <= 10; i++) model.apply(reportOf("weur:0", i, i, [["a", "b"]]));
    const { rows } = model.slice(at(10), 10);
    expect(rows.find((row) => row.from === "a")?.to[0]?.shard).toBe("b");
  });

  it("stays bounded, keeping what weighs most", () => {
    const model = new CorrelationModel({ shards: 20, successors: 3, types: 4, shardsPerType: 10 });
    for (let i = 1; i <= 400; i++)
      model.apply(
        reportOf("weur:0", i, i, [
          [`s${i}`, `t${i}`],
          ["a", "b"],
        ]),
      );
    const state = model.toState();
    expect(state.shards.length).toBeLessThanOrEqual(30);
    expect(state.demand.length).toBeLessThanOrEqual(30);
    expect(state.shards.map(({ from }) => from)).toContain("a");
  });

  it("forgets: probabilities of what no longer happens decay to nothing", () => {
    const model = new CorrelationModel();
    for (let i = 1; i <= 10; i++) model.apply(reportOf("weur:0", i, i, [["a", "b"]]));
    const later = epochMillis(START + 200 * 86_400_000);
    expect(model.slice(later, 10).rows[0]?.count).toBeLessThan(1e-6);
    expect(model.map(later)).toEqual({});
  });
});
