import { describe, expect, it } from "vitest";
import { S3Fifo } from "../../../simulator/policies/s3fifo.ts";
import { bytes, epochMillis } from "../../../src/core/units.ts";
import { cachePolicyContract } from "../../contracts/cache-policy.ts";
import { NaiveS3Fifo } from "./naive/s3fifo.ts";

cachePolicyContract({
  name: "S3-FIFO",
  make: (room) => new S3Fifo(room),
  naive: (room) => new NaiveS3Fifo(room),
});

const read = (policy: S3Fifo, ...ids: string[]): void => {
  for (const id of ids) if (!policy.access(id)) policy.admit(id, bytes(1));
};

describe("S3-FIFO", () => {
  it("keeps what is asked for again while a scan passes through", () => {
    const policy = new S3Fifo(bytes(10));
    read(policy, "hot", "hot", "hot");
    for (let scanned = 0; scanned < 100; scanned++) read(policy, `scan-${scanned}`);
    expect(policy.has("hot")).toBe(true);
  });

  it("takes a shard whose ghost it remembers into the main queue", () => {
    const policy = new S3Fifo(bytes(10));
    for (let scanned = 0; scanned < 11; scanned++) read(policy, `scan-${scanned}`);
    read(policy, "scan-0");
    for (let scanned = 20; scanned < 29; scanned++) read(policy, `scan-${scanned}`);
    expect([policy.has("scan-0"), policy.has("scan-10")]).toEqual([true, false]);
  });

  it("still has a small queue in a cache of two", () => {
    const policy = new S3Fifo(bytes(2));
    read(policy, "kept", "kept", "kept", "once", "twice", "thrice");
    expect(policy.has("kept")).toBe(true);
  });

  it("does not take a prefetch for an access", () => {
    const policy = new S3Fifo(bytes(10));
    for (let again = 0; again < 3; again++) {
      policy.admitPrefetched("guess", bytes(1), epochMillis(1e9), epochMillis(0));
    }
    for (let scanned = 0; scanned < 10; scanned++) read(policy, `scan-${scanned}`);
    expect(policy.has("guess")).toBe(false);
  });
});
