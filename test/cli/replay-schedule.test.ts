import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runInOrder } from "../../cli/replay/schedule.ts";

const NEVER = new AbortController().signal;

/** Lets other work go on for so many turns. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

describe("the schedule of a replay", () => {
  it("runs every row once, each user's in order and one at a time, never more than allowed at once", async () => {
    const rows = fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.nat(20)), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 9 }), async (rows, concurrency) => {
        const busy = new Set<string>();
        const ran: number[] = [];
        let most = 0;
        const run = async (row: number): Promise<void> => {
          const [user = "", duration = 0] = rows[row] ?? [];
          expect(busy.has(user)).toBe(false);
          busy.add(user);
          most = Math.max(most, busy.size);
          ran.push(row);
          await turns(duration);
          busy.delete(user);
        };
        await runInOrder({ users: rows.map(([user]) => user), concurrency, run, signal: NEVER });
        expect(most).toBeLessThanOrEqual(concurrency);
        expect(ran.toSorted((a, b) => a - b)).toEqual(rows.map((_, row) => row));
        for (const user of ["a", "b", "c", "d", "e"]) {
          const own = ran.filter((row) => rows[row]?.[0] === user);
          expect(own).toEqual(own.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it("keeps the order of the trace when one runs at a time", async () => {
    const ran: number[] = [];
    const run = async (row: number): Promise<void> => {
      ran.push(row);
    };
    await runInOrder({ users: ["a", "a", "b", "a", "c"], concurrency: 1, run, signal: NEVER });
    expect(ran).toEqual([0, 1, 2, 3, 4]);
  });

  it("lets nobody run far ahead of a slow user", async () => {
    let release = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const users = Array.from({ length: 1_000 }, (_, row) => (row === 0 ? "slow" : `user ${row}`));
    let begun = 0;
    const run = async (row: number): Promise<void> => {
      begun++;
      if (row === 0) await slow;
    };
    const all = runInOrder({ users, concurrency: 4, run, signal: NEVER });
    await turns(5_000);
    expect(begun).toBe(32);
    release();
    await all;
    expect(begun).toBe(1_000);
  });

  it("begins no more rows once it is interrupted, and lets those under way finish", async () => {
    const controller = new AbortController();
    let begun = 0;
    let finished = 0;
    const run = async (): Promise<void> => {
      if (++begun === 5) controller.abort();
      await turns(3);
      finished++;
    };
    const users = Array.from({ length: 100 }, (_, row) => `user ${row}`);
    await runInOrder({ users, concurrency: 3, run, signal: controller.signal });
    expect(finished).toBe(begun);
    expect(begun).toBeLessThan(8);
  });

  it("fails with the first failure, after what was under way", async () => {
    const run = async (row: number): Promise<void> => {
      await turns(row);
      if (row === 2) throw new Error("row 2");
    };
    await expect(
      runInOrder({ users: ["a", "b", "c", "d"], concurrency: 4, run, signal: NEVER }),
    ).rejects.toThrow("row 2");
  });
});
