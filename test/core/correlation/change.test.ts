import { describe, expect, it } from "vitest";
import { SharedModel } from "../../../src/core/correlation/shared-model.ts";
import { noCounts } from "../../../src/core/reporting/read-counts.ts";
import { Reporter } from "../../../src/core/reporting/reporter.ts";
import { SMALL, START, sequence } from "../reports.ts";

const DAY = 86_400_000;

describe("the rate of an event type", () => {
  const minutes = (model: SharedModel, from: number, count: number, perReport: number): number => {
    for (let t = from; t < from + count * 60_000; t += 5_000)
      model.merge("weur", sequence(["a", "b"], perReport, t, { type: "login" }), t);
    return from + count * 60_000;
  };

  it("is estimated, and its jump is noticed and becomes usual", () => {
    const model = new SharedModel(SMALL);
    let now = minutes(model, START, 20, 3);
    const [steady] = model.rates(now);
    expect(steady?.perSecond).toBeGreaterThan(0.8);
    expect(steady?.perSecond).toBeLessThan(1.6);
    expect(steady?.changedSince).toBeNull();
    now = minutes(model, now, 1 / 3, 120);
    const [jumped] = model.rates(now + 15_000);
    expect(jumped?.changedSince).toBeGreaterThan(now - 20_000);
    expect(jumped?.onsets.at(-1)?.time).toBeGreaterThanOrEqual(now - 30_000);
    expect(model.anyChangedSince(now - 20_000, now + 15_000)).toBe(true);
    expect(model.anyChangedSince(now + 60_000, now + 15_000)).toBe(false);
    now = minutes(model, now, 1, 120);
    expect(model.rates(now)[0]?.perSecond).toBeGreaterThan(35); // Followed at once, not smoothed.
    now = minutes(model, now, 15, 120);
    const [after] = model.rates(now);
    expect(after?.changedSince).toBeNull();
    expect(after?.perSecond).toBeGreaterThan(35);
    expect(after?.onsets.length).toBe(2); // Its beginning, and the jump.
    now = minutes(model, now, 2, 3);
    const [fallen] = model.rates(now);
    expect(fallen?.perSecond).toBeLessThan(3);
    expect(fallen?.onsets.length).toBe(2); // A fall is a change, and no surge.
  });

  it("is forecast by the season: the hour to come was busy last week", () => {
    const model = new SharedModel(SMALL);
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
    // 12 reports of 80 events in an hour.
    expect(rate?.perSecondInAnHour).toBeCloseTo(960 / 3_600, 1);
  });

  it("is not forecast before two weeks were seen", () => {
    const model = new SharedModel(SMALL);
    for (const week of [0, 1]) {
      const nine = START + week * 7 * DAY + 9 * 3_600_000;
      for (let t = nine; t < nine + 3_600_000; t += 300_000)
        model.merge("weur", sequence(["a", "b"], 40, t, { type: "login" }), t);
      const eight = nine + 7 * DAY - 3_600_000;
      expect(model.rates(eight)[0]?.perSecondInAnHour === null).toBe(week === 0);
    }
  });

  it("is followed in each region apart", () => {
    const model = new SharedModel(SMALL);
    for (let t = START; t < START + 600_000; t += 5_000) {
      model.merge("weur", sequence(["a", "b"], 6, t, { type: "login" }), t);
      model.merge("oc", sequence(["a"], 1, t, { type: "login" }), t);
    }
    const of = (region: string) => model.rates(START + 600_000).find((rate) => rate.region === region);
    expect(of("weur")?.perSecond).toBeGreaterThan(5 * (of("oc")?.perSecond ?? 1));
  });
});

describe("the correlation matrix", () => {
  it("shows what follows, how strongly, and whether that is more than chance", () => {
    const model = new SharedModel();
    for (let i = 0; i < 20; i++) {
      const time = START + i * 10_000;
      const reporter = new Reporter();
      for (let user = 0; user < 6; user++) {
        reporter.observe({ type: "login", user: `a${user}`, time, isRead: false });
        reporter.observe({ type: "profile", user: `a${user}`, time: time + 400, isRead: false });
        const [first, second] = user % 2 === 0 ? ["search", "save"] : ["save", "search"];
        reporter.observe({ type: first as string, user: `b${i}-${user}`, time, isRead: false });
        reporter.observe({ type: second as string, user: `b${i}-${user}`, time: time + 400, isRead: false });
      }
      const body = reporter.take(noCounts());
      if (body !== null) model.merge("weur", body, time + 1_000);
    }
    const cells = model.correlations(START + 200_000);
    const login = cells.find(({ type, next }) => type === "login" && next === "profile");
    expect(login?.coefficient).toBeGreaterThan(0.5);
    expect(login?.lift).toBeGreaterThan(2);
    expect(login?.significant).toBe(true);
    expect(login?.probability).toBeGreaterThan(0.95);
    expect(login?.delay).toBeCloseTo(400, -1);
    const backwards = cells.find(({ type, next }) => type === "profile" && next === "save");
    expect(backwards?.significant ?? false).toBe(false);
    for (const { coefficient } of cells) expect(Math.abs(coefficient)).toBeLessThanOrEqual(1);
  });
});
