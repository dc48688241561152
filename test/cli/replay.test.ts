import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { classify } from "../../cli/replay/classify.ts";
import { storageReadsBetween } from "../../cli/replay/empty-start.ts";
import { assignIds, headerValue, shardPath } from "../../cli/replay/ids.ts";
import { percentile } from "../../cli/replay/percentile.ts";
import { planReplay } from "../../cli/replay/plan.ts";
import { ReplaySummary } from "../../cli/replay/summary.ts";
import { withSettings } from "../../cli/replay/with-settings.ts";
import { Trace } from "../../simulator/trace.ts";
import { eventTypeSchema, userSchema } from "../../src/contract/events.ts";
import { MAX_ID_BYTES, shardIdFault } from "../../src/contract/ids.ts";

/** Anything a trace can hold: any characters, lone surrogates too, with slashes and dots where they hurt. */
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)))
    .map((units) => units.join("")),
  fc
    .array(fc.constantFrom("/", ".", "..", "a", "é", "%2e", "\\", "?", "#", "\n", "~"))
    .map((parts) => parts.join("")),
  fc.string({ minLength: 900, maxLength: 1_100, unit: "grapheme" }),
);

describe("ids of replayed objects", () => {
  it("are valid and different for any objects of any trace", () => {
    fc.assert(
      fc.property(
        anyText.map((text) => text.slice(0, 255)),
        fc.uniqueArray(anyText),
        (trace, objects) => {
          const ids = [...assignIds(trace, objects).values()];
          for (const id of ids) expect(shardIdFault(id)).toBeNull();
          for (const id of ids) expect(id.startsWith("replay/")).toBe(true);
          expect(new Set(ids).size).toBe(objects.length);
        },
      ),
    );
  });

  it("arrive as they are through a URL", () => {
    fc.assert(
      fc.property(anyText, (object) => {
        const [id = ""] = assignIds("trace", [object]).values();
        const path = new URL(shardPath(id), "http://localhost").pathname;
        expect(decodeURIComponent(path.slice("/shards/".length))).toBe(id);
      }),
    );
  });

  it("stay readable for ordinary paths and keep their address when a trace is cut shorter", () => {
    const objects = ["/images/x.gif", "images/x.gif", "/a//b", `/${"x".repeat(2_000)}`];
    const ids = assignIds("nasa95", objects);
    expect(ids.get("/images/x.gif")).toBe("replay/nasa95/images/x.gif");
    expect(ids.get("images/x.gif")).toMatch(/^replay\/nasa95\/images\/x\.gif~[0-9a-f]{16}$/);
    expect(Buffer.byteLength(ids.get(objects[3] ?? "") ?? "")).toBeLessThanOrEqual(MAX_ID_BYTES);
    expect(assignIds("nasa95", objects.slice(0, 2))).toEqual(new Map([...ids].slice(0, 2)));
  });
});

describe("header values", () => {
  it("are what the instance takes, for any text, and differ where texts differ", () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        const values = [one, other].map((text) => headerValue(text, 64, "read"));
        for (const value of values) {
          expect(eventTypeSchema.safeParse(value).success).toBe(true);
          expect(userSchema.safeParse(value).success).toBe(true);
          expect(new Headers({ "Foreshard-Event": value }).get("Foreshard-Event")).toBe(value);
        }
        if (one !== other && one !== "" && other !== "") expect(values[0]).not.toBe(values[1]);
      }),
    );
  });

  it("leaves ordinary names alone and has one for none", () => {
    expect(headerValue("c1@com", 256, "replay")).toBe("c1@com");
    expect(headerValue("", 256, "replay")).toBe("replay");
  });
});

describe("a plan", () => {
  it("stores each object once at its largest size, capped, and never empty", () => {
    const trace = new Trace("t");
    const add = (object: string, bytes: number) =>
      trace.add({ time: 0, client: "u", eventType: "e", object, bytes });
    add("/a", 0);
    add("/a", 300);
    add("/a", 200);
    add("/big", 1e9);
    add("/none", 0);
    const plan = planReplay(trace, 65_536);
    expect([...plan.shards]).toEqual([
      ["replay/t/a", 300],
      ["replay/t/big", 65_536],
      ["replay/t/none", 1_024],
    ]);
    expect(plan.bytes).toBe(300 + 65_536 + 1_024);
    expect(plan.prefix).toBe("replay/t/");
    expect(plan.requests[1]).toEqual({ path: "/shards/replay/t/a", user: "u", event: "e" });
  });
});

describe("outcomes", () => {
  it.each([
    [200, "Foreshard; hit", "hit"],
    [200, "Foreshard; hit; detail=disk", "hit"],
    [206, "Foreshard; hit; detail=prefetched", "prefetchedHit"],
    [200, "Foreshard; fwd=uri-miss; stored", "miss"],
    [200, "Foreshard; fwd=uri-miss; collapsed", "miss"],
    [200, "Foreshard; fwd=stale", "miss"],
    [200, "Foreshard; fwd=bypass; detail=too-large", "miss"],
    [200, null, "miss"],
    [404, "Foreshard; hit", "error"],
    [503, null, "error"],
  ] as const)("%i with %s is a %s", (status, cacheStatus, outcome) => {
    expect(classify(status, cacheStatus)).toBe(outcome);
  });

  it("add up: requests are hits, misses and errors, and prefetched hits are hits", () => {
    const summary = new ReplaySummary();
    for (const outcome of ["hit", "prefetchedHit", "miss", "miss", "error"] as const) summary.add(outcome, 4);
    expect(summary.result(3)).toEqual({
      requests: 5,
      hits: 2,
      prefetchedHits: 1,
      misses: 2,
      errors: 1,
      p50Ms: 4,
      p95Ms: 4,
      p99Ms: 4,
      storageReads: 3,
    });
  });

  it("counts the storage reads between two looks, also of partitions that are new or were loaded anew", () => {
    const before = new Map([
      ["a", 10],
      ["b", 50],
    ]);
    const after = new Map([
      ["a", 15],
      ["b", 3],
      ["c", 4],
    ]);
    expect(storageReadsBetween(before, after)).toBe(5 + 3 + 4);
  });
});

describe("percentiles", () => {
  it("are values of the sample with at least that share at or below them", () => {
    const sample = fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 });
    fc.assert(
      fc.property(sample, fc.double({ noNaN: true, min: 0, max: 1 }), (values, share) => {
        const sorted = values.toSorted((a, b) => a - b);
        const value = percentile(sorted, share);
        expect(sorted).toContain(value);
        expect(sorted.filter((other) => other <= value).length).toBeGreaterThanOrEqual(share * sorted.length);
        expect(sorted.filter((other) => other < value).length).toBeLessThanOrEqual(share * sorted.length);
      }),
    );
  });

  it("of nothing are 0", () => {
    expect(percentile([], 0.5)).toBe(0);
  });
});

describe("settings of a replay", () => {
  const former = { memoryBytes: 100, diskBytes: 200, prefetchMode: "threshold" as const };
  const changed = { memoryBytes: 1, diskBytes: 0, prefetchMode: "off" as const };
  const instanceWith = (fails: (change: typeof former | typeof changed) => boolean = () => false) => {
    const puts: unknown[] = [];
    return {
      puts,
      settings: () => Promise.resolve({ version: 1, settings: former }),
      changeSettings: async (change: typeof former | typeof changed) => {
        if (fails(change)) throw new Error("gone");
        puts.push(change);
        return { version: 2, settings: change };
      },
    };
  };

  it("are put back when the work is done, and when it fails", async () => {
    const instance = instanceWith();
    await expect(withSettings(instance, changed, async ({ version }) => version)).resolves.toBe(2);
    const work = () => Promise.reject(new Error("no"));
    await expect(withSettings(instance, changed, work)).rejects.toThrow("no");
    expect(instance.puts).toEqual([changed, former, changed, former]);
  });

  it("are told when they cannot be put back", async () => {
    const instance = instanceWith((change) => change === former);
    await expect(withSettings(instance, changed, async () => 1)).rejects.toThrow('"memoryBytes":100');
  });
});
