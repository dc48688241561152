import { type Migration, migrate } from "../../migrations/migrate.ts";
import { type DeadLetter, type Report, toPlanned } from "../../src/contract/messages.ts";
import type { RoutingState } from "../../src/contract/routing-state.ts";
import type { CoordinatorOverview, Heartbeat, HeartbeatAnswer } from "../../src/contract/rpc.ts";
import type { VersionedSettings } from "../../src/contract/settings.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import type { Change, LoggedChanges } from "../../src/core/coherence/change.ts";
import { type Announcement, LeaseManager } from "../../src/core/coherence/lease-manager.ts";
import { type Member, Membership } from "../../src/core/coherence/membership.ts";
import type { ModelPart, SharedModel } from "../../src/core/correlation/shared-model.ts";
import {
  type Placement,
  type RegionMove,
  rebalance,
  warmingProbability,
} from "../../src/core/placement/rebalance.ts";
import { isRegion } from "../../src/core/placement/regions.ts";
import { INITIAL_TOPOLOGY, spreadRegions, type Topology } from "../../src/core/placement/topology.ts";
import { ownerOf } from "../../src/core/routing/route.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/core/units.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import { BlobStore } from "./blob-store.ts";
import { ChangeLog } from "./change-log.ts";
import { DeadLetters } from "./dead-letters.ts";
import { KnownSettings } from "./known-settings.ts";
import { Learned } from "./learned.ts";
import { MemberStore } from "./member-store.ts";
import { messagesFor, type QueuedPrefetch, sendPrefetches } from "./prefetch-sender.ts";
import { Scanner } from "./scanner.ts";
import { coordinatorStateSchema } from "./state.ts";

/** How long after a change the model is stored: a crash loses at most this much of what was learned. */
const SAVE_AFTER = 5 * SECOND;
/** Partitions not heard of for this long are forgotten: they have had no lease for long. */
const MEMBER_FORGOTTEN_AFTER = 7 * DAY;
/** Partitions heard of within this time count as active: they are warmed and shown. */
const MEMBER_ACTIVE_WITHIN = HOUR;
/** How often what is learned is scanned for what to fetch, while reports come in; the Cron Trigger scans besides. */
const SCAN_EVERY = MINUTE;
/** How long warming a shard stays worth it. */
const WARMING_FOR = 10 * MINUTE;

/** All that the coordinator has of the world around it. */
export interface CoordinatorNodeDeps {
  readonly storage: NodeStorage;
  /** Steps of the storage's schema. */
  readonly migrations: readonly Migration[];
  readonly clock: Clock;
  /** Reads the settings object. */
  readonly readSettings: () => Promise<VersionedSettings>;
  readonly partition: (name: string) => {
    hear(logged: LoggedChanges): Promise<unknown>;
    forget(): Promise<unknown>;
  };
  /** The topology to begin with, where none is stored; for simulations. */
  readonly topology?: Topology;
  /** One batch for the queue `prefetch`. */
  readonly sendPrefetchBatch: (batch: readonly QueuedPrefetch[]) => Promise<unknown>;
  /** Parts of the shared model left out, to measure what they add. */
  readonly without?: readonly ModelPart[];
}

/**
 * The coordinator, platform aside: merges what partitions learned into the correlation matrix and the prefetch
 * probability map, and knows who is there: leases, membership, placement, topology. Never on the read path.
 */
export class CoordinatorNode {
  readonly #deps: CoordinatorNodeDeps;
  readonly #blobs: BlobStore;
  readonly #deadLetters: DeadLetters;
  readonly #learned: Learned;
  readonly #scanner: Scanner;
  readonly #membership = new Membership();
  readonly #memberStore: MemberStore;
  readonly #leases: LeaseManager;
  #placement: Placement = {};
  #topology: Topology;
  readonly #settings: KnownSettings;
  #saveSet = false;
  #damaged = false;

  constructor(deps: CoordinatorNodeDeps) {
    this.#deps = deps;
    const { storage, migrations } = deps;
    migrate(storage, migrations);
    this.#blobs = new BlobStore(storage);
    this.#deadLetters = new DeadLetters(storage.sql);
    this.#memberStore = new MemberStore(storage.sql);
    this.#leases = this.#makeLeaseManager();
    this.#learned = new Learned(deps.without);
    this.#scanner = new Scanner({
      plan: (now, partitions) => this.#model.planScan(now, partitions, this.#targetOf),
      unplan: (plans) => this.#model.unplan(plans),
      send: (messages) => this.#send(messages),
    });
    this.#settings = new KnownSettings(deps.clock, deps.readSettings);
    this.#topology = deps.topology ?? INITIAL_TOPOLOGY;
    this.#restoreMembers();
    this.#restore();
  }

  async heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    const settings = await this.#settings.current();
    const logged = this.#leases.renew(beat.partition, beat.region, beat.at);
    this.#noticeCold(beat.partition, beat.incarnation);
    const mapDelta = this.#model.deltaSince(beat.mapVersion, beat.region, this.#now());
    return {
      logged,
      warm: this.#placement[beat.region] ?? [],
      ...(settings.version !== beat.settingsVersion && { settings }),
      ...(this.#topology.version !== beat.topologyVersion && { topology: this.#topology }),
      ...(mapDelta !== null && { mapDelta }),
    };
  }

  applyReports(reports: readonly Report[]): number {
    const now = this.#now();
    const fresh = this.#learned.apply(reports, now);
    if (fresh > 0) {
      this.#saveSoon();
      // A rate that has changed significantly does not wait for the next periodic scan.
      if (this.#model.anyChangedSince(this.#scanner.scannedAt, now)) this.#scanAll();
    }
    return fresh;
  }

  async routingState(): Promise<RoutingState> {
    return { topology: this.#topology, settings: await this.#settings.current() };
  }

  settingsChanged(settings: VersionedSettings): void {
    this.#settings.heard(settings);
  }

  members(): readonly string[] {
    return this.#membership.entries().map(([name]) => name);
  }

  announceBounded(changes: readonly Change[]): Announcement {
    return this.#leases.announceBounded(changes);
  }

  announceStrong(changes: readonly Change[]): Promise<void> {
    return this.#leases.announceStrong(changes);
  }

  /**
   * One round of placement: warms what became hot in each region, releases what became cold. A round whose messages the
   * queue did not take has not been: the next one finds the same moves.
   */
  async rebalance(): Promise<readonly RegionMove[]> {
    const now = this.#now();
    const { warmShardsPerRegion, pinned } = (await this.#settings.current()).settings;
    const active = this.#activeMembers(now);
    const regions = [...new Set(active.map(([, { region }]) => region))];
    const { placement, moves } = rebalance(
      this.#placement,
      regions.map((region) => ({ region, demand: this.#model.demand(region, now) })),
      { warmShardsPerRegion, pinned },
    );
    await this.#send(moves.flatMap((move) => this.#warmingMessages(move, active, pinned, now)));
    this.#placement = placement;
    this.#topology = spreadRegions(this.#topology, (region) => this.#model.demand(region, now));
    this.#saveSoon();
    this.#scanAll();
    return moves;
  }

  recordDeadLetters(letters: readonly DeadLetter[]): void {
    this.#deadLetters.record(letters, this.#now());
  }

  overview(): CoordinatorOverview {
    const now = this.#now();
    return {
      members: this.#membership.entries().map(([partition, member]) => ({ partition, ...member })),
      correlations: this.#model.correlations(now),
      surges: this.#model.surges(now),
      probabilityMap: this.#model.probabilityMap(now, this.#targetOf),
      placement: this.#placement,
      topology: this.#topology,
      rates: this.#model.rates(now),
      outcomes: this.#model.outcomes(now),
      totals: this.#learned.totals(),
      calibration: this.#model.calibration(now),
      scans: this.#scanner.scans,
      deadLetters: this.#deadLetters.list(),
      learnedStateWasDamaged: this.#damaged,
    };
  }

  async forget(): Promise<void> {
    this.#learned.clear();
    this.#placement = {};
    this.#save();
    await Promise.all(this.members().map((name) => this.#deps.partition(name).forget()));
  }

  alarm(): void {
    this.#saveSet = false;
    this.#save();
    if (this.#now() - this.#scanner.scannedAt >= SCAN_EVERY) this.#scanAll();
  }

  #now(): number {
    return this.#deps.clock.now();
  }

  get #model(): SharedModel {
    return this.#learned.model;
  }

  /** The partition that will hold the copy of a shard for a region. */
  readonly #targetOf = (region: string, shard: string): string =>
    ownerOf(isRegion(region) ? region : "weur", shard, "", this.#topology).name;

  /** Also for those long silent: what is expected in a region may be announced by another. */
  #scanAll(): void {
    this.#scan(this.#membership.entries());
  }

  #scan(members: readonly (readonly [string, Member])[]): void {
    this.#scanner.scan(
      members.map(([name, { region }]) => ({ name, region })),
      this.#now(),
    );
  }

  /** A partition whose memory is new wants back what its region wants. */
  #noticeCold(partition: string, incarnation: number): void {
    if (!this.#scanner.heard(partition, incarnation)) return;
    const member = this.#membership.entries().find(([name]) => name === partition);
    if (member !== undefined) this.#scan([member]);
  }

  #activeMembers(now: number): readonly (readonly [string, Member])[] {
    return this.#membership.entries().filter(([, { seen }]) => now - seen < MEMBER_ACTIVE_WITHIN);
  }

  #warmingMessages(
    { region, warm }: RegionMove,
    active: readonly (readonly [string, Member])[],
    pinned: readonly string[],
    now: number,
  ): readonly QueuedPrefetch[] {
    const demand = new Map(this.#model.demand(region, now).map((one) => [one.shard, one.requests]));
    const prefetches = warm.map((shard) =>
      toPlanned({
        shard,
        // The operator's word is as good as certainty.
        probability: pinned.includes(shard) ? 1 : warmingProbability(demand.get(shard) ?? 0, WARMING_FOR),
        arrival: now,
        expires: now + WARMING_FOR,
      }),
    );
    return active.flatMap(([partition, member]) =>
      member.region === region ? messagesFor(partition, "placement", prefetches) : [],
    );
  }

  #send(messages: readonly QueuedPrefetch[]): Promise<void> {
    return sendPrefetches(messages, this.#deps.sendPrefetchBatch);
  }

  #saveSoon(): void {
    if (this.#saveSet) return;
    this.#saveSet = true;
    void this.#deps.storage.setAlarm(this.#now() + SAVE_AFTER);
  }

  #save(): void {
    this.#blobs.save("state", {
      ...this.#learned.toState(),
      placement: this.#placement,
      topology: this.#topology,
    });
  }

  /** Output gates hold answers and calls back until what was written before them is durable. */
  #makeLeaseManager(): LeaseManager {
    const { storage, clock, partition } = this.#deps;
    return new LeaseManager({
      membership: this.#membership,
      log: new ChangeLog(storage.sql, clock.now()),
      now: () => clock.now(),
      sleep: (millis) => sleep(clock, millis),
      remember: (name, region, now) => {
        this.#memberStore.add(name, region, now);
        this.#memberStore.remove(this.#membership.prune(now - MEMBER_FORGOTTEN_AFTER));
      },
      tell: async (name, logged) => {
        await partition(name).hear(logged);
      },
    });
  }

  #restoreMembers(): void {
    for (const { partition, region, seen } of this.#memberStore.list())
      this.#membership.restore(partition, region, seen, this.#now());
  }

  #restore(): void {
    const loaded = this.#blobs.load("state");
    if (loaded === undefined) return;
    const parsed = loaded === "damaged" ? null : coordinatorStateSchema.safeParse(loaded.document);
    if (parsed === null || !parsed.success) {
      this.#damaged = true; // What is learned may be lost; partitions will report and register again.
      return;
    }
    if (!this.#learned.restore(parsed.data)) {
      this.#damaged = true;
      return;
    }
    this.#placement = parsed.data.placement;
    this.#topology = parsed.data.topology;
  }
}
