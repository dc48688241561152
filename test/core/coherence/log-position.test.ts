import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LogPosition } from "../../../src/core/coherence/log-position.ts";

const SEED = 1;

/** A position that has heard everything up to a number. */
function heardUpTo(at: number): LogPosition {
  const position = new LogPosition();
  position.resume({ after: at, upTo: at });
  return position;
}

/** Pieces of the log above 100, in their order. */
const pieces = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 }).map((sizes) => {
  let after = 100;
  return sizes.map((size) => {
    const piece = { after, upTo: after + size };
    after = piece.upTo;
    return piece;
  });
});

describe("a position in the change log", () => {
  it("covers nothing before anything was heard, whatever is pushed", () => {
    const position = new LogPosition();
    position.hear({ after: 5, upTo: 6 });
    expect([position.at, position.isGapless, position.covers(6)]).toEqual([undefined, false, false]);
  });

  it("is gapless when all pieces were heard, in whatever order and however often", () => {
    fc.assert(
      fc.property(
        pieces.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all]))),
        ([all, heard]) => {
          const position = heardUpTo(100);
          for (const piece of heard) position.hear(piece);
          const missing = all.find((piece) => !heard.includes(piece));
          const highest = Math.max(100, ...heard.map(({ upTo }) => upTo));
          const reached = missing?.after ?? highest;
          expect(position.at).toBe(Math.min(reached, highest));
          expect(position.isGapless).toBe(reached >= highest);
        },
      ),
      { numRuns: 1_000, seed: SEED },
    );
  });

  it("covers no copy that a change it has not heard of can have outdated", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom("log", "push", "lose", "ask", "forget"), fc.nat(3)), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (all) => {
        // The log, of which the numbers up to `cut` are not listed any more; copies by the number they were read at.
        let [head, cut] = [100, 100];
        const position = heardUpTo(100);
        const heard = new Set<number>();
        for (const [step, size] of all) {
          const after = head;
          if (step === "forget") cut = head;
          else if (step === "ask") {
            const at = position.at ?? 0;
            const from = at >= cut ? at : head;
            for (let number = from + 1; number <= head; number++) heard.add(number);
            position.resume({ after: from, upTo: head });
          } else {
            head += size + 1;
            if (step === "lose") continue;
            for (let number = after + 1; number <= head; number++) heard.add(number);
            position.hear({ after, upTo: head });
          }
          for (let asOf = 100; asOf <= (position.at ?? 0); asOf++)
            if (position.covers(asOf))
              for (let number = asOf + 1; number <= (position.at ?? 0); number++)
                expect(heard).toContain(number);
        }
      }),
      { numRuns: 2_000, seed: SEED },
    );
  });

  it("covers copies of before when the log still had all that was missed, and no others", () => {
    const position = heardUpTo(100);
    position.resume({ after: 100, upTo: 103 });
    expect(position.covers(100)).toBe(true);
    position.resume({ after: 110, upTo: 112 });
    expect([position.covers(109), position.covers(110), position.at]).toEqual([false, true, 112]);
  });

  it("closes a gap with what was heard ahead of it", () => {
    const position = heardUpTo(100);
    position.hear({ after: 102, upTo: 103 });
    expect([position.covers(100), position.at]).toEqual([false, 100]);
    position.resume({ after: 100, upTo: 102 });
    expect([position.covers(100), position.at]).toEqual([true, 103]);
  });

  it("stays open when more was ahead than it remembers, until the coordinator says what there is", () => {
    const position = heardUpTo(100);
    for (let after = 101; after < 140; after++) position.hear({ after, upTo: after + 1 });
    position.hear({ after: 100, upTo: 101 });
    expect(position.isGapless).toBe(false);
    position.resume({ after: position.at ?? 0, upTo: 140 });
    expect([position.isGapless, position.covers(100)]).toEqual([true, true]);
  });

  it("goes on from its state, and is only more careful with an older one", () => {
    const position = heardUpTo(100);
    position.hear({ after: 100, upTo: 101 });
    const older = position.toState();
    position.resume({ after: 120, upTo: 121 });
    const restored = LogPosition.fromState(position.toState() ?? { at: 0, completeFrom: 0 });
    expect([restored.at, restored.covers(119), restored.covers(120)]).toEqual([121, false, true]);
    const behind = LogPosition.fromState(older ?? { at: 0, completeFrom: 0 });
    behind.hear({ after: 121, upTo: 122 });
    expect(behind.covers(101)).toBe(false);
  });
});
