import { describe, expect, it } from "vitest";
import type { Change } from "../../src/core/coherence/change.ts";
import { Bench } from "./bench.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A partition under a lease that holds a copy of `a`. */
async function holding(bench = new Bench()) {
  await bench.put("a", "one");
  await bench.read("a");
  await bench.pass(SECOND);
  bench.asked.length = 0;
  return bench;
}
const otherChange: Change = { shard: "other", uploaded: 5 };
const log = ({ coordinator }: Bench, ...changes: Change[]) => coordinator.announceBounded(changes).logged;
const reads = (bench: Bench) => bench.read("a");

describe("a copy", () => {
  it("needs no question for minutes while its partition has a lease", async () => {
    const bench = await holding();
    for (let i = 0; i < 56; i++) {
      await reads(bench);
      await bench.pass(5 * SECOND);
    }
    expect(bench.asked).toEqual([]);
  });

  it("is asked about when its freshness ends, for what nobody announced", async () => {
    const bench = await holding(new Bench({ freshnessSeconds: 20 }));
    await bench.put("a", "two");
    await bench.pass(18 * SECOND);
    expect((await reads(bench)).text).toBe("one");
    await bench.pass(2 * SECOND);
    expect((await reads(bench)).text).toBe("two");
  });

  it("that was fetched before anything was heard needs no second question", async () => {
    const bench = new Bench();
    bench.heartbeatTakes = 200;
    await bench.put("a", "one");
    await bench.read("a");
    await bench.pass(SECOND);
    expect((await reads(bench)).cache).toBe("Foreshard; hit");
    expect(bench.asked).toEqual(["get"]);
  });

  it("is covered after an absence as long as the log still has what was missed", async () => {
    const bench = await holding();
    await bench.pass(2 * MINUTE);
    log(bench, otherChange);
    await bench.read("other");
    await bench.pass(SECOND);
    bench.asked.length = 0;
    expect((await reads(bench)).cache).toBe("Foreshard; hit");
    expect(bench.asked).toEqual([]);
  });

  it("is checked once after an absence of which the log has forgotten a part", async () => {
    const bench = await holding();
    await bench.pass(2 * MINUTE);
    for (let i = 0; i < 3; i++) log(bench, ...Array.from({ length: 1_000 }, () => otherChange));
    await bench.pass(2 * MINUTE);
    await bench.read("other");
    await bench.pass(SECOND);
    expect((await reads(bench)).cache).toBe("Foreshard; fwd=stale");
    expect((await reads(bench)).cache).toBe("Foreshard; hit");
  });
});

describe("a piece of the log that leaves a gap", () => {
  it("is closed by a heartbeat, and what was missed goes", async () => {
    const bench = await holding();
    const meta = await bench.put("a", "two");
    log(bench, { shard: "a", etag: meta?.etag, uploaded: meta?.uploaded ?? 0 });
    await bench.pass(2 * SECOND);
    bench.partition.hear(log(bench, otherChange));
    await bench.pass(100);
    expect((await reads(bench)).text).toBe("two");
  });

  it("keeps copies from being served unasked until it is closed", async () => {
    const bench = await holding();
    bench.coordinatorAnswers = false;
    const missed = log(bench, otherChange);
    bench.partition.hear(log(bench, otherChange));
    expect((await reads(bench)).cache).toBe("Foreshard; fwd=stale");
    bench.partition.hear(missed);
    expect((await reads(bench)).cache).toBe("Foreshard; hit");
  });

  it("costs no heartbeat for what comes in order, and none for a write told without a number", async () => {
    const bench = await holding();
    let beats = 0;
    const { answer } = bench;
    bench.answer = (beat) => {
      beats++;
      return answer(beat);
    };
    for (let i = 0; i < 5; i++) bench.partition.hear(log(bench, otherChange));
    bench.partition.invalidate([otherChange]);
    await bench.pass(SECOND);
    expect(beats).toBe(0);
  });
});

describe("what a partition stored", () => {
  it("tells the coordinator after the loss of memory how far it had heard", async () => {
    const bench = await holding();
    bench.partition.hear(log(bench, otherChange));
    await bench.pass(11 * SECOND);
    await reads(bench);
    await bench.pass(SECOND);
    const asked: (number | undefined)[] = [];
    const { answer } = bench;
    bench.answer = (beat) => {
      asked.push(beat.at);
      return answer(beat);
    };
    bench.evict();
    await reads(bench);
    await bench.pass(SECOND);
    expect(asked).toEqual([log(bench, otherChange).after]);
  });

  it("of before the log was numbered counts as no lease, and keeps the rest", async () => {
    const bench = await holding();
    const memo = {
      lease: { until: bench.clock.now() + MINUTE, safeSince: 0 },
      prefetching: { scan: { promised: 3, kept: 1 } },
    };
    bench.wrapStorage = (view) => ({ ...view, kv: { get: () => memo } });
    bench.coordinatorAnswers = false;
    bench.evict();
    await bench.read("a");
    await bench.pass(100);
    expect((await bench.read("a")).cache).toBe("Foreshard; fwd=stale");
    expect(bench.partition.status().counts.faults).toBeGreaterThan(0);
  });
});

describe("a copy on disk", () => {
  it("that was fetched before anything was heard is served after the loss of memory, unasked", async () => {
    const bench = new Bench();
    bench.heartbeatTakes = 200;
    await bench.put("a", "one");
    for (let i = 0; i < 3; i++) await reads(bench);
    await bench.pass(11 * SECOND);
    bench.evict();
    bench.asked.length = 0;
    expect((await reads(bench)).cache).toBe("Foreshard; hit; detail=disk");
    expect(bench.asked).toEqual([]);
  });

  it("stays when a change is heard again that it is the outcome of", async () => {
    const bench = await holding();
    const meta = await bench.put("a", "two");
    const change = { shard: "a", etag: meta?.etag, version: meta?.version, uploaded: meta?.uploaded ?? 0 };
    const logged = log(bench, change);
    bench.partition.hear(logged);
    for (let i = 0; i < 3; i++) await reads(bench);
    await bench.pass(10 * SECOND);
    bench.partition.hear(logged);
    expect(bench.partition.explain("a").disk).toBe(true);
    bench.partition.hear(log(bench, { shard: "a", uploaded: bench.clock.now() }));
    expect(bench.partition.explain("a").disk).toBe(false);
  });
});
