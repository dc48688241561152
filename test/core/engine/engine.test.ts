import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Engine } from "../../../src/core/engine/engine.ts";
import type { EngineSettings } from "../../../src/core/engine/settings.ts";
import type { EngineAnswer } from "../../../src/core/prefetch/plan.ts";
import { bytes, epochMillis } from "../../../src/core/units.ts";

/** A host with instant storage: fills what is missed and what is planned. */
class Host {
  readonly engine: Engine;
  readonly copies = new Set<string>();
  now = 1_700_000_000_000;

  constructor(capacity: number, settings: Partial<EngineSettings> = {}, engine?: Engine) {
    this.engine = engine ?? new Engine(bytes(capacity), settings);
  }

  event(user: string, type: string, shard?: string): EngineAnswer {
    this.now += 100;
    const time = epochMillis(this.now);
    const answer = this.engine.request({
      type,
      user,
      time,
      region: "weur",
      ...(shard === undefined ? {} : { shard }),
    });
    if (shard !== undefined && answer.outcome !== "hit") this.#fill(shard, "demand");
    for (const plan of answer.plans) this.#fill(plan.shard, "prefetch");
    return answer;
  }

  read(user: string, shard: string): EngineAnswer {
    return this.event(user, "read", shard);
  }

  #fill(shard: string, reason: "demand" | "prefetch"): void {
    // Plain checks: there are too many of them for expect().
    const { admitted, evicted } = this.engine.fill(shard, bytes(1), reason, epochMillis(this.now));
    for (const id of evicted)
      if (!this.copies.delete(id)) throw new Error(`${id} was evicted, but is not there`);
    if (admitted) this.copies.add(shard);
    if (this.engine.used > this.engine.capacity) throw new Error("over capacity");
  }
}

const noise = (i: number): string => `noise/${(i * 7_919) % 10_007}`;

describe("Engine", () => {
  it("prefetches what always follows, and counts its first use", () => {
    const host = new Host(8);
    for (let i = 0; i < 20; i++)
      for (const shard of ["a", "b", noise(i), noise(i + 500)]) host.read(`u${i}`, shard);
    const first = host.read("new", "a");
    expect(first.plans.map((plan) => plan.shard).concat([...host.copies])).toContain("b");
    expect(host.read("new", "b").outcome).toBe("hit");
  });

  it("predicts by the type of the event what follows it", () => {
    const host = new Host(8);
    const visit = (user: string, type: string): void => {
      host.event(user, type, "map");
      host.read(user, type === "zoom" ? "detail" : "film");
    };
    for (let i = 0; i < 60; i++) {
      visit(`u${i}`, i % 2 === 0 ? "zoom" : "play");
      for (let j = 0; j < 10; j++) host.read(`v${i}`, noise(10 * i + j));
    }
    host.engine.remove("detail");
    host.engine.remove("film");
    expect(host.event("new", "play", "map").plans.map(({ shard }) => shard)).toEqual(["film"]);
    host.engine.remove("film");
    expect(host.event("newer", "zoom", "map").plans.map(({ shard }) => shard)).toEqual(["detail"]);
  });

  it("puts off what comes far beyond the horizon, and keeps apart what is wanted of it before then", () => {
    const host = new Host(64);
    const { engine } = host;
    for (let i = 0; i < 6; i++) {
      host.read(`u${i}`, "p");
      host.now += 59_000;
      host.read(`u${i}`, "q");
      engine.remove("q");
    }
    const [plan] = host.read("new", "p").plans;
    expect(plan).toMatchObject({ shard: "q", reason: "predicted" });
    const away = (plan?.arrival ?? 0) - host.now;
    expect(away).toBeGreaterThan(45_000);
    expect(away).toBeLessThan(65_000);
  });

  it("predicts shards that nobody has ever read, by the step between numbers", () => {
    const host = new Host(16);
    for (let series = 0; series < 12; series++)
      for (let i = 1; i <= 12; i++) host.read(`u${series}`, `film-${series}/seg-${i}.m4s`);
    let hits = 0;
    for (let i = 1; i <= 12; i++) if (host.read("new", `film-99/seg-${i}.m4s`).outcome === "hit") hits++;
    expect(hits).toBeGreaterThanOrEqual(9);
  });

  it("predicts shards that nobody has ever read, by the exchange of an end", () => {
    const host = new Host(16);
    const names = ["emma", "persuasion", "ulysses", "dubliners", "walden", "candide", "faust", "iliad"];
    const books = ["", "en", "fr", "de"].flatMap((language) => names.map((name) => `${name}${language}`));
    for (const book of books)
      for (const end of ["-index.htm", ".txt"]) host.read(`u-${book}`, `texts/${book}${end}`);
    host.read("new", "texts/odyssey-index.htm");
    expect(host.copies).toContain("texts/odyssey.txt");
  });

  it("finds the user's own id in the shard's id", () => {
    const host = new Host(16);
    for (let i = 100; i < 120; i++) {
      host.event(`user${i}`, "login");
      host.read(`user${i}`, `profile/user${i}`);
      host.read(`user${i}`, noise(i));
    }
    const answer = host.event("user999", "login");
    expect(answer.outcome).toBe("none");
    expect(answer.plans.map((plan) => plan.shard)).toContain("profile/user999");
  });

  it("never prefetches when told not to, and follows a fixed threshold", () => {
    const off = new Host(8, { mode: "off" });
    const strict = new Host(8, { mode: "fixed", threshold: 0.99 });
    for (let i = 0; i < 50; i++)
      for (const shard of ["a", "b", noise(i)])
        for (const host of [off, strict]) {
          const { plans } = host.read(`u${i}`, shard);
          for (const plan of plans) expect(plan.probability).toBeGreaterThan(0.99);
          if (host === off) expect(plans).toEqual([]);
        }
  });

  it("keeps to a budget of prefetches", () => {
    const run = (budget: number): number => {
      const host = new Host(8, { budget });
      let plans = 0;
      for (let i = 0; i < 600; i++)
        for (const shard of ["a", "b", "c", noise(i), noise(i + 5_000)])
          plans += host.read(`u${i}`, shard).plans.length;
      return plans / 3_000;
    };
    expect(run(Number.POSITIVE_INFINITY)).toBeGreaterThan(0.2);
    expect(run(0.05)).toBeLessThan(0.1);
  });

  it("plans nothing that is resident or under way", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 300 }), (ids) => {
        const engine = new Engine(bytes(20));
        const underWay = new Set<string>();
        let events = 0;
        for (const id of ids) {
          const answer = engine.request({
            type: "read",
            user: "",
            shard: `s${id}`,
            time: epochMillis(1),
            region: "",
          });
          underWay.delete(`s${id}`);
          if (answer.outcome !== "hit") engine.fill(`s${id}`, bytes(1), "demand", epochMillis(1));
          for (const { shard, probability } of answer.plans) {
            expect(probability).toBeGreaterThanOrEqual(0);
            expect(probability).toBeLessThanOrEqual(1);
            expect(engine.has(shard)).toBe(false);
            expect(underWay.has(shard)).toBe(false);
            underWay.add(shard);
          }
          if (++events % 10 === 0) {
            for (const shard of underWay) engine.fill(shard, bytes(1), "prefetch", epochMillis(1));
            underWay.clear();
          }
        }
      }),
    );
  });

  it("calls a read late whose prefetch is under way, and lets the demand have the copy", () => {
    const engine = new Engine(bytes(4));
    const read = (shard: string, fill = true): EngineAnswer => {
      const answer = engine.request({ type: "read", user: "u", shard, time: epochMillis(1), region: "" });
      if (answer.outcome !== "hit" && fill) engine.fill(shard, bytes(1), "demand", epochMillis(1));
      return answer;
    };
    for (let i = 0; i < 100; i++)
      for (const shard of ["a", "b", noise(i), noise(i + 1_000), noise(i + 2_000)]) read(shard);
    const planned = read("a").plans.map((plan) => plan.shard);
    if (!engine.has("b")) {
      expect(planned).toContain("b");
      expect(read("b", false).outcome).toBe("late");
    }
    expect(engine.fill("b", bytes(1), "demand", epochMillis(2)).admitted).toBe(true);
    expect(engine.fill("b", bytes(1), "prefetch", epochMillis(2)).admitted).toBe(false);
  });

  it("is never over capacity, whatever is filled, removed and resized", () => {
    const operation = fc.record({
      kind: fc.constantFrom("read", "read", "read", "prefetch", "remove", "resize", "failed"),
      id: fc.nat(40),
      size: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
        const engine = new Engine(bytes(100));
        const copies = new Map<string, number>();
        const drop = (ids: readonly string[]): void => {
          for (const id of ids) expect(copies.delete(id)).toBe(true);
        };
        const fill = (id: string, size: number, reason: "demand" | "prefetch"): void => {
          const { admitted, evicted } = engine.fill(id, bytes(size), reason, epochMillis(1));
          drop(evicted);
          if (admitted) copies.set(id, size);
        };
        for (const { kind, id: number, size } of operations) {
          const id = `s${number}`;
          if (kind === "read") {
            const answer = engine.request({
              type: "read",
              user: "",
              shard: id,
              time: epochMillis(1),
              region: "",
            });
            expect(answer.outcome === "hit").toBe(copies.has(id));
            if (answer.outcome !== "hit") fill(id, size, "demand");
          } else if (kind === "prefetch") fill(id, size, "prefetch");
          else if (kind === "remove") expect(engine.remove(id)).toBe(copies.delete(id));
          else if (kind === "failed") engine.prefetchFailed(id);
          else drop(engine.resize(bytes(50 + size)));
          expect(engine.count).toBe(copies.size);
          expect([...copies.values()].reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(engine.capacity);
        }
      }),
    );
  });

  it("gives the same answers to the same calls", () => {
    const run = (): string => {
      const host = new Host(20);
      let log = "";
      for (let i = 0; i < 2_000; i++) {
        const answer = host.read(`u${i % 7}`, `s${(i * i) % 61}`);
        log += answer.outcome + answer.plans.map((plan) => plan.shard + plan.probability).join();
      }
      return log;
    };
    expect(run()).toBe(run());
  });

  it("does not guess again what turned out not to exist", () => {
    const vain = new Set<string>();
    const engine = new Engine(bytes(16), {}, { isVain: (shard) => vain.has(shard) });
    let guesses = 0;
    for (let i = 0; i < 400; i++) {
      const shard = `log/${i}`;
      const answer = engine.request({ type: "read", user: "u", shard, time: epochMillis(i), region: "" });
      if (answer.outcome !== "hit") engine.fill(shard, bytes(1), "demand", epochMillis(i));
      for (const plan of answer.plans) {
        if (plan.shard === "log/400") guesses++;
        if (Number(plan.shard.slice(4)) >= 400) {
          vain.add(plan.shard);
          engine.prefetchFailed(plan.shard);
        } else engine.fill(plan.shard, bytes(1), "prefetch", epochMillis(i));
      }
    }
    expect(guesses).toBeLessThanOrEqual(1);
    expect(engine.explain("log/400").verdict).toBe("does not exist, or is too large");
  });

  it("stays within its bytes over many shards and users", () => {
    const limit = 4 * 1_048_576;
    const host = new Host(200, { modelBytes: bytes(limit) });
    for (let i = 0; i < 30_000; i++)
      host.read(`user-${i % 9_000}`, `some/longer/shard/name/${(i * 48_271) % 200_003}`);
    expect(host.engine.modelBytes).toBeLessThanOrEqual(limit);
  });
});

describe("Engine, explaining", () => {
  it("tells the event, the expert, the probability, the price and the fate of a prefetch", () => {
    const host = new Host(4);
    for (let i = 0; i < 60; i++)
      for (const shard of ["a", "b", ...[1, 2, 3, 4, 5, 6].map((k) => noise(i + k * 997))])
        host.read(`u${i}`, shard);
    const decision = host.engine.decisionOn("b");
    expect(host.engine.explain("b").demands).toBe(60);
    expect(decision).toMatchObject({ reason: "predicted", event: "read", after: "a", outcome: "used" });
    expect(decision?.probability).toBeGreaterThan(decision?.price ?? 1);
    expect(host.engine.explain("nobody/read/this").verdict).toBe("never heard of");
  });
});

describe("Engine, learning from others and from change", () => {
  it("notices within 200 events that the pattern has changed, and follows it", () => {
    const host = new Host(6);
    const round = (i: number, sequence: readonly string[]): number =>
      sequence.map((shard) => host.read(`u${i}`, shard).outcome).filter((outcome) => outcome === "hit")
        .length;
    for (let i = 0; i < 200; i++) round(i, ["a", "b", "c", "d", noise(i)]);
    host.engine.takePatternChange();
    let hits = 0;
    for (let i = 0; i < 40; i++) {
      const n = round(i + 1_000, ["w", "x", "y", "z", noise(i + 4_000)]);
      if (i >= 20) hits += n;
    }
    expect(host.engine.takePatternChange()).toBe(true);
    expect(hits / 20).toBeGreaterThan(2.5);
    expect(host.engine.takePatternChange()).toBe(false);
  });

  it("uses at the first event of its life what was learned elsewhere", () => {
    const host = new Host(8);
    host.engine.applyMapDelta({
      version: 1,
      whole: false,
      entries: [
        ["s:a", [["b", 0.93, 1_000]]],
        ["e:login", [["profile/\u0000", 1, 1_000]]],
      ],
    });
    const answer = host.read("first", "a");
    expect(answer.plans).toMatchObject([{ shard: "b", source: "map" }]);
    expect(host.read("first", "b")).toMatchObject({ outcome: "hit", prefetched: true });
    expect(host.event("someone", "login").plans.map((plan) => plan.shard)).toEqual(["profile/someone"]);
  });
});
