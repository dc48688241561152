import { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { Bindings } from "../../src/bindings.ts";
import type { ChangeMessage } from "../../src/contract/messages.ts";
import type { ReadRequest } from "../../src/contract/partition-protocol.ts";
import { ProblemError } from "../../src/contract/problems.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { CLOCK_TOLERANCE } from "../../src/core/coherence/lease.ts";
import type { Region } from "../../src/core/placement/regions.ts";
import { parsePartitionName } from "../../src/core/routing/route.ts";
import { readDirectly } from "../../src/http/direct-read.ts";
import { ChangesQueue } from "./changes-queue.ts";
import type { Bounds } from "./checker.ts";
import type { Fault, Read, Write } from "./history.ts";
import { GoneError, InstanceLifetime } from "./instance-lifetime.ts";
import type { Mutation } from "./mutation.ts";
import { NetworkLink } from "./network-link.ts";
import { Prng } from "./prng.ts";
import { ReferenceStore, StorageLink } from "./reference-store.ts";
import { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { SimulatedPartition } from "./simulated-partition.ts";

export const BOUNDS: Bounds = {
  freshness: 30_000,
  staleIfError: 300_000,
  // Copies on disk carry the time of the machine that made them; clocks show whole ms.
  slack: CLOCK_TOLERANCE + 1,
};

/** A region: its partition, the edge in front of it, and the ways between. */
export interface Place {
  readonly region: Region;
  readonly partition: SimulatedPartition;
  /** From the edge near it to the partition: reads, and what its users wrote. */
  readonly way: NetworkLink;
  /** From everywhere else to the partition: what others wrote. */
  readonly farWay: NetworkLink;
  /** From the partition to the coordinator. */
  readonly heartbeats: HeartbeatWay;
  readonly partitionStorage: StorageLink;
  readonly edgeStorage: StorageLink;
  readonly dice: Prng;
  silentUntil: number;
}

/** How heartbeats fare: shares of those lost on the way, answered to nobody, or held up. */
export interface HeartbeatWay {
  troubleUntil: number;
}

/** A few regions with real partitions, one coordinator, one storage, and what is between them. */
export class Simulation {
  readonly time = new VirtualTime();
  readonly dice: Prng;
  readonly truth: ReferenceStore;
  readonly places: readonly Place[];
  readonly coordinator: SimulatedCoordinator;
  readonly changes: ChangesQueue;
  /** What an edge Worker has. */
  readonly env: Bindings;
  readonly operations: (Read | Write)[] = [];
  readonly faults: Fault[] = [];
  /** A Worker's clock: what dates deletes. */
  readonly edgeLife: InstanceLifetime;

  constructor(seed: number, regions: readonly Region[], sabotage: Mutation | undefined) {
    const dice = new Prng(seed);
    this.dice = dice;
    this.truth = new ReferenceStore(this.time, dice.fork());
    this.edgeLife = new InstanceLifetime(this.time, dice.fork());
    this.coordinator = new SimulatedCoordinator(this.time, dice.fork(), (name, changes) =>
      this.#tell(name, "farWay", changes),
    );
    this.places = regions.map((region) => this.#place(region, sabotage));
    this.changes = new ChangesQueue(this.time, dice.fork(), this.#environment("farWay"));
    this.env = this.#environment("way");
  }

  fault(kind: string, where: string, detail = ""): void {
    this.faults.push({ at: this.time.now, kind, where, detail });
  }

  /** Reads as the edge does: through the partition, and straight from the storage when that does not work. */
  async read(place: Place, read: ReadRequest): Promise<Response> {
    const response = await this.#askPartition(place, read).catch((error: unknown) => {
      if (error instanceof ProblemError) throw error;
      return null;
    });
    if (response !== null) return response;
    const status = "Foreshard; fwd=bypass; detail=partition-unavailable";
    return (
      await readDirectly(place.edgeStorage, read, status, { start: this.time.now, now: () => this.time.now })
    ).response;
  }

  /** Tells one partition of changes, once. */
  async #tell(name: string, way: "way" | "farWay", changes: readonly Change[]): Promise<void> {
    const place = this.places.find(({ partition }) => partition.address.name === name);
    if (place === undefined) throw new Error(`there is no partition ${name}`);
    await place[way].call(() => place.partition.invalidate(changes));
  }

  #askPartition({ way, partition }: Place, read: ReadRequest): Promise<Response> {
    return way.call(() => partition.life.within(partition.read(read)));
  }

  #place(region: Region, sabotage: Mutation | undefined): Place {
    const dice = this.dice.fork();
    const address = parsePartitionName(`g1:${region}:0`);
    if (address === null) throw new Error("not a partition's name");
    const partitionStorage = new StorageLink(this.truth, this.time, dice.fork());
    const heartbeats: HeartbeatWay = { troubleUntil: 0 };
    const partition = new SimulatedPartition({
      address,
      time: this.time,
      dice: dice.fork(),
      store: partitionStorage,
      bounds: BOUNDS,
      sabotage,
      sendHeartbeat: (sinceLast) => this.#heartbeat(address.name, region, sinceLast, heartbeats, dice),
    });
    return {
      region,
      partition,
      way: new NetworkLink(this.time, dice.fork()),
      farWay: new NetworkLink(this.time, dice.fork()),
      heartbeats,
      partitionStorage,
      edgeStorage: new StorageLink(this.truth, this.time, dice.fork()),
      dice,
      silentUntil: 0,
    };
  }

  /** A heartbeat's way: in trouble it is lost, or its answer is, or either comes late. */
  async #heartbeat(
    name: string,
    region: Region,
    sinceLast: number | undefined,
    way: HeartbeatWay,
    dice: Prng,
  ) {
    const trouble = (): Promise<void> => this.#heartbeatTrouble(region, way, dice);
    await trouble();
    const answer = await this.coordinator.heartbeat(name, region, sinceLast);
    await trouble();
    return answer;
  }

  async #heartbeatTrouble(region: Region, { troubleUntil }: HeartbeatWay, dice: Prng): Promise<void> {
    await this.time.sleep(dice.around(25));
    if (this.time.now >= troubleUntil) return;
    if (dice.chance(0.3)) {
      this.fault("heartbeat lost", region);
      throw new GoneError("the heartbeat was lost");
    }
    if (!dice.chance(0.5)) return;
    const late = dice.between(0, 28_000);
    this.fault("heartbeat late", region, `${Math.round(late)} ms`);
    await this.time.sleep(late);
  }

  /** The bindings that announcing and consuming changes use. */
  #environment(way: "way" | "farWay"): Bindings {
    const hop = async <T>(work: () => Promise<T>): Promise<T> => {
      await this.time.sleep(this.dice.around(10));
      const result = await work();
      await this.time.sleep(this.dice.around(10));
      return result;
    };
    const coordinator = {
      announceStrong: (changes: readonly Change[]) => hop(() => this.coordinator.announceStrong(changes)),
      leasedMembers: () => hop(() => this.coordinator.leasedMembers()),
    };
    const partition = (name: string) => ({
      invalidate: (changes: readonly Change[]) => this.#tell(name, way, changes),
    });
    return {
      COORDINATOR: { getByName: () => coordinator },
      PARTITION: { idFromName: (name: string) => name, get: partition, getByName: partition },
      CHANGES: { send: (message: ChangeMessage) => this.changes.send(message) },
    } as unknown as Bindings;
  }
}
