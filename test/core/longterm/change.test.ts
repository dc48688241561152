import { describe, expect, it } from "vitest";
import { LongTermModel } from "../../../src/core/longterm/long-term-model.ts";
import { noCounts } from "../../../src/core/reporting/read-counts.ts";
import { Reporter } from "../../../src/core/reporting/reporter.ts";
import { read, SMALL, START, sequence } from "../reports.ts";

const DAY = 86_400_000;

/** Feeds a sequence again and again, event by event, with reports as a partition sends them. */
class Stream {
  readonly model = new LongTermModel();
  readonly #reporter = new Reporter();
  readonly #gap: number;
  time = START;
  #reportedAt = START;
  #visit = 0;

  constructor(gap: number) {
    this.#gap = gap;
  }

  /** `visits` users in turn read these shards; `each` is asked after every event and may end it. */
  visits(visits: number, shards: readonly string[], each: () => boolean = () => false): void {
    for (let i = 0; i < visits; i++, this.#visit++)
      for (const shard of shards) {
        this.time += this.#gap;
        this.#reporter.observe(read(`u${this.#visit}`, shard, this.time));
        if (this.time - this.#reportedAt >= 5_000) this.report();
        if (each()) return;
      }
  }

  report(): void {
    const body = this.#reporter.take(noCounts());
    this.#reportedAt = this.time;
    if (body !== null) this.model.merge("weur", body, this.time);
  }
}

const likeliest = (model: LongTermModel, key: string, now: number): string | undefined => {
  model.changes(now);
  return model.successors(key, now)[0]?.to;
};

describe("a popular sequence that switches", () => {
  // From ten events a second to one a minute: it must not depend on any clock's time constant.
  it.each([100, 1_000, 10_000])("is noticed and followed within 200 events, one each %d ms", (gap) => {
    const stream = new Stream(gap);
    stream.visits(3_000, ["start", "old"]);
    stream.report();
    expect(stream.model.changes(stream.time)).toEqual([]);
    expect(likeliest(stream.model, "s:start", stream.time)).toBe("s:old");
    let events = 0;
    let noticed = 0;
    let followed = 0;
    stream.visits(100, ["start", "new"], () => {
      events++;
      const keys = stream.model.changes(stream.time).map(({ key }) => key);
      if (noticed === 0 && keys.includes("s:start")) noticed = events;
      if (followed === 0 && likeliest(stream.model, "s:start", stream.time) === "s:new") followed = events;
      return false;
    });
    expect(events).toBe(200);
    expect(noticed).toBeGreaterThan(0);
    expect(followed).toBeGreaterThan(0);
    const slice = stream.model.deltaSince(0, stream.time);
    expect(new Map(slice?.entries).get("s:start")?.[0]?.[0]).toBe("new");
  });

  it("is still followed after a quiet night", () => {
    const stream = new Stream(1_000);
    stream.visits(3_000, ["start", "old"]);
    stream.visits(100, ["start", "new"]);
    stream.report();
    expect(likeliest(stream.model, "s:start", stream.time + DAY / 2)).toBe("s:new");
  });

  it("is not imagined in a steady mixture", () => {
    const stream = new Stream(1_000);
    let seed = 7;
    let wrong = 0;
    for (let i = 0; i < 1_500; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      stream.visits(1, ["start", seed / 2_147_483_648 < 0.6 ? "old" : "new"]);
      if (i > 200 && stream.model.changes(stream.time).length > 0) wrong++;
    }
    expect(wrong / 1_300).toBeLessThan(0.02);
  });
});

describe("the rate of an event type", () => {
  const minutes = (model: LongTermModel, from: number, count: number, perReport: number): number => {
    for (let t = from; t < from + count * 60_000; t += 5_000)
      model.merge("weur", sequence(["a", "b"], perReport, t, { type: "login" }), t);
    return from + count * 60_000;
  };

  it("is estimated, and its jump is noticed and becomes usual", () => {
    const model = new LongTermModel(SMALL);
    let now = minutes(model, START, 20, 3);
    const [steady] = model.rates(now);
    expect(steady?.perSecond).toBeGreaterThan(0.8);
    expect(steady?.perSecond).toBeLessThan(1.6);
    expect(steady?.changed).toBe(false);
    now = minutes(model, now, 1 / 3, 120);
    expect(model.rates(now + 15_000)[0]?.changed).toBe(true);
    expect(model.changes(now + 15_000)).toContainEqual(
      expect.objectContaining({ key: "e:login", kind: "rate" }),
    );
    now = minutes(model, now, 1, 120);
    expect(model.rates(now)[0]?.perSecond).toBeGreaterThan(35); // Followed at once, not smoothed.
    now = minutes(model, now, 15, 120);
    const [after] = model.rates(now);
    expect(after?.changed).toBe(false);
    expect(after?.perSecond).toBeGreaterThan(35);
    expect(model.changes(now, now)).toEqual([]);
  });

  it("is forecast by the season: the hour to come was busy last week", () => {
    const model = new LongTermModel(SMALL);
    for (let week = 0; week < 3; week++)
      for (let hour = 0; hour < 48; hour++) {
        const from = START + week * 7 * DAY + hour * 3_600_000;
        if (week < 2 || hour < 9)
          for (let part = 0; part < 12; part++)
            model.merge(
              "weur",
              sequence(["a", "b"], hour === 9 ? 40 : 2, from + part * 300_000 + 100_000, { type: "login" }),
              from + part * 300_000 + 100_000,
            );
      }
    const eight = START + 14 * DAY + 8 * 3_600_000 + 3_500_000;
    const [rate] = model.rates(eight);
    expect(rate?.perSecondInAnHour).toBeGreaterThan(3 * (rate?.perSecond ?? 1));
  });
});

describe("the correlation matrix", () => {
  it("shows what follows, how strongly, and whether that is more than chance", () => {
    const model = new LongTermModel();
    for (let i = 0; i < 20; i++) {
      const time = START + i * 10_000;
      const reporter = new Reporter();
      for (let user = 0; user < 6; user++) {
        reporter.observe({ type: "login", user: `a${user}`, time, missed: null });
        reporter.observe({ type: "profile", user: `a${user}`, time: time + 400, missed: null });
        const [first, second] = user % 2 === 0 ? ["search", "save"] : ["save", "search"];
        reporter.observe({ type: first as string, user: `b${i}-${user}`, time, missed: null });
        reporter.observe({ type: second as string, user: `b${i}-${user}`, time: time + 400, missed: null });
      }
      const body = reporter.take(noCounts());
      if (body !== null) model.merge("weur", body, time + 1_000);
    }
    const cells = model.correlations(START + 200_000);
    const login = cells.find(({ type, next }) => type === "login" && next === "profile");
    expect(login?.coefficient).toBeGreaterThan(0.5);
    expect(login?.lift).toBeGreaterThan(2);
    expect(login?.significant).toBe(true);
    expect(login?.rateCoefficient).toBeGreaterThan(0.9);
    const backwards = cells.find(({ type, next }) => type === "profile" && next === "save");
    expect(backwards?.significant ?? false).toBe(false);
    for (const { coefficient } of cells) expect(Math.abs(coefficient)).toBeLessThanOrEqual(1);
  });
});
