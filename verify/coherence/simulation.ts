import type { PartitionNode } from "../../durable-objects/partition/partition-node.ts";
import { GoneError, InstanceLifetime } from "../../simulator/platform/instance-lifetime.ts";
import type { NodeHost } from "../../simulator/platform/node-host.ts";
import { Prng } from "../../simulator/platform/prng.ts";
import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { Bindings } from "../../src/bindings.ts";
import type { PrefetchMessage, Report } from "../../src/contract/messages.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import type { Heartbeat } from "../../src/contract/rpc.ts";
import { DEFAULT_SETTINGS, type VersionedSettings } from "../../src/contract/settings.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { CLOCK_TOLERANCE, LEASE_TERM } from "../../src/core/coherence/lease.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import { type PartitionAddress, parsePartitionName } from "../../src/core/routing/route.ts";
import { readFromPartition } from "../../src/edge/partition-read.ts";
import { consumeChanges } from "../../src/queues/changes.ts";
import { consumeEvents } from "../../src/queues/events.ts";
import { consumePrefetches } from "../../src/queues/prefetch.ts";
import { resilient } from "../../src/storage/resilient-store.ts";
import type { ShardStore } from "../../src/storage/shard-store.ts";
import { simulatedBindings } from "./bindings.ts";
import type { Bounds } from "./checker.ts";
import { CoordinatorHost } from "./coordinator-instance.ts";
import { type Fault, nameOf, type Read, type Write } from "./history.ts";
import { NetworkLink, UnreachableError } from "./network-link.ts";
import { hostPartition } from "./partition-instance.ts";
import { AtLeastOnceQueue } from "./queue.ts";
import { ReferenceStore, StorageLink } from "./reference-store.ts";

export const BOUNDS: Bounds = {
  freshness: DEFAULT_SETTINGS.freshnessSeconds * 1_000,
  staleIfError: DEFAULT_SETTINGS.staleIfErrorSeconds * 1_000,
  absence: 10_000,
  logged: LEASE_TERM,
  // Copies carry the time of the clock that dated them; clocks show whole ms.
  slack: CLOCK_TOLERANCE + 1,
};

/** Small enough for evictions, large enough for hits. */
const MEMORY_BYTES = 24_000;
const DISK_BYTES = 60_000;
const CACHEABLE_BYTES = 16_000;

type PartitionHost = NodeHost<PartitionNode>;

/** A region: its partition, the edge in front of it, and the ways between. */
export interface Place {
  readonly region: Region;
  readonly address: PartitionAddress;
  readonly partition: PartitionHost;
  /** From the edge near it to the partition: reads, and what its users wrote. */
  readonly link: NetworkLink;
  /** From everywhere else to the partition: what others wrote. */
  readonly farLink: NetworkLink;
  readonly heartbeats: HeartbeatTrouble;
  readonly partitionStorage: StorageLink;
  readonly edgeStorage: StorageLink;
  /** The storage as the edge uses it. */
  readonly edgeStore: ShardStore;
  /** The machine of the edge's Worker. */
  readonly edge: InstanceLifetime;
  readonly prng: Prng;
  silentUntil: number;
}

/** Until when heartbeats are lost on the way, answered to nobody, or held up. */
export interface HeartbeatTrouble {
  troubleUntil: number;
}

/** A few regions with the production nodes, one coordinator, one storage, queues, and what is between them. */
export class Simulation {
  readonly time = new VirtualTime();
  readonly prng: Prng;
  readonly truth: ReferenceStore;
  readonly places: readonly Place[];
  readonly coordinator: CoordinatorHost;
  readonly changes: AtLeastOnceQueue<unknown>;
  readonly prefetches: AtLeastOnceQueue<PrefetchMessage>;
  readonly events: AtLeastOnceQueue<Report>;
  /** What an edge Worker has. */
  readonly env: Bindings;
  readonly operations: (Read | Write)[] = [];
  readonly faults: Fault[] = [];
  /** When each change was first logged; see {@link nameOf}. */
  readonly logged = new Map<string, number>();
  /** Messages that the consumers could not read. */
  deadLetters = 0;
  settings: VersionedSettings = {
    version: 1,
    settings: {
      ...DEFAULT_SETTINGS,
      memoryBytes: MEMORY_BYTES,
      diskBytes: DISK_BYTES,
      cacheableBytes: CACHEABLE_BYTES,
      // Whether it pays is not the question here: what is fetched ahead must be as current as all else.
      prefetchMode: "threshold",
      prefetchThreshold: 0.01,
    },
  };

  constructor(seed: number, regions: readonly Region[]) {
    const prng = new Prng(seed);
    this.prng = prng;
    this.truth = new ReferenceStore(this.time, prng.fork());
    const bindings = (link: "link" | "farLink"): Bindings =>
      simulatedBindings({
        callPartition: (name, work) => {
          const place = this.#placeOf(name);
          return place[link].call(() => place.partition.call(work));
        },
        callCoordinator: (work) => this.coordinator.call(work),
        sendChange: (message) => this.changes.send(message),
        noteLogged: (changes) => {
          for (const change of changes) this.#noteLogged(change);
        },
        noteDeadLetters: (letters) => {
          this.deadLetters += letters.length;
        },
      });
    const [near, far] = [bindings("link"), bindings("farLink")];
    this.env = near;
    this.coordinator = this.#hostCoordinator(far);
    const queue = <Body>(name: string, consume: (batch: MessageBatch) => Promise<void>) =>
      new AtLeastOnceQueue<Body>({ name, time: this.time, prng: prng.fork(), consume });
    this.changes = queue("changes", (batch) => consumeChanges(batch, far));
    this.events = queue("events", (batch) => consumeEvents(batch, far));
    this.prefetches = queue("prefetch", (batch) => consumePrefetches(batch, far, () => this.time.now));
    this.places = regions.map((region) => this.#place(region));
  }

  fault(kind: string, where: string, detail = ""): void {
    this.faults.push({ at: this.time.now, kind, where, detail });
  }

  /** Reads as the edge does: through the partition, and straight from the storage when that does not work. */
  read({ address, edge, edgeStore }: Place, read: ReadRequest): Promise<Response> {
    return readFromPartition(this.env, address, read, { clock: edge.clock, store: edgeStore });
  }

  changeSettings(change: Partial<VersionedSettings["settings"]>): void {
    const { version, settings } = this.settings;
    this.settings = { version: version + 1, settings: { ...settings, ...change } };
    this.coordinator.call((node) => node.settingsChanged(this.settings)).catch(() => undefined);
  }

  close(): void {
    this.coordinator.close();
    for (const { partition } of this.places) partition.close();
  }

  #noteLogged(change: Change): void {
    const name = nameOf(change);
    if (!this.logged.has(name)) this.logged.set(name, this.time.now);
  }

  #placeOf(name: string): Place {
    const place = this.places.find(({ address }) => address.name === name);
    if (place === undefined) throw new Error(`there is no partition ${name}`);
    return place;
  }

  #hostCoordinator({ PARTITION }: Bindings): CoordinatorHost {
    return new CoordinatorHost(this.time, this.prng.fork(), {
      readSettings: async () => {
        await this.time.sleep(this.prng.around(5));
        if (this.prng.chance(0.02)) throw new UnreachableError("the settings object does not answer");
        return this.settings;
      },
      partition: (name) => PARTITION.getByName(name),
      sendPrefetchBatch: (batch) =>
        Promise.all(batch.map(({ body, delaySeconds }) => this.prefetches.send(body, delaySeconds))),
    });
  }

  #place(region: Region): Place {
    const prng = this.prng.fork();
    const address = parsePartitionName(`g1:${region}:0`);
    if (address === null) throw new Error("not a partition's name");
    const partitionStorage = new StorageLink(this.truth, this.time, prng.fork());
    const edgeStorage = new StorageLink(this.truth, this.time, prng.fork());
    const edge = new InstanceLifetime(this.time, prng.fork());
    const heartbeats: HeartbeatTrouble = { troubleUntil: 0 };
    const partition = hostPartition({
      address,
      time: this.time,
      prng: prng.fork(),
      store: partitionStorage,
      heartbeat: (beat) => this.#heartbeat(beat, heartbeats, prng),
      sendReport: (report) => this.events.send(report),
      sendPrefetch: (message, delaySeconds) => this.prefetches.send(message, delaySeconds),
    });
    return {
      region,
      address,
      partition,
      link: new NetworkLink(this.time, prng.fork()),
      farLink: new NetworkLink(this.time, prng.fork()),
      heartbeats,
      partitionStorage,
      edgeStorage,
      edgeStore: resilient(edgeStorage, { clock: edge.clock, retries: 0 }),
      edge,
      prng,
      silentUntil: 0,
    };
  }

  /** A heartbeat's way: in trouble it is lost, or its answer is, or either comes late. */
  async #heartbeat(beat: Heartbeat, trouble: HeartbeatTrouble, prng: Prng): Promise<unknown> {
    await this.#heartbeatTrouble(beat.region, trouble, prng);
    const answer = await this.coordinator.call((node) => node.heartbeat(beat));
    await this.#heartbeatTrouble(beat.region, trouble, prng);
    return structuredClone(answer);
  }

  async #heartbeatTrouble(region: Region, { troubleUntil }: HeartbeatTrouble, prng: Prng): Promise<void> {
    await this.time.sleep(prng.around(25));
    if (this.time.now >= troubleUntil) return;
    if (prng.chance(0.3)) {
      this.fault("heartbeat lost", region);
      throw new GoneError("the heartbeat was lost");
    }
    if (!prng.chance(0.5)) return;
    const late = prng.between(0, 28_000);
    this.fault("heartbeat late", region, `${Math.round(late)} ms`);
    await this.time.sleep(late);
  }
}
