import { describe, expect, it } from "vitest";
import type { Bindings } from "../../src/bindings.ts";
import { consumeChanges } from "../../src/queues/changes.ts";
import { consumeEvents } from "../../src/queues/events.ts";
import { consumePrefetches } from "../../src/queues/prefetch.ts";
import { emptyReport } from "../support/empty-report.ts";

/** A message of one, and what became of it. */
function batchOf(body: unknown, attempts = 1) {
  const outcomes: string[] = [];
  const message: Message = {
    id: "1",
    timestamp: new Date(0),
    body,
    attempts,
    ack: () => void outcomes.push("ack"),
    retry: (options) => void outcomes.push(`retry after ${options?.delaySeconds}`),
  };
  const batch: MessageBatch = {
    queue: "q",
    messages: [message],
    metadata: { metrics: { backlogCount: 1, backlogBytes: 1 } },
    ackAll: () => message.ack(),
    retryAll: (options) => message.retry(options),
  };
  return { batch, outcomes };
}

/** Bindings whose objects do what a test says, and note what they were called with. */
function bindings(answers: {
  partition?: () => unknown;
  coordinator?: () => unknown;
  partitions?: string[];
}) {
  const calls: unknown[][] = [];
  const calling =
    (name: string, answer: () => unknown = () => undefined) =>
    async (...values: unknown[]) => {
      calls.push([name, ...values]);
      return answer();
    };
  const partition = (name: string) => ({
    hear: calling(`hear ${name}`, answers.partition),
    prefetch: calling(`prefetch ${name}`, answers.partition),
  });
  const coordinator = {
    announceBounded: calling("announceBounded", () => {
      answers.coordinator?.();
      return { logged: LOGGED, partitions: answers.partitions ?? [] };
    }),
    applyReports: calling("applyReports", answers.coordinator),
    recordDeadLetters: calling("recordDeadLetters"),
  };
  const env = {
    COORDINATOR: { getByName: () => coordinator },
    PARTITION: { idFromName: (name: string) => name, get: partition },
  } as unknown as Bindings;
  return { env, calls };
}

const CHANGE = { shard: "a", etag: '"1"', version: "v", uploaded: 5 };
const LOGGED = { after: 6, upTo: 7, changes: [CHANGE] };
const fails = () => {
  throw new Error("not now");
};
const item = (shard: string, expires: number) => ({ shard, probability: 0.9, arrival: 50, expires });
const PREFETCH = { partition: "g1:weur:0", reason: "scan", prefetches: [item("old", 99), item("new", 101)] };

describe("queue prefetch", () => {
  it("brings a partition what is not too late", async () => {
    const { env, calls } = bindings({ partition: () => true });
    const { batch, outcomes } = batchOf(PREFETCH);
    await consumePrefetches(batch, env, () => 100);
    expect(calls).toEqual([["prefetch g1:weur:0", [item("new", 101)], "scan"]]);
    expect(outcomes).toEqual(["ack"]);
  });

  it("wakes no partition for what is too late", async () => {
    const { env, calls } = bindings({ partition: () => true });
    const { batch, outcomes } = batchOf(PREFETCH);
    await consumePrefetches(batch, env, () => 101);
    expect([calls, outcomes]).toEqual([[], ["ack"]]);
  });

  it("puts off once what a full partition does not take", async () => {
    const { env } = bindings({ partition: () => false });
    const [first, second] = [batchOf(PREFETCH, 1), batchOf(PREFETCH, 2)];
    await consumePrefetches(first.batch, env, () => 0);
    await consumePrefetches(second.batch, env, () => 0);
    expect([first.outcomes, second.outcomes]).toEqual([["retry after 4"], ["ack"]]);
  });
});

describe("queue changes", () => {
  it("is logged by the coordinator, and told to every partition with a lease", async () => {
    const { env, calls } = bindings({ partitions: ["g1:weur:0", "g1:oc:0"] });
    const { batch, outcomes } = batchOf(CHANGE);
    await consumeChanges(batch, env);
    expect(calls).toEqual([
      ["announceBounded", [CHANGE]],
      ["hear g1:weur:0", LOGGED],
      ["hear g1:oc:0", LOGGED],
    ]);
    expect(outcomes).toEqual(["ack"]);
  });

  it("is done once it is logged: who could not be told hears with its next heartbeat", async () => {
    const { env } = bindings({ partitions: ["g1:weur:0"], partition: fails });
    const { batch, outcomes } = batchOf(CHANGE, 3);
    await consumeChanges(batch, env);
    expect(outcomes).toEqual(["ack"]);
  });

  it("is delivered again until the coordinator has logged it", async () => {
    const { env, calls } = bindings({ partitions: ["g1:weur:0"], coordinator: fails });
    const { batch, outcomes } = batchOf(CHANGE, 3);
    await consumeChanges(batch, env);
    expect([calls.length, outcomes]).toEqual([1, ["retry after 4"]]);
  });

  it("records what does not parse, once", async () => {
    const { env, calls } = bindings({});
    const { batch, outcomes } = batchOf({ shard: "" });
    await consumeChanges(batch, env);
    expect([calls.map(([name]) => name), outcomes]).toEqual([["recordDeadLetters"], ["ack"]]);
  });
});

describe("queue events", () => {
  const REPORT = emptyReport();

  it("is acknowledged when the coordinator has the report, and not before", async () => {
    const [taken, refused] = [batchOf(REPORT), batchOf(REPORT)];
    await consumeEvents(taken.batch, bindings({}).env);
    await consumeEvents(refused.batch, bindings({ coordinator: fails }).env);
    expect([taken.outcomes, refused.outcomes]).toEqual([["ack"], ["retry after 1"]]);
  });
});
