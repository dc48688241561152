import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppliedSequences } from "../../../src/core/correlation/applied-sequences.ts";
import { SharedModel } from "../../../src/core/correlation/shared-model.ts";
import { patternKey } from "../../../src/core/keys.ts";
import { noCounts } from "../../../src/core/reporting/read-counts.ts";
import type { ReportBody } from "../../../src/core/reporting/report.ts";
import { type ReportedEvent, Reporter } from "../../../src/core/reporting/reporter.ts";
import { difference, probabilities, read, START } from "../reports.ts";

interface Message {
  readonly partition: string;
  readonly region: string;
  readonly sequence: number;
  readonly time: number;
  readonly body: ReportBody;
}

const SHARDS = ["a", "b", "c", "d", "e", "f"];
const TYPES = ["read", "login", "open"];
const KEYS = [
  ...SHARDS.map((shard) => `s:${shard}`),
  ...TYPES.flatMap((type) => [`e:${type}`, ...TYPES.map((next) => patternKey(type, next))]),
];

const step = fc.record({
  user: fc.nat(3),
  shard: fc.option(fc.constantFrom(...SHARDS), { nil: undefined }),
  type: fc.constantFrom(...TYPES),
  wait: fc.integer({ min: 0, max: 20_000 }),
});

/** What two partitions report of these steps, in the order it is sent. */
function messagesOf(steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): Message[] {
  const messages: Message[] = [];
  const reporters = [new Reporter(), new Reporter()];
  const sequences = [0, 0];
  let time = START;
  steps.forEach(({ user, shard, type, wait }, i) => {
    time += wait;
    const partition = user % 2;
    const event: ReportedEvent =
      shard === undefined
        ? { type, user: `u${user}`, time, isRead: false }
        : read(`u${user}`, shard, time, { type });
    reporters[partition]?.observe(event);
    if (i % 7 !== 6) return;
    reporters.forEach((reporter, p) => {
      const body = reporter.take(noCounts());
      if (body === null) return;
      const sequence = sequences[p] as number;
      sequences[p] = sequence + 1;
      messages.push({
        partition: `g1:weur:${p}@1`,
        region: p === 0 ? "weur" : "enam",
        sequence,
        time: time + p,
        body,
      });
    });
  });
  return messages;
}

/** The coordinator's own way with reports. */
function deliver(messages: readonly Message[]): SharedModel {
  const model = new SharedModel();
  const applied = new AppliedSequences();
  for (const { partition, region, sequence, time, body } of messages)
    if (applied.claim(partition, sequence)) model.merge(region, body, time);
  return model;
}

const deliveries = fc.array(step, { minLength: 14, maxLength: 120 }).chain((steps) => {
  const sent = messagesOf(steps);
  return fc
    .record({
      lost: fc.subarray(sent),
      again: fc.array(fc.constantFrom(...sent), { maxLength: 20 }),
      order: fc.infiniteStream(fc.nat(1_000_000)),
    })
    .map(({ lost, again, order }) => {
      const arrived = sent.filter((message) => !lost.includes(message));
      const repeated = again.filter((message) => !lost.includes(message));
      const shuffled = [...arrived, ...repeated]
        .map((message) => ({ message, at: order.next().value ?? 0 }))
        .sort((a, b) => a.at - b.at)
        .map(({ message }) => message);
      return { arrived, shuffled };
    });
});

describe("reports that are redelivered, reordered and lost", () => {
  it("give the model that exactly-once delivery gives, lost ones aside", () => {
    fc.assert(
      fc.property(deliveries, ({ arrived, shuffled }) => {
        const once = deliver(arrived);
        const messy = deliver(shuffled);
        for (const now of [START + 60_000, START + 3_600_000, START + 30 * 86_400_000]) {
          expect(
            difference(probabilities(once, KEYS, now), probabilities(messy, KEYS, now)),
          ).toBeLessThanOrEqual(1e-9);
          const target = (region: string) => region;
          const maps = [once, messy].map((model) => {
            const map = model.probabilityMap(now, target);
            return new Map(
              Object.entries(map).flatMap(([type, row]) =>
                Object.entries(row).map(([shard, entry]) => [`${type}>${shard}`, entry.probability] as const),
              ),
            );
          });
          expect(difference(maps[0] as never, maps[1] as never)).toBeLessThanOrEqual(1e-9);
        }
      }),
      { seed: 41, numRuns: 60 },
    );
  });

  it("give the same demand, rates and correlations", () => {
    fc.assert(
      fc.property(deliveries, ({ arrived, shuffled }) => {
        const now = START + 600_000;
        const once = deliver(arrived);
        const messy = deliver(shuffled);
        const numbers = (model: SharedModel) =>
          new Map([
            ...["weur", "enam"].flatMap((region) =>
              model.demand(region, now).map((one) => [`${region} ${one.shard}`, one.requests] as const),
            ),
            ...model.rates(now).map((rate) => [`rate ${rate.region} ${rate.type}`, rate.perSecond] as const),
            ...model.correlations(now).map((c) => [`${c.type} ${c.next}`, c.coefficient] as const),
          ]);
        expect(difference(numbers(once), numbers(messy))).toBeLessThanOrEqual(1e-9);
      }),
      { seed: 42, numRuns: 60 },
    );
  });
});
