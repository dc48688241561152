import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { commandOf, runCommand, wholeNumber } from "../cli/command.ts";
import { parseCapacity } from "../simulator/capacity.ts";
import { Foreshard } from "../simulator/foreshard.ts";
import { readTrace } from "../simulator/read-trace.ts";
import { simulate } from "../simulator/simulate.ts";
import { noRequest } from "../simulator/simulated-cache.ts";
import { DEFAULT_SETTINGS } from "../src/core/engine/settings.ts";
import { bytes, epochMillis } from "../src/core/units.ts";
import { SyntheticEvents } from "./synthetic.ts";

/** Observe, predict and cache together, in events a second: what must be, and what is aimed at. */
const MIN_SPEED = 60_000;
const AIMED_SPEED = 200_000;
/** How much dearer an event may be among a hundred times as many objects. */
const MAX_GROWTH = 1.5;
const FEW_OBJECTS = 10_000;
const MANY_OBJECTS = 1_000_000;
/** The same share of the objects, few or many, so that the cache hits about as often. */
const CACHE_SHARE = 0.05;
/** Enough events for the model to be full before it is timed. */
const WARMING_EVENTS = 600_000;
const TIMED_EVENTS = 250_000;
const ENDURANCE_EVENTS = 10_000_000;
/** Repetitions, the best of which counts: another process can only make a run slower. */
const ROUNDS = 3;
const MIB = 2 ** 20;

const say = (what: string, figure: string, met: boolean): void =>
  console.log(`${what}: ${figure}: ${met ? "met" : "MISSED"}`);

const whole = (number: number): string => Math.round(number).toLocaleString("en-US");

/** Events a second on real traces, in a cache of 5 %. */
async function speedOnTraces(paths: readonly string[]): Promise<void> {
  for (const path of paths.flatMap(traceFiles)) {
    const { trace } = await readTrace(path);
    const setting = {
      policy: "foreshard",
      capacity: parseCapacity("5%", trace),
      cost: DEFAULT_SETTINGS.cost,
    };
    const best = trace.length / Math.min(...rounds(() => secondsOf(() => simulate(trace, setting))));
    const figure = `${whole(best)} events/s, at least ${whole(MIN_SPEED)}, aim ${whole(AIMED_SPEED)}`;
    say(trace.name, figure, best >= MIN_SPEED);
  }
}

const traceFiles = (path: string): string[] =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? readdirSync(path)
        .filter((name) => name.endsWith(".csv.gz"))
        .map((name) => join(path, name))
    : [path];

/** Cost of an event among few objects and among many. */
function growth(): void {
  const few = Math.min(...rounds(() => microsecondsPerEvent(FEW_OBJECTS)));
  const many = Math.min(...rounds(() => microsecondsPerEvent(MANY_OBJECTS)));
  const objects = `${whole(MANY_OBJECTS)} objects against ${whole(FEW_OBJECTS)}`;
  const figure = `${many.toFixed(1)} µs against ${few.toFixed(1)} µs, ${(many / few).toFixed(2)} times, at most ${MAX_GROWTH}`;
  say(`an event, ${objects}`, figure, many / few <= MAX_GROWTH);
}

/** Processor time, all threads of this process together: other processes on the machine do not count. */
const secondsOf = (act: () => void): number => {
  const before = process.cpuUsage();
  act();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

const rounds = (measure: () => number): number[] => Array.from({ length: ROUNDS }, measure);

const microsecondsPerEvent = (objects: number): number => {
  const partition = new SyntheticPartition(objects);
  partition.serve(WARMING_EVENTS);
  return (secondsOf(() => partition.serve(TIMED_EVENTS)) * 1e6) / TIMED_EVENTS;
};

/** Memory through many events over many objects: what the model says of itself, and what the heap says. */
function endurance(events: number): void {
  const before = heapInUse();
  const partition = new SyntheticPartition(MANY_OBJECTS);
  let most = 0;
  for (let served = 0; served < events; served += TIMED_EVENTS) {
    partition.serve(TIMED_EVENTS);
    most = Math.max(most, partition.modelBytes);
  }
  const grown = heapInUse() - before;
  const allowed = DEFAULT_SETTINGS.modelBytes;
  const what = `the model after ${whole(events)} events over ${whole(MANY_OBJECTS)} objects`;
  say(what, `${(most / MIB).toFixed(1)} MiB, at most ${allowed / MIB} MiB`, most <= allowed);
  console.log(`the heap grew by ${(grown / MIB).toFixed(1)} MiB, residents and users included`);
  // Keeps the partition alive until its memory has been counted.
  partition.serve(1);
}

/** A partition that made-up users read from. */
class SyntheticPartition {
  readonly #events: SyntheticEvents;
  readonly #foreshard: Foreshard;
  readonly #request = { ...noRequest(), eventType: "read" };

  constructor(objects: number) {
    this.#events = new SyntheticEvents(objects);
    this.#foreshard = new Foreshard("foreshard", bytes(objects * CACHE_SHARE), {});
  }

  get modelBytes(): number {
    return this.#foreshard.modelBytes;
  }

  serve(events: number): void {
    const request = this.#request;
    for (let served = 0; served < events; served++) {
      const event = this.#events.next();
      request.time = epochMillis(event.time);
      request.client = event.user;
      request.object = event.object;
      if (!this.#foreshard.request(request)) this.#foreshard.fill(request);
      for (const object of this.#foreshard.plan(request)) {
        this.#foreshard.fillPrefetched(object, request.size, request.time);
      }
    }
  }
}

/** What is still referred to. Typed arrays live outside V8's own heap, so both are counted. */
const heapInUse = (): number => {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const command = commandOf(
  "bench:core",
  "Measures what the core costs: events a second, growth with the number of objects, memory.",
)
  .argument("[traces...]", "trace files, or folders of them")
  .option("--events <n>", "events for the memory measurement", wholeNumber(1), ENDURANCE_EVENTS)
  .action(async (paths: string[], options: { events: number }) => {
    await speedOnTraces(paths);
    growth();
    endurance(options.events);
  });

await runCommand(async () => {
  await command.parseAsync();
  return true;
});
