import { describe, expect, it } from "vitest";
import { FifoQueue } from "../../../src/core/collections/fifo-queue.ts";

describe("FifoQueue", () => {
  it("is first in, first out, bounded, and counts what it dropped", () => {
    const queue = new FifoQueue<number>(3);
    expect([1, 2, 3, 4].map((n) => queue.push(n))).toEqual([true, true, true, false]);
    expect(queue.dropped).toBe(1);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([1, 2, 3, undefined]);
    for (let n = 0; n < 10_000; n++) {
      queue.push(n);
      expect(queue.shift()).toBe(n);
    }
    expect(queue.length).toBe(0);
  });
});
