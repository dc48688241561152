import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualTime } from "../../../simulator/platform/virtual-time.ts";
import { type Change, outdates } from "../../../src/core/coherence/change.ts";
import { CLOCK_TOLERANCE, LEASE_TERM, Lease } from "../../../src/core/coherence/lease.ts";
import { LeaseManager, type LeaseManagerDeps } from "../../../src/core/coherence/lease-manager.ts";
import { Membership } from "../../../src/core/coherence/membership.ts";

const SECOND = 1_000;
const seconds = (most: number) => fc.integer({ min: 0, max: most * SECOND });
/** How far apart two machines' clocks may be. */
const clockError = fc.integer({ min: -CLOCK_TOLERANCE, max: CLOCK_TOLERANCE });

/** A piece of the log: everything up to 100. */
const ALL = { after: 100, upTo: 100 };

describe("a lease", () => {
  const aroundTheEnd = fc.integer({ min: LEASE_TERM - 6 * SECOND, max: LEASE_TERM + 6 * SECOND });

  it("ends with its partition before it ends with the coordinator, however long the heartbeat took", () => {
    fc.assert(
      fc.property(seconds(60), seconds(60), seconds(200), (there, back, later) => {
        const lease = new Lease(0);
        lease.renew(0, there + back, ALL);
        if (lease.isValid(later)) expect(later).toBeLessThan(there + LEASE_TERM);
      }),
    );
  });

  it("does so too when it is restored on a machine with another clock", () => {
    fc.assert(
      fc.property(seconds(29), clockError, aroundTheEnd, (took, error, later) => {
        const lease = new Lease(0);
        lease.renew(0, took, ALL);
        const restored = Lease.fromState(lease.toState() ?? expect.fail(), later);
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
          const lease = new Lease(sent);
          lease.renew(sent, sent + there, ALL);
          const hasEnded = later + ended >= there + received + LEASE_TERM;
          if (hasEnded) expect(lease.isValid(later + used)).toBe(false);
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it("covers copies while it is valid and no change is missing, and none otherwise", () => {
    const lease = new Lease(0);
    lease.renew(0, 50, ALL);
    expect([lease.covers(100, 60), lease.covers(99, 60), lease.covers(100, LEASE_TERM)]).toEqual([
      true,
      false,
      false,
    ]);
    lease.hear({ after: 101, upTo: 102 });
    expect([lease.isValid(60), lease.isCurrent(60), lease.covers(100, 60)]).toEqual([true, false, false]);
    lease.hear({ after: 100, upTo: 101 });
    expect([lease.isCurrent(60), lease.covers(100, 60), lease.asOf]).toEqual([true, true, 102]);
  });

  it("covers what was asked for before its first answer, if that listed the changes since", () => {
    const lease = new Lease(0);
    const early = lease.asOf;
    expect(lease.covers(early, 10)).toBe(false);
    lease.renew(5_000, 5_050, { after: 90, upTo: 100 });
    expect([lease.covers(early, 6_000), lease.numberOf(early)]).toEqual([true, 90]);
    // Nothing of between is listed any more.
    lease.renew(6_000, 6_050, { after: 150, upTo: 160 });
    expect(lease.covers(early, 7_000)).toBe(false);
  });

  it("covers nothing that was asked for longer ago than the first answer surely lists", () => {
    const lease = new Lease(0);
    const early = lease.asOf;
    lease.renew(LEASE_TERM, LEASE_TERM + 1, { after: 90, upTo: 100 });
    expect(lease.covers(early, LEASE_TERM + 2)).toBe(false);
    // Stored as below all numbers, it is not covered by a later instance either.
    const next = new Lease(0);
    next.renew(0, 50, { after: 90, upTo: 100 });
    expect(next.covers(lease.numberOf(early), 60)).toBe(false);
  });

  it("is not shortened by an answer that a later one has overtaken", () => {
    const lease = new Lease(0);
    lease.renew(10_000, 10_050, { after: 90, upTo: 110 });
    const before = lease.toState();
    lease.renew(5_000, 15_000, { after: 90, upTo: 100 });
    expect(lease.toState()).toEqual(before);
  });
});

describe("the lease manager", () => {
  const hubOf = (time: VirtualTime, more: Partial<LeaseManagerDeps> = {}) => {
    const changes: Change[] = [];
    const membership = new Membership();
    const hub = new LeaseManager({
      membership,
      log: {
        append: (some) => {
          const after = changes.length;
          changes.push(...some);
          return { after, upTo: changes.length, changes: some };
        },
        since: (at = 0) => ({ after: at, upTo: changes.length, changes: changes.slice(at) }),
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

  it("lists to a partition what was announced before its lease, strong or not", async () => {
    const time = new VirtualTime();
    const { hub } = hubOf(time);
    expect(await announced(time, hub)).toBe(0);
    hub.announceBounded([{ shard: "b", uploaded: 6 }]);
    expect(hub.renew("g1:weur:0", "weur", undefined).changes).toEqual([CHANGE, { shard: "b", uploaded: 6 }]);
    expect(hub.renew("g1:weur:0", "weur", 1)).toEqual({
      after: 1,
      upTo: 2,
      changes: [{ shard: "b", uploaded: 6 }],
    });
  });

  it("names those who may serve copies to whoever announces a bounded write", () => {
    const time = new VirtualTime();
    const { hub } = hubOf(time);
    hub.renew("g1:weur:0", "weur", undefined);
    expect(hub.announceBounded([CHANGE])).toEqual({
      logged: { after: 0, upTo: 1, changes: [CHANGE] },
      partitions: ["g1:weur:0"],
    });
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
