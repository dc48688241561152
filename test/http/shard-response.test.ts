import { describe, expect, it } from "vitest";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { buildResponse, decideAnswer } from "../../src/http/shard-response.ts";

const UPLOADED = Date.parse("2026-01-02T03:04:05.678Z");
const meta = { size: 3, etag: '"v1"', version: "1", uploaded: UPLOADED };
const NOW = UPLOADED + 60_000;
const read = (headers: Partial<ReadRequest> = {}): ReadRequest => ({
  id: "a",
  method: "GET",
  user: "ada",
  eventType: "read",
  region: "weur",
  conditions: {},
  bypass: false,
  ...headers,
});

describe("Age", () => {
  const ageOf = (validatedAt: number | null, status: 200 | 304 = 200) =>
    buildResponse({ status }, meta, new Uint8Array(3), "Foreshard; hit", {
      start: NOW,
      now: NOW,
      validatedAt,
    }).headers.get("Age");

  it("tells in whole seconds when a copy was validated, also with 304", () => {
    expect(ageOf(NOW)).toBe("0");
    expect(ageOf(NOW - 999)).toBe("0");
    expect(ageOf(NOW - 12_345)).toBe("12");
    expect(ageOf(NOW - 12_345, 304)).toBe("12");
  });

  it("is left out where the storage itself answers, and never negative", () => {
    expect(ageOf(null)).toBeNull();
    expect(ageOf(NOW + 5_000)).toBe("0");
  });
});

describe("a copy that was young when it was validated", () => {
  const times = { start: NOW, now: NOW, validatedAt: UPLOADED + 100 };
  const date = "Fri, 02 Jan 2026 03:04:05 GMT";

  it("is dated back for as long as it is served: a later version may have its second by now", () => {
    const { headers } = buildResponse({ status: 200 }, meta, new Uint8Array(3), "Foreshard; hit", times);
    expect(headers.get("Last-Modified")).toBe("Fri, 02 Jan 2026 03:04:04 GMT");
  });

  it("serves no range under a date, until it is validated again", () => {
    const asked = read({ range: "bytes=0-0", ifRange: date });
    expect(decideAnswer(asked, meta, "", times).status).toBe(200);
    expect(decideAnswer(asked, meta, "", { ...times, validatedAt: NOW }).status).toBe(206);
  });
});
