import { DurableObject } from "cloudflare:workers";
import { COORDINATOR_MIGRATIONS } from "../migrations/coordinator/index.ts";
import { migrate } from "../migrations/migrate.ts";
import type { Bindings } from "../src/bindings.ts";
import {
  type DeadLetter,
  MAX_PREFETCH_KEYS,
  type PlannedPrefetch,
  type PrefetchMessage,
  type Report,
} from "../src/contract/messages.ts";
import type { Heartbeat, RoutingState } from "../src/contract/rpc.ts";
import { DEFAULT_SETTINGS, type VersionedSettings } from "../src/contract/settings.ts";
import type { Change } from "../src/core/coherence/change.ts";
import { LeaseManager } from "../src/core/coherence/lease-manager.ts";
import { type Member, Membership } from "../src/core/coherence/membership.ts";
import { AppliedSequences } from "../src/core/longterm/applied-sequences.ts";
import { LongTermModel } from "../src/core/longterm/long-term-model.ts";
import { type Placement, type RegionMove, rebalance } from "../src/core/placement/rebalance.ts";
import { isRegion } from "../src/core/placement/regions.ts";
import { INITIAL_TOPOLOGY, type Topology } from "../src/core/placement/topology.ts";
import { route } from "../src/core/routing/route.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../src/core/units.ts";
import { settingsStore } from "../src/storage/settings-store.ts";
import { BlobStore } from "./coordinator/blob-store.ts";
import { ChangeLog } from "./coordinator/change-log.ts";
import { DeadLetters } from "./coordinator/dead-letters.ts";
import { coordinatorStateSchema } from "./coordinator/state.ts";

/** How long after a change the model is stored: a crash loses at most this much of what was learned. */
const SAVE_AFTER = 5 * SECOND;
/** How often the settings are read again, in case the news of a change did not arrive. */
const SETTINGS_EVERY = MINUTE;
/** Partitions not heard of for this long are no longer told of changes; they revalidate when they come back. */
const MEMBER_FORGOTTEN_AFTER = 7 * DAY;
/** Partitions heard of within this time count as active: they are warmed and shown. */
const MEMBER_ACTIVE_WITHIN = HOUR;

/** A message for the queue `prefetch`. */
type PrefetchRequest = MessageSendRequest<PrefetchMessage>;

/** How often what is learned is scanned for what to fetch, while reports come in; the Cron Trigger scans besides. */
const SCAN_EVERY = MINUTE;
/** Scans remembered for the admin API. */
const MAX_SCANS = 50;
/** How much before its arrival a planned prefetch should be delivered. */
const SCAN_LEAD = 30 * SECOND;
/** The longest a queue holds a message back, seconds. */
const MAX_DELAY = 12 * 3_600;

const wholeMillis = ({ shard, probability, arrival, expires }: PlannedPrefetch): PlannedPrefetch => ({
  shard,
  probability: Math.min(1, Math.max(0, probability)),
  arrival: Math.max(0, Math.round(arrival)),
  expires: Math.max(0, Math.round(expires)),
});

const delayBefore = (arrival: number, now: number): number =>
  Math.min(MAX_DELAY, Math.max(0, Math.floor((arrival - now - SCAN_LEAD) / SECOND)));

/** Everything about Foreshard's learned state, for the admin API. */
export type Overview = ReturnType<Coordinator["overview"]>;

/**
 * Merges what partitions learned into the correlation matrix and the prefetch probability map, and knows who is
 * there: membership, placement, topology. Never on the read path.
 */
export class Coordinator extends DurableObject<Bindings> {
  readonly #blobs: BlobStore;
  readonly #deadLetters: DeadLetters;
  #model = new LongTermModel();
  #applied = new AppliedSequences();
  readonly #membership = new Membership();
  readonly #hub: LeaseManager;
  #placement: Placement = {};
  #topology: Topology = INITIAL_TOPOLOGY;
  #settings: { readonly current: VersionedSettings; readonly readAt: number } | undefined;
  readonly #incarnations = new Map<string, number>();
  readonly #cold = new Set<string>();
  readonly #scans: { readonly at: number; readonly planned: number }[] = [];
  #scannedAt = 0;
  #saveSet = false;
  #damaged = false;

  constructor(context: DurableObjectState, env: Bindings) {
    super(context, env);
    migrate(context.storage, COORDINATOR_MIGRATIONS);
    this.#blobs = new BlobStore(context.storage);
    this.#deadLetters = new DeadLetters(context.storage.sql);
    this.#hub = this.#makeHub();
    this.#restoreMembers();
    this.#restore();
  }

  /** A partition says that it is alive and hears what changed. */
  async heartbeat(beat: Heartbeat) {
    const settings = await this.#currentSettings();
    const { changes, coverage } = this.#hub.renew(beat.partition, beat.region, beat.sinceLast);
    this.#noticeCold(beat.partition, beat.incarnation);
    const mapDelta = this.#model.deltaSince(beat.mapVersion, Date.now());
    return {
      changes,
      coverage,
      warm: this.#placement[beat.region] ?? [],
      ...(settings.version !== beat.settingsVersion && { settings }),
      ...(mapDelta !== null && { mapDelta }),
    };
  }

  /** Merges reports, each once however often it is delivered; returns how many were new. */
  applyReports(reports: readonly Report[]): number {
    let fresh = 0;
    for (const report of reports) {
      if (!this.#applied.claim(`${report.partition}@${report.incarnation}`, report.sequence)) continue;
      // A clock ahead of this one would make all else look old.
      this.#model.merge(report.region, report, Math.min(report.time, Date.now()));
      fresh++;
    }
    if (fresh > 0) {
      this.#saveSoon();
      // A pattern that has changed significantly does not wait for the next periodic scan.
      if (this.#model.changes(Date.now(), this.#scannedAt).length > 0)
        this.#scan(this.#activeMembers(Date.now()));
    }
    return fresh;
  }

  /** What edge Workers cache. */
  async routingState(): Promise<RoutingState> {
    return { topology: this.#topology, settings: await this.#currentSettings() };
  }

  /** The settings object has a new version. */
  settingsChanged(settings: VersionedSettings): void {
    if (this.#settings !== undefined && settings.version < this.#settings.current.version) return;
    this.#settings = { current: settings, readAt: Date.now() };
  }

  /** Names of the partitions that may hold copies. */
  members(): readonly string[] {
    return this.#membership.entries().map(([name]) => name);
  }

  /** Names of the partitions that may serve copies without asking R2, and so must hear of changes. */
  leasedMembers(): readonly string[] {
    return this.#membership.leased(Date.now()).map(([name]) => name);
  }

  /** Resolves when no partition can serve anything older than these changes any more. */
  announceStrong(changes: readonly Change[]): Promise<void> {
    return this.#hub.announceStrong(changes);
  }

  /** One round of placement: warms what became hot in each region, releases what became cold. */
  async rebalance(): Promise<readonly RegionMove[]> {
    const now = Date.now();
    const { warmShardsPerRegion, pinned } = (await this.#currentSettings()).settings;
    const active = this.#activeMembers(now);
    const regions = [...new Set(active.map(([, { region }]) => region))];
    const { placement, moves } = rebalance(
      this.#placement,
      regions.map((region) => ({ region, demand: this.#model.demand(region, now) })),
      { warmShardsPerRegion, pinned },
    );
    this.#placement = placement;
    this.#saveSoon();
    await this.#sendWarming(moves, active, now);
    this.#scan(active);
    return moves;
  }

  recordDeadLetters(letters: readonly DeadLetter[]): void {
    this.#deadLetters.record(letters, Date.now());
  }

  /** The learned state as people look at it. */
  overview() {
    const now = Date.now();
    const targetOf = (region: string): string =>
      route(isRegion(region) ? region : "weur", "", this.#topology).name;
    return {
      members: this.#membership.entries().map(([partition, member]) => ({ partition, ...member })),
      correlations: this.#model.correlations(now),
      probabilityMap: this.#model.probabilityMap(now, targetOf),
      placement: this.#placement,
      topology: this.#topology,
      rates: this.#model.rates(now),
      changes: this.#model.changes(now),
      outcomes: this.#model.outcomes(now),
      calibration: this.#model.calibration(now),
      scans: this.#scans,
      deadLetters: this.#deadLetters.list(),
      learnedStateWasDamaged: this.#damaged,
    };
  }

  /** Forgets everything learned here and in all partitions, and their copies. Stored shards and settings stay. */
  async forget(): Promise<void> {
    this.#model = new LongTermModel();
    this.#applied = new AppliedSequences();
    this.#placement = {};
    this.#save();
    const partitions = this.members().map((name) => this.env.PARTITION.getByName(name));
    await Promise.all(partitions.map((partition) => partition.forget()));
  }

  override alarm(): void {
    this.#saveSet = false;
    this.#save();
    const now = Date.now();
    if (now - this.#scannedAt >= SCAN_EVERY) this.#scan(this.#activeMembers(now));
  }

  /** Plans what partitions cannot know by themselves, and sends it through the queue, delayed to arrive in time. */
  #scan(members: readonly (readonly [string, Member])[]): void {
    const now = Date.now();
    this.#scannedAt = now;
    const partitions = members.map(([name, { region }]) => ({ name, region, cold: this.#cold.delete(name) }));
    const messages = this.#model.planScan(now, partitions).map(({ partition, prefetches }) => ({
      body: { partition, reason: "predicted" as const, prefetches: prefetches.map(wholeMillis) },
      delaySeconds: delayBefore(Math.min(...prefetches.map(({ arrival }) => arrival)), now),
    }));
    this.#scans.push({ at: now, planned: messages.length });
    if (this.#scans.length > MAX_SCANS) this.#scans.shift();
    this.#sendPrefetches(messages).catch(() =>
      console.error("coordinator: the queue did not take a scan's prefetches"),
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

  async #currentSettings(): Promise<VersionedSettings> {
    const known = this.#settings;
    if (known !== undefined && Date.now() - known.readAt < SETTINGS_EVERY) return known.current;
    try {
      const current = await settingsStore(this.env.SETTINGS).read();
      this.settingsChanged(current);
      return current;
    } catch {
      // The settings object does not answer: the last known, or the defaults at a version any real one replaces.
      return known?.current ?? { version: 0, settings: DEFAULT_SETTINGS };
    }
  }

  async #sendWarming(
    moves: readonly RegionMove[],
    active: readonly (readonly [string, Member])[],
    now: number,
  ): Promise<void> {
    const messages: PrefetchRequest[] = [];
    for (const { region, warm } of moves) {
      if (warm.length === 0) continue;
      const prefetches = warm.slice(0, MAX_PREFETCH_KEYS).map((shard) => ({
        shard,
        probability: 1,
        arrival: now,
        expires: now + 10 * MINUTE,
      }));
      for (const [partition, member] of active)
        if (member.region === region) messages.push({ body: { partition, reason: "placement", prefetches } });
    }
    await this.#sendPrefetches(messages);
  }

  /** A hundred messages is what one sendBatch takes. */
  async #sendPrefetches(messages: readonly PrefetchRequest[]): Promise<void> {
    for (let i = 0; i < messages.length; i += 100)
      await this.env.PREFETCH.sendBatch(messages.slice(i, i + 100));
  }

  #saveSoon(): void {
    if (this.#saveSet) return;
    this.#saveSet = true;
    void this.ctx.storage.setAlarm(Date.now() + SAVE_AFTER);
  }

  #save(): void {
    this.#blobs.save("state", {
      model: this.#model.toState(),
      applied: this.#applied.toState(),
      placement: this.#placement,
      topology: this.#topology,
    });
  }

  /** Output gates hold answers and calls back until what was written before them is durable. */
  #makeHub(): LeaseManager {
    const { sql } = this.ctx.storage;
    return new LeaseManager({
      membership: this.#membership,
      recent: new ChangeLog(sql),
      now: () => Date.now(),
      sleep: (millis) => scheduler.wait(millis),
      remember: (partition, region, now) => {
        sql.exec(
          "INSERT OR REPLACE INTO members (partition, region, seen) VALUES (?, ?, ?)",
          partition,
          region,
          now,
        );
        for (const gone of this.#membership.prune(now - MEMBER_FORGOTTEN_AFTER))
          sql.exec("DELETE FROM members WHERE partition = ?", gone);
      },
      tell: async (partition, changes) => {
        await this.env.PARTITION.getByName(partition).invalidate(changes);
      },
    });
  }

  #restoreMembers(): void {
    for (const row of this.ctx.storage.sql.exec("SELECT partition, region, seen FROM members").toArray())
      this.#membership.restore(String(row.partition), String(row.region), Number(row.seen), Date.now());
  }

  #restore(): void {
    const loaded = this.#blobs.load("state");
    if (loaded === undefined) return;
    const parsed = loaded === "damaged" ? null : coordinatorStateSchema.safeParse(loaded.document);
    if (parsed === null || !parsed.success) {
      this.#damaged = true; // What is learned may be lost; partitions will report and register again.
      return;
    }
    const { model, applied, placement, topology } = parsed.data;
    try {
      this.#model = LongTermModel.fromState(model);
    } catch {
      this.#damaged = true;
      return;
    }
    this.#applied = AppliedSequences.fromState(applied);
    this.#placement = placement;
    this.#topology = topology;
  }
}
