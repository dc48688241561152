import { serialize } from "node:v8";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openEngineMind, seal } from "../../../src/contract/mind.ts";
import { Engine } from "../../../src/core/engine/engine.ts";
import { bytes, epochMillis } from "../../../src/core/units.ts";

const SEED = 77;
const START = 1_700_000_000_000;
const ROOM = bytes(1_000);

interface Step {
  readonly user: number;
  readonly shard: number;
  readonly kind: number;
}

/** Users who follow a few paths through numbered and named shards, and stray. */
const steps = fc.array(
  fc.record({ user: fc.nat(3), shard: fc.oneof(fc.nat(5), fc.nat(24)), kind: fc.nat(1) }),
  { minLength: 60, maxLength: 160 },
);

const shardOf = (i: number): string =>
  i % 2 === 0 ? `set/${i}/page-${i + 1}.html` : `tiles/4/${i}/${i + 1}`;

/** Nothing is ever held, so that what is resident makes no difference. */
function tell(engine: Engine, { user, shard, kind }: Step, tick: number) {
  const { plans } = engine.request({
    type: kind === 0 ? "read" : "view",
    user: `user-${user}`,
    shard: shardOf(shard),
    time: epochMillis(START + tick * 700),
    region: "weur",
  });
  for (const plan of plans) engine.prefetchFailed(plan.shard);
  return plans.map(({ shard: next, probability, arrival }) => ({ next, probability, arrival }));
}

/** No user reads the same shard twice in a row: repeats are no steps. */
const withoutRepeats = (list: readonly Step[]): readonly Step[] => {
  const last = new Map<number, number>();
  return list.filter(({ user, shard }) => {
    const isRepeat = last.get(user) === shard;
    last.set(user, shard);
    return !isRepeat;
  });
};

const taught = (list: readonly Step[]): Engine => {
  const engine = new Engine(ROOM);
  list.forEach((step, tick) => {
    tell(engine, step, tick);
  });
  return engine;
};

/** Lets so many events of nobody pass that no prediction waits for its outcome: those are not kept. */
function settle(engine: Engine, after: number): void {
  for (let i = 0; i < 80; i++) {
    const time = epochMillis(START + (after + i) * 700);
    engine.request({ type: "ping", user: `passer-by-${i}`, time, region: "weur" });
  }
}

/** What went through storage or a message. */
const passed = (engine: Engine) => openEngineMind(structuredClone(seal(engine.save())));

const awake = (engine: Engine): Engine => {
  const later = new Engine(ROOM);
  later.absorb(passed(engine));
  return later;
};

describe("an engine that takes in a mind", () => {
  it("predicts the next step of each user as the one whose mind it is", () => {
    fc.assert(
      fc.property(steps, fc.nat(24), (list, next) => {
        const told = withoutRepeats(list);
        for (const user of [0, 1, 2, 3]) {
          const before = taught(told);
          settle(before, told.length);
          const after = awake(before);
          const step = { user, shard: next, kind: 0 };
          const said = tell(before, step, told.length + 80);
          expect(tell(after, step, told.length + 80)).toEqual(said);
          for (let i = 0; i < 27; i++) {
            const { saidEventsAgo, probability } = before.explain(shardOf(i));
            // Of this event; what was only guessed at before is not kept.
            if (saidEventsAgo === 0)
              expect(after.explain(shardOf(i)).probability).toBeCloseTo(probability, 6);
          }
        }
      }),
      { numRuns: 25, seed: SEED, endOnFailure: true },
    );
  });

  it("gives the same mind again", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const engine = taught(withoutRepeats(list));
        expect(awake(engine).save()).toEqual(engine.save());
      }),
      { numRuns: 25, seed: SEED },
    );
  });

  it("explains shards as before: demands, the last one, and what was said of them", () => {
    const path = Array.from({ length: 60 }, (_, i) => ({ user: 0, shard: i % 3, kind: 0 }));
    const engine = taught(path);
    const { saidEventsAgo, demands, lastDemand, probability } = engine.explain(shardOf(1));
    expect(demands).toBe(20);
    expect(awake(engine).explain(shardOf(1))).toMatchObject({
      saidEventsAgo,
      demands,
      lastDemand,
      probability,
    });
  });

  it("keeps what is stronger here: a mind taken in late does not undo what was learned since", () => {
    const old = taught(
      Array.from({ length: 10 }, (_, i) => ({ user: 0, shard: i % 2 === 0 ? 0 : 7, kind: 0 })),
    );
    const mind = passed(old);
    const engine = taught(
      Array.from({ length: 200 }, (_, i) => ({ user: 1, shard: i % 2 === 0 ? 0 : 9, kind: 0 })),
    );
    const before = structuredClone(engine.save());
    engine.absorb(mind);
    const after = engine.save();
    expect(after.predictor.mixture).toEqual(before.predictor.mixture);
    tell(engine, { user: 3, shard: 0, kind: 0 }, 300);
    expect(engine.explain(shardOf(9))).toMatchObject({ saidEventsAgo: 0 });
    // The other user's last steps came with it.
    expect(after.predictor.users.keys.length).toBe(before.predictor.users.keys.length + 1);
  });

  it("takes nothing of a mind of other sizes", () => {
    const engine = taught([{ user: 0, shard: 0, kind: 0 }]);
    const before = engine.save();
    const mind = passed(taught([{ user: 1, shard: 5, kind: 0 }]));
    const reuse = { ...mind.reuse, weights: mind.reuse.weights.slice(1) };
    expect(() => engine.absorb({ ...mind, reuse })).toThrow(RangeError);
    expect(engine.save()).toEqual(before);
  });
});

describe("a mind", () => {
  it("stays within 512 KiB whatever was learned", () => {
    for (const name of ["short", `${"ж".repeat(400)}`, "x".repeat(1_000)]) {
      const engine = new Engine(ROOM);
      for (let tick = 0; tick < 30_000; tick++) {
        const place = (tick * 48_271) % 9_973;
        const user = `user-${tick % 1_500}`;
        const { plans } = engine.request({
          type: "read",
          user,
          shard: `${name}/${place % 4_001}`,
          time: epochMillis(START + tick * 10),
          region: "weur",
        });
        for (const plan of plans) engine.prefetchFailed(plan.shard);
      }
      expect(serialize(seal(engine.save())).length).toBeLessThan(512 * 1_024);
    }
  });

  it("names no user, not even where the ids that they read do", () => {
    const engine = new Engine(ROOM);
    for (let round = 0; round < 20; round++)
      for (const user of ["marie-curie", "lise-meitner"])
        ["home", `people/${user}/notes-1.txt`, `people/${user}`, `index-${user}.html`, "out"].forEach(
          (shard, i) => {
            const time = epochMillis(START + round * 10_000 + i * 500);
            const { plans } = engine.request({ type: "read", user, shard, time, region: "weur" });
            for (const plan of plans) engine.prefetchFailed(plan.shard);
          },
        );
    const mind = engine.save();
    expect(mind.predictor.shards.texts.length).toBeGreaterThan(3);
    expect(serialize(mind).toString("latin1")).not.toMatch(/curie|meitner/);
  });

  it("is refused when a single bit of it is another", () => {
    const sealed = seal(
      taught(Array.from({ length: 40 }, (_, i) => ({ user: 0, shard: i % 5, kind: 0 }))).save(),
    );
    const columns = (mind: typeof sealed) => [
      ...Object.values(mind.content.predictor.shards),
      ...Object.values(mind.content.predictor.users),
      ...mind.content.predictor.tables.flatMap((table) => Object.values(table)),
      mind.content.predictor.mixture.calibrator,
      mind.content.reuse.rates,
    ];
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.nat(7), (which, at, bit) => {
        const damaged = structuredClone(sealed);
        const filled = columns(damaged).filter(
          (column) => ArrayBuffer.isView(column) && column.byteLength > 0,
        );
        const column = filled[which % filled.length];
        if (!ArrayBuffer.isView(column)) throw new Error("no column");
        const octets = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
        octets[at % octets.length] = (octets[at % octets.length] ?? 0) ^ (1 << bit);
        expect(() => openEngineMind(damaged)).toThrow();
      }),
      { numRuns: 300, seed: SEED },
    );
    expect(() => openEngineMind(structuredClone(sealed))).not.toThrow();
  });

  it("is refused when it is of another version, or not all of it is there", () => {
    const sealed = seal(taught([{ user: 0, shard: 1, kind: 0 }]).save());
    const { users, ...rest } = sealed.content.predictor;
    for (const other of [
      { ...sealed, version: sealed.version + 1 },
      { ...sealed, content: { ...sealed.content, predictor: rest } },
      {
        ...sealed,
        content: {
          ...sealed.content,
          predictor: { ...rest, users: { ...users, keys: users.keys.slice(1) } },
        },
      },
      seal({ ...sealed.content, predictor: { ...rest, users: { ...users, keys: new Float64Array(7) } } }),
      sealed.content,
      "mind",
      7,
      null,
    ])
      expect(() => openEngineMind(other)).toThrow();
  });
});
