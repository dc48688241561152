/**
 * What learning across partitions costs: a report in the partition, its merge in the coordinator, and the coordinator
 * under a thousand partitions. `node bench/correlation.ts`
 */
import { SharedModel } from "../src/core/correlation/shared-model.ts";
import { SeededRandom } from "../src/core/random.ts";
import { noCounts } from "../src/core/reporting/read-counts.ts";
import type { ReportBody } from "../src/core/reporting/report.ts";
import { Reporter } from "../src/core/reporting/reporter.ts";

const PARTITIONS = 1_000;
/** Events of one report, as the partition sends one at the latest. */
const EVENTS = 500;
const USERS = 200;
const SHARDS = 20_000;
const TYPES = ["read", "login", "open", "search", "save"];
const REGIONS = ["wnam", "enam", "sam", "weur", "eeur", "apac", "apac-ne", "apac-se", "oc", "afr", "me"];
const START = Date.UTC(2026, 0, 5);
const SIMULATED_SECONDS = 20;

const random = new SeededRandom(1);
/** Popular shards first, as in most traces: cubed uniform. */
const pickShard = (): number => Math.floor((random.next() / 2 ** 31) ** 3 * SHARDS);

const targetOf = (region: string): string => `g1:${region}:0`;

interface Partition {
  readonly reporter: Reporter;
  readonly at: Map<number, number>;
}

/** One report's worth of events: users follow sequences of five shards, then jump. */
function events(at: Map<number, number>, start: number) {
  return Array.from({ length: EVENTS }, (_, i) => {
    const user = random.below(USERS);
    const before = at.get(user);
    const shard = before === undefined || before % 5 === 4 ? pickShard() : before + 1;
    at.set(user, shard);
    return {
      type: shard % 5 === 0 ? (TYPES[random.below(TYPES.length)] as string) : "read",
      shard: `tiles/level-${shard % 7}/${shard}`,
      user: `u${user}`,
      time: start + i * 10,
      isRead: true,
    };
  });
}

interface Times {
  /** CPU of this thread, ms: others on the machine disturb it less; in steps of some ms, so only its mean says much. */
  cpu: number;
  readonly clock: number[];
}
const times = (): Times => ({ cpu: 0, clock: [] });

function timed<T>(into: Times, work: () => T): T {
  const before = process.threadCpuUsage();
  const from = performance.now();
  const result = work();
  into.clock.push(performance.now() - from);
  const { user, system } = process.threadCpuUsage(before);
  into.cpu += (user + system) / 1_000;
  return result;
}

const quantile = (values: readonly number[], q: number): string =>
  ([...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number).toFixed(2);

const line = (what: string, { cpu, clock }: Times): void =>
  console.log(
    `${what.padEnd(44)} CPU mean ${(cpu / clock.length).toFixed(2)} ms; clock median ${quantile(clock, 0.5)}, p95 ${quantile(clock, 0.95)}`,
  );

function measureReports(): ReportBody[] {
  const reports: ReportBody[] = [];
  const partitions: Partition[] = Array.from({ length: 20 }, () => ({
    reporter: new Reporter(),
    at: new Map(),
  }));
  let [observing, taking] = [times(), times()];
  for (let round = 0; round < 40; round++) {
    // The first rounds are compiled on the way.
    if (round === 10) [observing, taking] = [times(), times()];
    for (const { reporter, at } of partitions) {
      const batch = events(at, START + round * 5_000);
      timed(observing, () => {
        for (const event of batch) reporter.observe(event);
      });
      const body = timed(taking, () => reporter.take(noCounts()));
      if (body !== null) reports.push(body);
    }
  }
  line(`partition: ${EVENTS} events observed`, observing);
  line("partition: report taken (bar: 2)", taking);
  const sizes = reports.map((body) => JSON.stringify(body).length / 1_024);
  const edges = reports.map((body) => body.edges.length);
  console.log(`report: at most ${quantile(sizes, 1)} KiB (bar: 64), median ${quantile(edges, 0.5)} edges`);
  return reports;
}

/** 200 reports and 100 heartbeats a second, changes asked for with each report, a scan a minute, a save each 5 s. */
function measureCoordinator(reports: readonly ReportBody[]): void {
  const model = new SharedModel();
  const merging = times();
  const slicing = times();
  const saving = times();
  const scanning = times();
  const watching = times();
  const versions = new Float64Array(PARTITIONS);
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => {
    const region = REGIONS[i % REGIONS.length] as string;
    return { name: `g1:${region}:${i}`, region, cold: i % 100 === 0 };
  });
  let sliceBytes = 0;
  let planned = 0;
  for (let i = 0; i < SIMULATED_SECONDS * 200; i++) {
    const now = START + 200_000 + i * 5;
    const body = reports[i % reports.length] as ReportBody;
    for (const rate of body.rates) rate[1] = Math.floor(now / 10_000);
    timed(merging, () => model.merge(REGIONS[i % REGIONS.length] as string, body, now));
    if (i % 2 === 0) {
      const partition = (i / 2) % PARTITIONS;
      const slice = timed(slicing, () =>
        model.deltaSince(versions[partition] as number, REGIONS[partition % REGIONS.length] as string, now),
      );
      if (slice !== null) versions[partition] = slice.version;
      if (slice !== null && i % 500 === 0) sliceBytes = Math.max(sliceBytes, JSON.stringify(slice).length);
    }
    timed(watching, () => model.anyChangedSince(now - 5, now));
    if (i % 1_000 === 999) timed(saving, () => JSON.stringify(model.toState()));
    if (i % 12_000 === 3_000)
      planned = timed(scanning, () => model.planScan(now, partitions, targetOf)).length;
  }
  line("coordinator: merge of a report (bar: 3)", merging);
  line("coordinator: watch for changed rates", watching);
  line("coordinator: slice for a heartbeat", slicing);
  line("coordinator: state written", saving);
  line(`coordinator: scan, ${planned} partitions planned for`, scanning);
  const busy = [merging, watching, slicing, saving, scanning].reduce((sum, { cpu }) => sum + cpu, 0);
  console.log(`slice: ${(sliceBytes / 1_024).toFixed(1)} KiB`);
  console.log(`state: ${(model.toState().data.length / 1_048_576).toFixed(2)} MiB`);
  const share = (busy / (SIMULATED_SECONDS * 1_000)) * 100;
  console.log(`${PARTITIONS} partitions: ${share.toFixed(1)} % of one core (bar: 50)`);
}

measureCoordinator(measureReports());
