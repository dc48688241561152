import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualTime } from "../../../simulator/platform/virtual-time.ts";
import { outdates } from "../../../src/core/coherence/change.ts";
import { CHANGES_WINDOW, CLOCK_TOLERANCE, LEASE_TERM, Lease } from "../../../src/core/coherence/lease.ts";
import { LeaseManager, type LeaseManagerDeps } from "../../../src/core/coherence/lease-manager.ts";
import { Membership } from "../../../src/core/coherence/membership.ts";

const SECOND = 1_000;
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
    expect(lease.isValid(19_000)).toBe(true);
    lease.renew(10_000, 19_000, 10_000);
    expect(lease.covers(8_000, 19_000)).toBe(false);
    expect(lease.covers(15_000, 19_000)).toBe(true);
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
