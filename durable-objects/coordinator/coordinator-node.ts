import { type Migration, migrate } from "../../migrations/migrate.ts";
import { type DeadLetter, queueDelay, type Report, toPlanned } from "../../src/contract/messages.ts";
import type { RoutingState } from "../../src/contract/routing-state.ts";
import type { CoordinatorOverview, Heartbeat, HeartbeatAnswer } from "../../src/contract/rpc.ts";
import type { VersionedSettings } from "../../src/contract/settings.ts";
import { type Clock, sleep } from "../../src/core/clock.ts";
import type { Change, LoggedChanges } from "../../src/core/coherence/change.ts";
import { type Announcement, LeaseManager } from "../../src/core/coherence/lease-manager.ts";
import { type Member, Membership } from "../../src/core/coherence/membership.ts";
import { AppliedSequences } from "../../src/core/longterm/applied-sequences.ts";
import { LongTermModel } from "../../src/core/longterm/long-term-model.ts";
import { PartitionTotals } from "../../src/core/longterm/partition-totals.ts";
import {
  type Placement,
  type RegionMove,
  rebalance,
  warmingProbability,
} from "../../src/core/placement/rebalance.ts";
import { isRegion } from "../../src/core/placement/regions.ts";
import { INITIAL_TOPOLOGY, type Topology } from "../../src/core/placement/topology.ts";
import { homeOf } from "../../src/core/routing/route.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/core/units.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import { BlobStore } from "./blob-store.ts";
import { ChangeLog } from "./change-log.ts";
import { DeadLetters } from "./dead-letters.ts";
import { KnownSettings } from "./known-settings.ts";
import { MemberStore } from "./member-store.ts";
import { messagesFor, type QueuedPrefetch, sendPrefetches } from "./prefetch-sender.ts";
import { coordinatorStateSchema } from "./state.ts";

/** How long after a change the model is stored: a crash loses at most this much of what was learned. */
const SAVE_AFTER = 5 * SECOND;
/** Partitions not heard of for this long are forgotten: they have had no lease for long. */
const MEMBER_FORGOTTEN_AFTER = 7 * DAY;
/** Partitions heard of within this time count as active: they are warmed and shown. */
const MEMBER_ACTIVE_WITHIN = HOUR;
/** How often what is learned is scanned for what to fetch, while reports come in; the Cron Trigger scans besides. */
const SCAN_EVERY = MINUTE;
/** Scans remembered for the admin API. */
const MAX_SCANS = 50;
/** How much before its arrival a planned prefetch should be delivered. */
const SCAN_LEAD = 30 * SECOND;
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
}

/**
 * The coordinator, platform aside: merges what partitions learned into the correlation matrix and the prefetch
 * probability map, and knows who is there: leases, membership, placement, topology. Never on the read path.
 */
export class CoordinatorNode {
  readonly #deps: CoordinatorNodeDeps;
  readonly #blobs: BlobStore;
  readonly #deadLetters: DeadLetters;
  #model = new LongTermModel();
  #applied = new AppliedSequences();
  #totals = new PartitionTotals();
  readonly #membership = new Membership();
  readonly #memberStore: MemberStore;
  readonly #leases: LeaseManager;
  #placement: Placement = {};
  #topology: Topology;
  readonly #settings: KnownSettings;
  readonly #incarnations = new Map<string, number>();
  readonly #cold = new Set<string>();
  readonly #scans: { readonly at: number; readonly planned: number }[] = [];
  #scannedAt = 0;
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
    this.#settings = new KnownSettings(deps.clock, deps.readSettings);
    this.#topology = deps.topology ?? INITIAL_TOPOLOGY;
    this.#restoreMembers();
    this.#restore();
  }

  async heartbeat(beat: Heartbeat): Promise<HeartbeatAnswer> {
    const settings = await this.#settings.current();
    const logged = this.#leases.renew(beat.partition, beat.region, beat.at);
    this.#noticeCold(beat.partition, beat.incarnation);
    const mapDelta = this.#model.deltaSince(beat.mapVersion, this.#now());
    return {
      logged,
      warm: this.#placement[beat.region] ?? [],
      ...(settings.version !== beat.settingsVersion && { settings }),
      ...(this.#topology.version !== beat.topologyVersion && { topology: this.#topology }),
      ...(mapDelta !== null && { mapDelta }),
    };
  }

  applyReports(reports: readonly Report[]): number {
    let fresh = 0;
    for (const report of reports) {
      if (!this.#applied.claim(`${report.partition}@${report.incarnation}`, report.sequence)) continue;
      // A clock ahead of this one would make all else look old.
      this.#model.merge(report.region, report, Math.min(report.time, this.#now()));
      this.#totals.add(report.partition, report.totals, this.#now());
      fresh++;
    }
    if (fresh > 0) {
      this.#saveSoon();
      // A pattern that has changed significantly does not wait for the next periodic scan.
      if (this.#model.changes(this.#now(), this.#scannedAt).length > 0) this.#scanAll();
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
    this.#saveSoon();
    this.#scan(active);
    return moves;
  }

  recordDeadLetters(letters: readonly DeadLetter[]): void {
    this.#deadLetters.record(letters, this.#now());
  }

  overview(): CoordinatorOverview {
    const now = this.#now();
    const targetOf = (region: string): string =>
      homeOf(isRegion(region) ? region : "weur", "", this.#topology).name;
    return {
      members: this.#membership.entries().map(([partition, member]) => ({ partition, ...member })),
      correlations: this.#model.correlations(now),
      probabilityMap: this.#model.probabilityMap(now, targetOf),
      placement: this.#placement,
      topology: this.#topology,
      rates: this.#model.rates(now),
      changes: this.#model.changes(now),
      outcomes: this.#model.outcomes(now),
      totals: this.#totals.list(),
      calibration: this.#model.calibration(now),
      scans: this.#scans,
      deadLetters: this.#deadLetters.list(),
      learnedStateWasDamaged: this.#damaged,
    };
  }

  async forget(): Promise<void> {
    this.#model = new LongTermModel();
    this.#applied = new AppliedSequences();
    this.#totals = new PartitionTotals();
    this.#placement = {};
    this.#save();
    await Promise.all(this.members().map((name) => this.#deps.partition(name).forget()));
  }

  alarm(): void {
    this.#saveSet = false;
    this.#save();
    if (this.#now() - this.#scannedAt >= SCAN_EVERY) this.#scanAll();
  }

  #now(): number {
    return this.#deps.clock.now();
  }

  #scanAll(): void {
    this.#scan(this.#activeMembers(this.#now()));
  }

  /** Plans what partitions cannot know by themselves, and sends it through the queue, delayed to arrive in time. */
  #scan(members: readonly (readonly [string, Member])[]): void {
    const now = this.#now();
    this.#scannedAt = now;
    const partitions = members.map(([name, { region }]) => ({ name, region, cold: this.#cold.has(name) }));
    const plans = this.#model.planScan(now, partitions);
    const messages = plans.flatMap(({ partition, prefetches }) => {
      const first = Math.min(...prefetches.map(({ arrival }) => arrival));
      const delaySeconds = queueDelay(first, now, SCAN_LEAD);
      return messagesFor(partition, "scan", prefetches.map(toPlanned), delaySeconds);
    });
    this.#scans.push({ at: now, planned: messages.length });
    if (this.#scans.length > MAX_SCANS) this.#scans.shift();
    this.#send(messages).then(
      () => {
        for (const { name } of partitions) this.#cold.delete(name);
      },
      () => {
        this.#model.unplan(plans);
        console.error(
          "coordinator: the queue did not take a scan's prefetches; the next scan plans them again",
        );
      },
    );
  }

  /** A partition whose memory is new wants back what its region wants. */
  #noticeCold(partition: string, incarnation: number): void {
    if (this.#incarnations.get(partition) === incarnation) return;
    this.#incarnations.set(partition, incarnation);
    this.#cold.add(partition);
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
      model: this.#model.toState(),
      applied: this.#applied.toState(),
      totals: this.#totals.list(),
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
    const { model, applied, totals, placement, topology } = parsed.data;
    try {
      this.#model = LongTermModel.fromState(model);
    } catch {
      this.#damaged = true;
      return;
    }
    this.#applied = AppliedSequences.fromState(applied);
    this.#totals = PartitionTotals.fromState(totals);
    this.#placement = placement;
    this.#topology = topology;
  }
}
