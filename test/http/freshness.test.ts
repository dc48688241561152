import { describe, expect, it } from "vitest";
import { freshness } from "../../src/http/freshness.ts";

it.each([
  [undefined, true, 30_000],
  ["max-age=5", true, 5_000],
  ["public, max-age=5, s-maxage=9", true, 9_000],
  ["Immutable", true, Number.POSITIVE_INFINITY],
  ["no-cache, max-age=5", true, 0],
  ["no-store", false, 0],
  ["max-age=soon", true, 30_000],
])("reads the freshness of Cache-Control: %s", (header, storable, lifetime) => {
  expect(freshness(header, 30_000)).toMatchObject({ storable, lifetime });
});

describe("while the storage does not answer, a stale copy", () => {
  it.each([undefined, "max-age=5", "public, immutable", "max-age=5, stale-while-revalidate=60"])(
    "may be served under Cache-Control: %s",
    (header) => {
      expect(freshness(header, 30_000).mayServeStale).toBe(true);
    },
  );

  it.each([
    "no-cache",
    "no-store",
    "max-age=5, must-revalidate",
    "Proxy-Revalidate",
    "immutable, must-revalidate",
    "max-age=5, s-maxage=9",
  ])("must not be served under Cache-Control: %s", (header) => {
    expect(freshness(header, 30_000).mayServeStale).toBe(false);
  });
});
