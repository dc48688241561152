import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { KnownShards } from "../../durable-objects/partition/known-shards.ts";
import { type Copy, MemoryTier } from "../../durable-objects/partition/memory-tier.ts";
import { Reader } from "../../durable-objects/partition/reader.ts";
import { SingleFlight } from "../../durable-objects/partition/single-flight.ts";
import { newStats } from "../../durable-objects/partition/stats.ts";
import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { Clock } from "../../src/core/clock.ts";
import { outdates } from "../../src/core/coherence/change.ts";
import { CHANGES_WINDOW, CLOCK_TOLERANCE, LEASE_TERM, Lease } from "../../src/core/coherence/lease.ts";
import { LeaseManager, type LeaseManagerDeps } from "../../src/core/coherence/lease-manager.ts";
import { Membership } from "../../src/core/coherence/membership.ts";
import { Engine } from "../../src/core/engine/engine.ts";
import { bytes } from "../../src/core/units.ts";
import { MemoryShardStore } from "../../src/storage/memory-shard-store.ts";
import { type OpenShard, StorageUnavailableError } from "../../src/storage/shard-store.ts";
import { type Bounds, check } from "../../verify/coherence/checker.ts";
import { bytesOf, contentIn, contentOf } from "../../verify/coherence/content.ts";
import { explainViolation } from "../../verify/coherence/explain-violation.ts";
import type { History, Read, Shown, State, Write } from "../../verify/coherence/history.ts";
import { MUTATIONS } from "../../verify/coherence/mutation.ts";
import { run } from "../../verify/coherence/run.ts";
import { Summary } from "../../verify/coherence/summary.ts";

const SECOND = 1_000;

describe("readers and writers in several regions, with faults", () => {
  const summary = new Summary();
  const accounts: string[] = [];

  beforeAll(async () => {
    for (const seed of [1, 2, 3, 4]) {
      const result = await run({ seed, operations: 3_000 });
      summary.add(result);
      accounts.push(
        ...result.violations.map(
          (violation) => `seed ${seed}: ${explainViolation(violation, result.history)}`,
        ),
      );
    }
  });

  it("never see a guarantee broken", () => {
    expect(accounts).toEqual([]);
  });

  it("are answered from copies often enough for that to mean something", () => {
    expect(summary.operations).toBe(12_000);
    expect(summary.hitShare).toBeGreaterThan(0.35);
  });

  it("go through all kinds of answers and faults", () => {
    const statuses = [...summary.readsByStatus.keys()];
    for (const detail of ["hit", "prefetched", "disk", "stale-if-error", "fwd=stale", "stored", "collapsed"])
      expect(statuses.some((status) => status.endsWith(detail))).toBe(true);
    for (const kind of [
      "clock stepped",
      "disk failing",
      "memory lost",
      "heartbeat lost",
      "heartbeat late",
      "coordinator restarted",
      "silence",
    ])
      expect(summary.faults.get(kind)).toBeGreaterThan(0);
    expect(summary.duplicates).toBeGreaterThan(0);
  });

  it("send no message that its consumer cannot read", () => {
    expect(summary.deadLetters).toBe(0);
  });

  it("do the same again for the same seed", async () => {
    const [once, again] = [await run({ seed: 5, operations: 600 }), await run({ seed: 5, operations: 600 })];
    expect(again.history).toEqual(once.history);
  });
});

describe("the checker", () => {
  /** Each is found in the first or second; the rest is for changes of the world. */
  const ENOUGH_SEEDS = 6;

  it.each(MUTATIONS)("finds a violation when the %s is taken out", async (mutation) => {
    let found = 0;
    for (let seed = 1; seed <= ENOUGH_SEEDS && found === 0; seed++)
      found = (await run({ seed, operations: 3_000, mutation })).violations.length;
    expect(found).toBeGreaterThan(0);
  });

  const BOUNDS: Bounds = {
    freshness: 30 * SECOND,
    staleIfError: 300 * SECOND,
    absence: 10 * SECOND,
    slack: SECOND,
  };
  const state = (index: number, at: number, cacheControl?: string, content = index): State => ({
    shard: "a",
    index,
    etag: index === 0 ? null : `"c${content}"`,
    version: index,
    content,
    size: index === 0 ? 0 : 80,
    cacheControl,
    at,
  });
  const STATES = [state(0, 0), state(1, 10 * SECOND), state(2, 20 * SECOND)];
  const who = { user: "reader", region: "weur", shard: "a" };
  const shown = (version: number, more: Partial<Shown> = {}): Shown => ({
    status: 200,
    etag: `"c${version}"`,
    version,
    content: version,
    cacheControl: "no-cache",
    length: 80,
    ...more,
  });
  const read = (version: number, from: number, more: Partial<Read> = {}): Read => ({
    kind: "read",
    ...who,
    from,
    to: from + 100,
    noCache: false,
    cacheStatus: "Foreshard; hit",
    answer: version === 0 ? { status: 404 } : shown(version),
    ...more,
  });
  const write = (index: number, more: Partial<Write> = {}): Write => ({
    kind: "write",
    ...who,
    user: "writer",
    from: (STATES[index]?.at ?? 0) - 50,
    to: (STATES[index]?.at ?? 0) + 50,
    coherence: "bounded",
    acknowledged: true,
    state: STATES[index] ?? null,
    ...more,
  });
  const rules = (operations: readonly (Read | Write)[], states: readonly State[] = STATES): string[] => {
    const history: History = { states: new Map([["a", states]]), operations, faults: [] };
    return check(history, BOUNDS).map(({ rule }) => rule);
  };

  it("accepts a read of what was current at some moment within the bound", () => {
    expect(
      rules([read(1, 15 * SECOND), read(1, 50 * SECOND), read(2, 19_950), read(0, 20 * SECOND)]),
    ).toEqual([]);
  });

  it("finds bytes that were overwritten longer ago than the bound, absences too", () => {
    expect(rules([read(1, 52 * SECOND)])).toEqual(["staleness"]);
    expect(rules([read(0, 22 * SECOND)])).toEqual(["staleness"]);
  });

  it("lets a shard's own Cache-Control and an answer that says stale-if-error move the bound", () => {
    const own = [state(0, 0), state(1, 10 * SECOND, "max-age=60"), state(2, 20 * SECOND)];
    const minute = { answer: shown(1, { cacheControl: "max-age=60" }) };
    expect(rules([read(1, 80 * SECOND, minute)], own)).toEqual([]);
    expect(rules([read(1, 82 * SECOND, minute)], own)).toEqual(["staleness"]);
    const onError = { cacheStatus: "Foreshard; hit; detail=stale-if-error" };
    expect(rules([read(1, 350 * SECOND, onError)])).toEqual([]);
    expect(rules([read(1, 352 * SECOND, onError)])).toEqual(["staleness"]);
  });

  it("finds bytes older than a strong write answered before, and none while it is under way", () => {
    const strong = write(2, { coherence: "strong", to: 25 * SECOND });
    expect(rules([strong, read(1, 25 * SECOND)])).toEqual(["strong write"]);
    expect(rules([strong, read(1, 25 * SECOND - 1), read(2, 26 * SECOND)])).toEqual([]);
  });

  it("asks nothing of a strong write that failed", () => {
    expect(rules([write(2, { coherence: "strong", acknowledged: false }), read(1, 25 * SECOND)])).toEqual([]);
  });

  it("finds an own write that is not seen, and lets others see it later", () => {
    expect(rules([write(2, { user: "reader" }), read(1, 25 * SECOND)])).toEqual(["own write"]);
    expect(rules([write(2), read(1, 25 * SECOND)])).toEqual([]);
  });

  it("takes the newest of several writes, in whatever order they were answered", () => {
    const strong = { coherence: "strong" } as const;
    const operations = [write(2, { ...strong, to: 21 * SECOND }), write(1, { ...strong, to: 24 * SECOND })];
    expect(rules([...operations, read(1, 25 * SECOND)])).toEqual(["strong write"]);
  });

  it("holds no-cache reads to what is current when they begin", () => {
    expect(rules([read(1, 20_001, { noCache: true })])).toEqual(["no-cache"]);
    expect(rules([read(1, 19_999, { noCache: true })])).toEqual([]);
  });

  it("finds torn bytes, and versions from nowhere or from the future", () => {
    const got = (more: Partial<Shown>) => rules([read(1, 15 * SECOND, { answer: shown(1, more) })]);
    expect(got({ content: null })).toEqual(["torn"]);
    expect(got({ content: 2 })).toEqual(["torn"]);
    expect(got({ length: 72 })).toEqual(["torn"]);
    expect(rules([read(3, 15 * SECOND)])).toEqual(["from nowhere"]);
    expect(rules([read(2, 15 * SECOND)])).toEqual(["from nowhere"]);
  });

  it("finds headers of another version than the bytes, and old headers of the same bytes", () => {
    const got = (more: Partial<Shown>) => rules([read(1, 15 * SECOND, { answer: shown(1, more) })]);
    expect(got({ etag: '"c2"' })).toEqual(["headers"]);
    expect(got({ cacheControl: "public" })).toEqual(["headers"]);
    const again = [state(0, 0), state(1, 10 * SECOND), state(2, 20 * SECOND, "no-store", 1)];
    const strong = write(2, { coherence: "strong", state: again[2] ?? null });
    expect(rules([strong, read(1, 25 * SECOND)], again)).toEqual(["strong write"]);
    const renewed = { answer: shown(2, { etag: '"c1"', content: 1, cacheControl: "no-store" }) };
    expect(rules([strong, read(2, 25 * SECOND, renewed)], again)).toEqual([]);
  });

  it("finds a part that is not the one asked for", () => {
    const part = (contentRange: string, length: number) =>
      rules([
        read(1, 15 * SECOND, {
          answer: shown(1, { status: 206, length, part: { first: 64, last: 95, contentRange } }),
        }),
      ]);
    expect(part("bytes 64-79/80", 16)).toEqual([]);
    expect(part("bytes 64-79/80", 24)).toEqual(["torn"]);
    expect(part("bytes 64-79/81", 16)).toEqual(["headers"]);
  });

  it("recognises the version of any part of a body, and of no mixture of two", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.nat(49), fc.nat(49), (cells, a, b) => {
        const [first, last] = [Math.min(a, b) % cells, Math.max(a, b) % cells].sort((x, y) => x - y);
        const body = contentOf(7, cells);
        const part = body.slice(bytesOf(first ?? 0), bytesOf((last ?? 0) + 1)).buffer;
        expect(contentIn(part, bytesOf(first ?? 0))).toBe(7);
        expect(contentIn(part, bytesOf((first ?? 0) + 1))).toBeNull();
        body.set(contentOf(8, cells).subarray(bytesOf(cells - 1)), bytesOf(cells - 1));
        expect(contentIn(body.buffer, 0)).toBeNull();
      }),
    );
  });

  it("tells what happened to the shard around a violation", () => {
    const operations = [write(2, { coherence: "strong" }), read(1, 25 * SECOND)];
    const history: History = { states: new Map([["a", STATES]]), operations, faults: [] };
    const [violation] = check(history, BOUNDS);
    if (violation === undefined) throw new Error("no violation");
    const account = explainViolation(violation, history);
    expect(account).toMatch(/writer wrote #2, strong/);
    expect(account).toMatch(/reader read #1 .*<== this/);
  });
});

const seconds = (most: number) => fc.integer({ min: 0, max: most * SECOND });
/** How far apart two machines' clocks may be. */
const clockError = fc.integer({ min: -CLOCK_TOLERANCE, max: CLOCK_TOLERANCE });

describe("a lease", () => {
  const aroundTheEnd = fc.integer({ min: LEASE_TERM - 6 * SECOND, max: LEASE_TERM + 6 * SECOND });

  it("ends with its partition before it ends with the coordinator, however long the heartbeat took", () => {
    fc.assert(
      fc.property(seconds(60), seconds(60), seconds(200), (there, back, later) => {
        const lease = new Lease();
        lease.renew(0, there + back, CHANGES_WINDOW);
        if (lease.isValid(later)) expect(later).toBeLessThan(there + LEASE_TERM);
      }),
    );
  });

  it("does so too when it is restored on a machine with another clock", () => {
    fc.assert(
      fc.property(seconds(29), clockError, aroundTheEnd, (took, error, later) => {
        const lease = new Lease();
        lease.renew(0, took, CHANGES_WINDOW);
        const restored = Lease.fromState(lease.toState());
        if (restored.isValid(later + error)) expect(later).toBeLessThan(LEASE_TERM);
      }),
      { numRuns: 1_000 },
    );
  });

  it("does so too when either clock is set meanwhile", () => {
    const offset = fc.integer({ min: -CLOCK_TOLERANCE / 2, max: CLOCK_TOLERANCE / 2 });
    fc.assert(
      fc.property(
        fc.tuple(offset, offset, offset, offset),
        seconds(5),
        fc.integer({ min: 15 * SECOND, max: 35 * SECOND }),
        ([sent, used, received, ended], there, later) => {
          const lease = new Lease();
          lease.renew(sent, sent + there, CHANGES_WINDOW);
          const hasEnded = later + ended >= there + received + LEASE_TERM;
          if (hasEnded) expect(lease.isValid(later + used)).toBe(false);
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it("covers no copy validated before all that its list of strong writes tells of", () => {
    fc.assert(
      fc.property(seconds(60), seconds(20), seconds(100), clockError, (coverage, took, age, error) => {
        const [sent, now] = [100 * SECOND, 100 * SECOND + took];
        const lease = new Lease();
        lease.renew(sent, now, coverage);
        const validated = now - age;
        // The copy was dated by another machine.
        if (lease.covers(validated + error, now)) expect(validated).toBeGreaterThanOrEqual(now - coverage);
      }),
      { numRuns: 1_000 },
    );
  });

  it("goes on unbroken when the list reaches back to the heartbeat before", () => {
    const lease = new Lease();
    lease.renew(0, 50, CHANGES_WINDOW);
    lease.renew(10_000, 12_000, 20_000);
    expect(lease.covers(-20 * SECOND, 12_000)).toBe(true);
  });

  it("covers no older copies when a heartbeat took so long that its list does not", () => {
    const lease = new Lease();
    lease.renew(0, 50, CHANGES_WINDOW);
    // Received just before now: what was announced in vain in the first seconds is not on the list.
    lease.renew(10_000, 29_000, 20_000);
    expect(lease.isValid(29_000)).toBe(true);
    expect(lease.covers(8_000, 29_000)).toBe(false);
    expect(lease.covers(15_000, 29_000)).toBe(true);
  });

  it("is not changed by an answer that a later one has overtaken", () => {
    const lease = new Lease();
    lease.renew(0, 50, CHANGES_WINDOW);
    lease.renew(10_000, 10_050, 20_000);
    const before = lease.toState();
    lease.renew(5_000, 15_000, 0);
    expect(lease.toState()).toEqual(before);
  });
});

describe("the hub", () => {
  const hubOf = (time: VirtualTime, more: Partial<LeaseManagerDeps> = {}) => {
    const log: { at: number; shard: string; uploaded: number }[] = [];
    const membership = new Membership();
    const hub = new LeaseManager({
      membership,
      recent: {
        add: (changes, now) => void log.push(...changes.map((change) => ({ ...change, at: now }))),
        since: (window, now) => ({ changes: log.filter(({ at }) => at >= now - window), coverage: window }),
      },
      now: () => time.now,
      sleep: (millis) => time.sleep(millis),
      remember: () => undefined,
      tell: async () => undefined,
      ...more,
    });
    return { hub, membership };
  };
  const CHANGE = { shard: "a", etag: '"2"', uploaded: 5 };
  /** Runs a strong announcement; resolves to how long it took, ms. */
  const announced = async (time: VirtualTime, hub: LeaseManager): Promise<number> => {
    const begun = time.now;
    let took: number | undefined;
    void hub.announceStrong([CHANGE]).then(() => {
      took = time.now - begun;
    });
    await time.run(() => took !== undefined);
    return took ?? 0;
  };

  it("lists to a partition what was announced before its lease, less what clocks may have hidden", async () => {
    const time = new VirtualTime();
    const { hub } = hubOf(time);
    expect(await announced(time, hub)).toBe(0);
    const { changes, coverage } = hub.renew("g1:weur:0", "weur", undefined);
    expect(changes).toMatchObject([CHANGE]);
    expect(coverage).toBe(CHANGES_WINDOW - CLOCK_TOLERANCE);
  });

  it("waits for a partition that does not answer until its lease has ended, and no longer", async () => {
    const time = new VirtualTime();
    const { hub } = hubOf(time, { tell: () => new Promise(() => undefined) });
    hub.renew("g1:weur:0", "weur", undefined);
    expect(await announced(time, hub)).toBe(LEASE_TERM);
    expect(await announced(time, hub)).toBe(0);
  });

  it("tries again to tell a partition that failed", async () => {
    const time = new VirtualTime();
    let tries = 0;
    const { hub } = hubOf(time, {
      tell: async () => {
        if (++tries < 3) throw new Error("not now");
      },
    });
    hub.renew("g1:weur:0", "weur", undefined);
    expect(await announced(time, hub)).toBeLessThan(2 * SECOND);
    expect(tries).toBe(3);
  });

  it("grants no lease to a partition that could not be made durable", () => {
    const time = new VirtualTime();
    const { hub, membership } = hubOf(time, {
      remember: () => {
        throw new Error("the disk is full");
      },
    });
    for (let tries = 0; tries < 2; tries++)
      expect(() => hub.renew("g1:weur:0", "weur", undefined)).toThrow("the disk is full");
    expect(membership.leased(time.now)).toEqual([]);
  });

  it("keeps a restored partition that may have a lease, however long ago it registered", () => {
    const membership = new Membership();
    const now = 30 * 86_400 * SECOND;
    membership.restore("g1:weur:0", "weur", 0, now);
    membership.renew("g1:oc:0", "oc", now + SECOND);
    expect(membership.prune(now - 86_400 * SECOND)).toEqual([]);
    membership.renew("g1:oc:0", "oc", now + 2 * LEASE_TERM);
    expect(membership.prune(now - 86_400 * SECOND)).toEqual(["g1:weur:0"]);
  });
});

describe("a change", () => {
  it("outdates every other version but those surely stored later", () => {
    fc.assert(
      fc.property(seconds(100), clockError, clockError, seconds(20), (at, error, otherError, earlier) => {
        const change = { shard: "a", etag: '"2"', version: "2", uploaded: at + error };
        // Stored before the change, by machines whose dates differ by no more than the tolerance.
        const copy = { version: "1", uploaded: at - earlier + otherError };
        if (Math.abs(error - otherError) <= CLOCK_TOLERANCE) expect(outdates(change, copy)).toBe(true);
        expect(outdates(change, { version: "2", uploaded: change.uploaded })).toBe(false);
        expect(outdates({ shard: "a", uploaded: at }, copy)).toBe(true);
      }),
    );
  });

  it("outdates a copy of the same bytes with older headers, whatever the dates of the two", () => {
    const change = { shard: "a", etag: '"2"', version: "3", uploaded: 10 };
    for (const uploaded of [9, 10, 10 + CLOCK_TOLERANCE])
      expect(outdates(change, { version: "2", uploaded })).toBe(true);
    expect(outdates(change, { version: "4", uploaded: 11 + CLOCK_TOLERANCE })).toBe(false);
  });

  it("that names no version outdates all but what is surely later", () => {
    const change = { shard: "a", etag: '"2"', uploaded: 10 };
    expect(outdates(change, { version: "2", uploaded: 10 })).toBe(true);
    expect(outdates(change, { version: "3", uploaded: 11 + CLOCK_TOLERANCE })).toBe(false);
  });
});

describe("a reader that waits for the storage", () => {
  const REQUEST: ReadRequest = {
    id: "a",
    method: "GET",
    user: "u",
    eventType: "read",
    region: "weur",
    conditions: {},
    bypass: false,
  };
  const text = (body: string) => new TextEncoder().encode(body);

  /** A partition's read path with a lease from time 0 on, whose storage answers when it is let. */
  const partition = async (cacheControl?: string) => {
    const clock = { now: 1_000 };
    const now = (): number => clock.now;
    const truth = new MemoryShardStore(now);
    await truth.put("a", text("one"), { cacheControl });
    const held: (() => void)[] = [];
    const store = Object.assign(Object.create(truth) as MemoryShardStore, {
      broken: false,
      get: async (id: string): Promise<OpenShard | null> => {
        const open = await truth.get(id);
        await new Promise<void>((resolve) => held.push(resolve));
        if (store.broken) throw new StorageUnavailableError("broken");
        return open;
      },
      getUnless: (id: string) => store.get(id),
    });
    const lease = new Lease();
    const memory = new MemoryTier(new Engine(bytes(100_000)));
    const known = new KnownShards();
    const time: Clock = { now, after: () => () => undefined };
    const fills = new SingleFlight({
      store,
      memory,
      lease,
      known,
      cacheableBytes: () => 10_000,
      clock: time,
    });
    let onSettled = (): void => undefined;
    const reader = new Reader({
      store,
      memory,
      fills,
      known,
      lease,
      clock: time,
      disk: { has: () => false, read: async () => null, remove: () => false },
      leaseSettled: async () => onSettled(),
      onWait: () => undefined,
      stats: newStats(),
      freshnessMillis: () => 30 * SECOND,
      staleIfErrorMillis: () => 300 * SECOND,
    });
    return {
      clock,
      truth,
      store,
      lease,
      memory,
      reader,
      /** Lets the storage answer all that it was asked. */
      answer: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        for (const go of held.splice(0)) go();
      },
      onLeaseSettled: (act: () => void) => {
        onSettled = act;
      },
    };
  };
  const textOf = async ({ response }: { response: Response }): Promise<string> => response.text();

  it("does not take what a fetch brought that began before a strong write it hears of with its lease", async () => {
    const { truth, lease, reader, answer, onLeaseSettled } = await partition();
    const first = reader.read(REQUEST);
    await new Promise((resolve) => setImmediate(resolve));
    const two = await truth.put("a", text("two"));
    const second = reader.read(REQUEST);
    onLeaseSettled(() => {
      reader.invalidate({ shard: "a", etag: two?.etag, uploaded: two?.uploaded ?? 0 });
      lease.renew(1_000, 1_000, CHANGES_WINDOW);
    });
    await answer();
    expect(await textOf(await first)).toBe("one");
    await answer();
    expect(await textOf(await second)).toBe("two");
  });

  it("does not take what a fetch brought that took longer than the bound", async () => {
    const { clock, truth, lease, reader, answer } = await partition("max-age=2");
    lease.renew(1_000, 1_000, CHANGES_WINDOW);
    const first = reader.read(REQUEST);
    await new Promise((resolve) => setImmediate(resolve));
    await truth.put("a", text("two"));
    clock.now = 5_000;
    const second = reader.read(REQUEST);
    await answer();
    expect(await textOf(await first)).toBe("one");
    await answer();
    expect(await textOf(await second)).toBe("two");
  });

  it("serves a stale copy when the storage fails, but not one that was dropped meanwhile", async () => {
    const { clock, store, lease, reader, answer } = await partition("max-age=2");
    lease.renew(1_000, 1_000, CHANGES_WINDOW);
    const warming = reader.read(REQUEST);
    await answer();
    await warming;
    clock.now = 5_000;
    store.broken = true;
    const stale = reader.read(REQUEST);
    await answer();
    const { response } = await stale;
    expect(response.headers.get("Cache-Status")).toBe("Foreshard; hit; detail=stale-if-error");
    const dropped = reader.read(REQUEST);
    reader.invalidate({ shard: "a", etag: '"2"', uploaded: 4_000 });
    await answer();
    await expect(dropped).rejects.toBeInstanceOf(StorageUnavailableError);
  });

  it("keeps nothing of a body that ends early", async () => {
    const { truth, store, lease, memory, reader } = await partition();
    lease.renew(1_000, 1_000, CHANGES_WINDOW);
    const meta = await truth.head("a");
    store.get = async () => meta && { meta, body: new Blob(["on"]).stream() };
    await expect(reader.read(REQUEST)).rejects.toBeInstanceOf(StorageUnavailableError);
    const kept: Copy | undefined = memory.peek("a");
    expect(kept).toBeUndefined();
  });
});
