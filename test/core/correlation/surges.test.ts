import { describe, expect, it } from "vitest";
import type { EventRate } from "../../../src/core/correlation/event-rates.ts";
import { SharedModel } from "../../../src/core/correlation/shared-model.ts";
import { surgeCells } from "../../../src/core/correlation/surges.ts";
import { SeededRandom } from "../../../src/core/random.ts";
import { read, reportOf, START } from "../reports.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A series that surged at these times. */
const series = (region: string, type: string, times: readonly number[]): EventRate => ({
  region,
  type,
  perSecond: 0,
  perSecondInAnHour: null,
  changedSince: null,
  onsets: times.map((time) => ({ time, events: 30 })),
});

describe("the matrix between surges", () => {
  const times = [0, 2 * HOUR, 5 * HOUR];
  const now = 8 * HOUR;

  it("has a cell for what followed three of three after the same time, in the same region and another", () => {
    const after = times.map((time) => time + 10 * MINUTE);
    const cells = surgeCells(
      [series("weur", "A", times), series("weur", "B", after), series("oc", "B", after)],
      now,
      now,
    );
    expect(
      cells.map((cell) => `${cell.type} ${cell.region} > ${cell.next} ${cell.nextRegion}`).sort(),
    ).toEqual(["A weur > B oc", "A weur > B weur"]);
    expect(cells[0]).toMatchObject({
      surges: 3,
      followed: 3,
      probability: 0.75,
      delay: 10 * MINUTE,
      events: 30,
    });
  });

  it("has none for two of two, nor for what follows at any time", () => {
    const two = times.slice(1);
    const cellsOf = (a: readonly number[], b: readonly number[]) =>
      surgeCells([series("weur", "A", a), series("oc", "B", b)], now, now);
    expect(
      cellsOf(
        two,
        two.map((time) => time + 10 * MINUTE),
      ),
    ).toEqual([]);
    expect(cellsOf(times, [5 * MINUTE, 2 * HOUR + 12 * MINUTE, 5 * HOUR + 25 * MINUTE])).toEqual([]);
  });

  it("counts those that were not followed", () => {
    const often = [...times, 9 * HOUR, 11 * HOUR];
    const after = [0, 2 * HOUR, 5 * HOUR, 11 * HOUR].map((time) => time + 10 * MINUTE);
    const [cell] = surgeCells([series("weur", "A", often), series("oc", "B", after)], 20 * HOUR, 20 * HOUR);
    expect(cell).toMatchObject({ surges: 5, followed: 4 });
    expect(cell?.probability).toBeCloseTo(4 / 6, 9);
  });

  it("hardly ever believes in chance, though each of forty series is tried with each", () => {
    const random = new SeededRandom(5);
    let wrong = 0;
    for (let round = 0; round < 30; round++) {
      const rates = Array.from({ length: 40 }, (_, i) =>
        series(
          "weur",
          `t${i}`,
          Array.from({ length: 8 }, () => random.below(2 * DAY)).sort((a, b) => a - b),
        ),
      );
      wrong += surgeCells(rates, 2 * DAY, 2 * DAY + HOUR).length;
    }
    expect(wrong / 30).toBeLessThan(0.5); // Of 1,560 pairs.
  });
});

describe("a surge that announces another", () => {
  const target = (region: string): string => `g1:${region}:0`;
  const partitions = [
    { name: "g1:weur:0", region: "weur", cold: false },
    { name: "g1:oc:0", region: "oc", cold: false },
  ];
  /** A minute of 60 reads by events of a type, reported every ten seconds. */
  const surge = (model: SharedModel, region: string, type: string, from: number): void => {
    for (let time = from + 10_000; time <= from + 60_000; time += 10_000)
      model.merge(
        region,
        reportOf(
          Array.from({ length: 10 }, (_, i) =>
            read(`u${time}-${i}`, `${type}/${i % 4}`, time - 9_000 + i * 100, { type }),
          ),
        ),
        time,
      );
  };
  const taught = (without: readonly "surges"[] = []): { model: SharedModel; at: number } => {
    const model = new SharedModel({}, without);
    for (const hour of [1, 3, 4]) {
      surge(model, "weur", "A", START + hour * HOUR);
      surge(model, "oc", "B", START + hour * HOUR + 10 * MINUTE);
    }
    surge(model, "weur", "A", START + 7 * HOUR);
    return { model, at: START + 7 * HOUR + 80_000 };
  };

  it("is planned for where it is expected, a little before, and says why", () => {
    const { model, at } = taught();
    const plans = model.planScan(at, partitions, target);
    expect(plans.map(({ partition }) => partition)).toEqual(["g1:oc:0"]);
    const prefetches = plans[0]?.prefetches ?? [];
    expect(prefetches.map(({ shard }) => shard).sort()).toEqual(["B/0", "B/1", "B/2", "B/3"]);
    for (const { probability, arrival, expires, cause } of prefetches) {
      expect(probability).toBeGreaterThan(0.7);
      expect(probability).toBeLessThanOrEqual(0.75);
      expect(arrival).toBeGreaterThan(START + 7 * HOUR + 8 * MINUTE);
      expect(arrival).toBeLessThan(START + 7 * HOUR + 10 * MINUTE);
      expect(expires).toBeGreaterThan(START + 7 * HOUR + 12 * MINUTE);
      expect(cause).toBe("A surged in weur; B follows in oc after 10 min");
    }
    expect(model.planScan(at + MINUTE, partitions, target)).toEqual([]); // Planned already.
  });

  it("is not planned with the matrix off, nor when its time has passed", () => {
    const off = taught(["surges"]);
    expect(off.model.planScan(off.at, partitions, target)).toEqual([]);
    const { model, at } = taught();
    expect(model.planScan(at + 30 * MINUTE, partitions, target)).toEqual([]);
  });

  it("goes to the partition that will hold the copy", () => {
    const { model, at } = taught();
    const bySlot = (region: string, shard: string) => `g1:${region}:${shard.at(-1)}`;
    const plans = model.planScan(at, partitions, bySlot);
    expect(plans.map(({ partition }) => partition).sort()).toEqual(
      ["0", "1", "2", "3"].map((n) => `g1:oc:${n}`),
    );
  });
});

describe("the usual hour", () => {
  it("is planned for ahead, when two weeks brought it", () => {
    const model = new SharedModel();
    const nine = START + 9 * HOUR;
    for (const week of [0, 1])
      for (let part = 0; part < 6; part++) {
        const time = nine + week * 7 * DAY + part * 10 * MINUTE + 1_000;
        model.merge(
          "weur",
          reportOf(
            Array.from({ length: 5 }, (_, i) => read(`u${part}-${i}`, "news", time - 500, { type: "open" })),
          ),
          time,
        );
      }
    const partition = [{ name: "g1:weur:0", region: "weur", cold: false }];
    const target = (region: string): string => `g1:${region}:0`;
    const early = nine + 14 * DAY - 30 * MINUTE;
    expect(model.planScan(early, partition, target)).toEqual([]);
    const [plan] = model.planScan(early + 20 * MINUTE, partition, target);
    expect(plan?.prefetches).toEqual([
      {
        shard: "news",
        probability: expect.closeTo(1, 1),
        arrival: nine + 14 * DAY,
        expires: nine + 14 * DAY + 20 * MINUTE,
        cause: "the usual hour of open",
      },
    ]);
  });
});
