import { describe, expect, it } from "vitest";
import { evaluate, lastModified, rangeStillValid } from "../../src/http/conditions.ts";

const current = { etag: '"v2"', uploaded: Date.parse("2026-01-02T03:04:05.678Z") };
const SECOND_BEFORE = "Fri, 02 Jan 2026 03:04:04 GMT";
const OWN_SECOND = "Fri, 02 Jan 2026 03:04:05 GMT";
const SECOND_AFTER = "Fri, 02 Jan 2026 03:04:06 GMT";
const young = current.uploaded + 4_999;
const old = current.uploaded + 5_000;

describe("preconditions", () => {
  it.each([
    [{ ifNoneMatch: '"v1", W/"v2"' }, "not-modified"],
    [{ ifNoneMatch: '"v1"' }, "proceed"],
    [{ ifNoneMatch: "*" }, "not-modified"],
    [{ ifMatch: '"v2"' }, "proceed"],
    [{ ifMatch: 'W/"v2"' }, "failed"],
    [{ ifMatch: "*" }, "proceed"],
    [{ ifModifiedSince: OWN_SECOND }, "not-modified"],
    [{ ifModifiedSince: SECOND_AFTER }, "not-modified"],
    [{ ifModifiedSince: SECOND_BEFORE }, "proceed"],
    [{ ifModifiedSince: "rubbish" }, "proceed"],
    [{ ifModifiedSince: "2027" }, "proceed"],
    [{ ifModifiedSince: "Friday, 02-Jan-26 03:04:05 GMT" }, "not-modified"],
    [{ ifModifiedSince: "Fri Jan  2 03:04:05 2026" }, "not-modified"],
    [{ ifModifiedSince: "Fri Jan  2 03:04:04 2026" }, "proceed"],
    [{ ifUnmodifiedSince: OWN_SECOND }, "proceed"],
    [{ ifUnmodifiedSince: SECOND_BEFORE }, "failed"],
    [{ ifUnmodifiedSince: "rubbish" }, "proceed"],
    [{ ifNoneMatch: '"v1"', ifModifiedSince: OWN_SECOND }, "proceed"],
    [{ ifMatch: '"v2"', ifUnmodifiedSince: SECOND_BEFORE }, "proceed"],
  ] as const)("%j gives %s", (conditions, verdict) => {
    expect(evaluate(conditions, current, old)).toBe(verdict);
  });

  it("does not take a young shard's own second for a proof that nothing changed within it", () => {
    expect(evaluate({ ifModifiedSince: OWN_SECOND }, current, young)).toBe("proceed");
    expect(evaluate({ ifModifiedSince: SECOND_BEFORE }, current, young)).toBe("proceed");
    expect(evaluate({ ifUnmodifiedSince: OWN_SECOND }, current, young)).toBe("failed");
  });
});

describe("If-Range", () => {
  it("takes the exact ETag, whatever the shard's age", () => {
    for (const knownAt of [young, old]) {
      expect(rangeStillValid(undefined, current, knownAt)).toBe(true);
      expect(rangeStillValid('"v2"', current, knownAt)).toBe(true);
      expect(rangeStillValid('W/"v2"', current, knownAt)).toBe(false);
    }
  });

  it("takes the exact date of an old shard, and no other", () => {
    expect(rangeStillValid(OWN_SECOND, current, old)).toBe(true);
    expect(rangeStillValid("Friday, 02-Jan-26 03:04:05 GMT", current, old)).toBe(true);
    for (const date of [SECOND_BEFORE, SECOND_AFTER, "2026-01-02T03:04:05Z", "rubbish", ""])
      expect([date, rangeStillValid(date, current, old)]).toEqual([date, false]);
  });

  it("takes no date while the shard is young: another version may have the same", () => {
    for (const date of [SECOND_BEFORE, OWN_SECOND, SECOND_AFTER])
      expect([date, rangeStillValid(date, current, young)]).toEqual([date, false]);
  });
});

describe("Last-Modified", () => {
  it("is the second before while a later version could have the same, and the true one after", () => {
    expect(lastModified(current.uploaded, current.uploaded)).toBe(SECOND_BEFORE);
    expect(lastModified(current.uploaded, young)).toBe(SECOND_BEFORE);
    expect(lastModified(current.uploaded, old)).toBe(OWN_SECOND);
  });

  it("is backdated where the storage's clock is ahead of ours", () => {
    expect(lastModified(current.uploaded, current.uploaded - 3_000)).toBe(SECOND_BEFORE);
  });
});
