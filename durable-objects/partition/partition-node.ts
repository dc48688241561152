import { migrate } from "../../migrations/migrate.ts";
import type { PartitionEvent } from "../../src/contract/events.ts";
import type { PlannedPrefetch } from "../../src/contract/messages.ts";
import { type Sealed, seal } from "../../src/contract/mind.ts";
import {
  knownVersions,
  parseReadRequest,
  ROUTING_STATE_HEADER,
} from "../../src/contract/partition-protocol.ts";
import {
  type Explanation,
  type HeartbeatAnswer,
  heartbeatAnswerSchema,
  type NeighbourMail,
  type PartitionStatus,
  type WithRoutingState,
} from "../../src/contract/rpc.ts";
import type { VersionedSettings } from "../../src/contract/settings.ts";
import type { Change, LoggedChanges } from "../../src/core/coherence/change.ts";
import { Lease } from "../../src/core/coherence/lease.ts";
import type { EngineMind } from "../../src/core/engine/mind.ts";
import { isControl } from "../../src/core/experiment/control-arm.ts";
import { INITIAL_TOPOLOGY, type Topology } from "../../src/core/placement/topology.ts";
import type { Prefetch, PrefetchReason } from "../../src/core/prefetch/prefetch.ts";
import { epochMillis, probability, SECOND } from "../../src/core/units.ts";
import {
  createPartition,
  engineSettings,
  eventOf,
  type PartitionParts,
  toShardEvent,
} from "./create-partition.ts";
import { type Described, explanationOf, statusOf } from "./describe.ts";
import { DiskTier } from "./disk-tier.ts";
import { failure } from "./failure.ts";
import { HeartbeatClient } from "./heartbeat-client.ts";
import { Inheritance } from "./inheritance.ts";
import { loadMemo, MEMO, type Memo } from "./memo.ts";
import { MindKeeper } from "./mind-keeper.ts";
import type { PartitionNodeDeps } from "./partition-deps.ts";
import { goOnFrom, mindOf } from "./partition-mind.ts";
import { RoutingNews } from "./routing-news.ts";
import { loadSettings, storeSettings } from "./stored-settings.ts";
import { noTallies } from "./tallies.ts";

/** About every ten seconds of activity; half of what a partition uses of its lease. */
const HEARTBEAT_EVERY = 10 * SECOND;
/** How long after activity the leftovers are written and reported: before an idle object leaves memory at ten. */
const HOUSEKEEPING_AFTER = 5 * SECOND;

/**
 * A processing partition, platform aside: answers the reads of the users near it, holds their shards, learns from their
 * events and fetches ahead. The Durable Object around it, and every simulation, runs this very node.
 */
export class PartitionNode {
  readonly #deps: PartitionNodeDeps;
  readonly #disk: DiskTier;
  readonly #lease: Lease;
  readonly #heartbeats: HeartbeatClient;
  readonly #news: RoutingNews;
  readonly #mind: MindKeeper;
  readonly #inheritance: Inheritance;
  #parts: PartitionParts;
  /** What the instances before this one counted. */
  #before = noTallies();
  #mapVersion = 0;
  #housekeepingSet = false;

  constructor(deps: PartitionNodeDeps) {
    const { storage, clock, migrations } = deps;
    this.#deps = deps;
    migrate(storage, migrations);
    const memo = loadMemo(storage);
    this.#news = new RoutingNews({
      topology: memo?.topology ?? INITIAL_TOPOLOGY,
      settings: loadSettings(storage),
    });
    const begun = clock.now();
    this.#lease = memo?.lease ? Lease.fromState(memo.lease, begun) : new Lease(begun);
    this.#disk = new DiskTier(storage, this.#settings.settings.diskBytes, deps.digest);
    this.#parts = this.#create();
    const onFault = (): number => this.#parts.stats.faults++;
    this.#mind = new MindKeeper({ storage, clock, onFault });
    this.#mind.load((mind) => {
      goOnFrom(mind, this.#parts);
      this.#before = mind.tallies;
    });
    this.#inheritance = new Inheritance({
      address: deps.address,
      askMind: deps.askMind,
      take: (mind) => this.#parts.engine.absorb(mind),
      onFault,
    });
    this.#heartbeats = new HeartbeatClient({
      lease: this.#lease,
      clock,
      send: () => this.#sendHeartbeat(),
      invalidate: (changes) => this.#drop(changes),
      apply: (answer) => this.#apply(answer),
      onFault,
    });
  }

  /** A read, as {@link parseReadRequest} understands it. */
  async fetch(request: Request): Promise<Response> {
    const read = parseReadRequest(request);
    if (read === null) return new Response("not a partition request", { status: 400 });
    const { reader, prefetcher, events, writeBehind, arm, stats } = this.#parts;
    this.#heartbeats.ensureLease();
    prefetcher.demanded(read.id);
    try {
      const { response, learned } = await reader.read(read);
      if (learned !== null) {
        const now = this.#deps.clock.now();
        // What prefetching is held against: what reads of either arm came to.
        arm.record(isControl(read.user), learned, now);
        stats.bytes += learned.size;
        events.enqueue({ event: eventOf(read, now), outcome: learned });
        writeBehind.note(read.id);
      }
      return this.#withNews(response, request);
    } catch (error) {
      return this.#withNews(failure(error), request);
    }
  }

  observe(
    events: readonly PartitionEvent[],
    known?: string,
  ): WithRoutingState & { readonly accepted: number } {
    const { events: queue } = this.#parts;
    const taken = events.filter((event) => queue.enqueue({ event: toShardEvent(event), outcome: null }));
    return { accepted: taken.length, ...this.#newsFor(known) };
  }

  /** What somebody wrote whose copies of before must go at once; it moves nothing in the log. */
  invalidate(changes: readonly Change[], known?: string): WithRoutingState {
    this.#drop(changes);
    this.#afterChanges(changes);
    return this.#newsFor(known);
  }

  /** A piece of the change log. If something is missing before it, the coordinator is asked at once. */
  hear(logged: LoggedChanges): void {
    this.#drop(logged.changes);
    this.#lease.hear(logged);
    this.#afterChanges(logged.changes);
  }

  prefetch(proposals: readonly PlannedPrefetch[], reason: PrefetchReason): boolean {
    const { prefetcher, writeBehind } = this.#parts;
    if (prefetcher.isFull) return false;
    // What is in SQLite may be taken from there only under a lease.
    this.#heartbeats.ensureLease();
    prefetcher.consider(
      proposals.map(({ shard, probability: p, arrival, expires, cause }) => ({
        ...(cause !== undefined && { cause }),
        shard,
        probability: probability(p),
        arrival: epochMillis(arrival),
        expires: epochMillis(expires),
        reason,
      })),
    );
    if (reason === "placement") writeBehind.earn(proposals.map(({ shard }) => shard));
    this.#afterActivity();
    return true;
  }

  receive({ events, prefetches }: NeighbourMail): void {
    const { events: queue, prefetcher } = this.#parts;
    for (const event of events) queue.enqueue({ event, outcome: null, isForwarded: true });
    if (prefetches.length > 0) prefetcher.consider(prefetches);
  }

  status(): PartitionStatus {
    return statusOf(this.#described());
  }

  explain(shard: string): Explanation {
    return explanationOf(shard, this.#described());
  }

  mind(): Sealed<EngineMind> | null {
    const { engine } = this.#parts;
    return engine.hasLearned ? seal(engine.save()) : null;
  }

  prefetches(): readonly Prefetch[] {
    return this.#parts.prefetcher.list();
  }

  async forget(): Promise<void> {
    // Also what is still at work on the old parts must find nothing to keep.
    this.#parts.fills.fenceAll();
    this.#parts.writeBehind.clear();
    this.#parts.memory.clear();
    this.#disk.clear();
    this.#parts = this.#create();
    this.#before = noTallies();
    this.#mapVersion = 0;
    await this.#mind.forget(mindOf(this.#parts, this.#before, this.#disk));
    await this.#heartbeats.sendNow();
  }

  /** Housekeeping after activity: what earned it goes to SQLite, what was learned to the coordinator. */
  async alarm(): Promise<void> {
    this.#housekeepingSet = false;
    await this.#parts.writeBehind.flush();
    await this.#parts.reporting.send().catch(() => this.#parts.stats.faults++);
    // After the report: what comes back counted has been reported, and counts once.
    const again = this.#mind.saveWhenDue(() => mindOf(this.#parts, this.#before, this.#disk));
    if (again !== null) this.#keepHouseIn(again);
  }

  get #settings(): VersionedSettings {
    return this.#news.state.settings;
  }

  #withNews(response: Response, request: Request): Response {
    const news = this.#news.headerFor(knownVersions(request));
    if (news !== undefined) response.headers.set(ROUTING_STATE_HEADER, news);
    return response;
  }

  #newsFor(known: string | undefined): WithRoutingState {
    const state = this.#news.stateFor(known);
    return state === undefined ? {} : { state };
  }

  #drop(changes: readonly Change[]): void {
    for (const change of changes) this.#parts.reader.invalidate(change);
  }

  #afterChanges(changes: readonly Change[]): void {
    this.#heartbeats.ensureLease();
    if (this.#parts.pins.isTouchedBy(changes)) this.#keepPins();
  }

  #keepPins(): void {
    if (this.#parts.pins.keep()) this.#afterActivity();
  }

  #create(): PartitionParts {
    const { address, store, clock, sendReport, sendPrefetch, deliver, engine = {} } = this.#deps;
    return createPartition({
      address,
      store,
      disk: this.#disk,
      lease: this.#lease,
      leaseSettled: () => this.#heartbeats.settled(),
      settings: () => this.#settings.settings,
      engine,
      clock,
      sendReport,
      sendPrefetch,
      topology: () => this.#news.state.topology,
      deliver,
      afterwards: () => this.#afterActivity(),
    });
  }

  /** Work that waits until responses are on their way, and happens only while there is activity. */
  #afterActivity(): void {
    this.#heartbeats.sendAfter(HEARTBEAT_EVERY);
    this.#mind.note();
    this.#keepHouseIn(HOUSEKEEPING_AFTER);
  }

  #keepHouseIn(millis: number): void {
    if (this.#housekeepingSet) return;
    this.#housekeepingSet = true;
    const { storage, clock } = this.#deps;
    // Unconfirmed: no response has to wait for it, and losing it loses only warmth.
    storage
      .setAlarm(clock.now() + millis, { allowUnconfirmed: true })
      .catch(() => this.#parts.stats.faults++);
  }

  #described(): Described {
    return {
      address: this.#deps.address,
      parts: this.#parts,
      disk: this.#disk,
      before: this.#before,
      settingsVersion: this.#settings.version,
      mapVersion: this.#mapVersion,
      now: this.#deps.clock.now(),
    };
  }

  async #sendHeartbeat(): Promise<HeartbeatAnswer> {
    const { address, heartbeat } = this.#deps;
    const { at } = this.#lease;
    const answer = await heartbeat({
      partition: address.name,
      region: address.region,
      incarnation: this.#parts.reporting.incarnation,
      settingsVersion: this.#settings.version,
      topologyVersion: this.#news.state.topology.version,
      mapVersion: this.#mapVersion,
      ...(at !== undefined && { at }),
    });
    return heartbeatAnswerSchema.parse(answer);
  }

  #apply(answer: HeartbeatAnswer): void {
    if (answer.mapDelta !== undefined) {
      this.#parts.engine.applyMapDelta(answer.mapDelta);
      this.#mapVersion = answer.mapDelta.version;
    }
    this.#parts.writeBehind.keep(answer.warm);
    if (answer.topology !== undefined) this.#learnTopology(answer.topology);
    if (answer.settings !== undefined && answer.settings.version !== this.#settings.version)
      this.#applySettings(answer.settings);
    // Unconfirmed: no response waits for it, and an older lease read back is only more careful.
    this.#deps.storage
      .put(MEMO, this.#memo(), { allowUnconfirmed: true })
      .catch(() => this.#parts.stats.faults++);
    this.#keepPins();
  }

  #memo(): Memo {
    return { lease: this.#lease.toState(), topology: this.#news.state.topology };
  }

  #learnTopology(topology: Topology): void {
    this.#news.learn({ topology });
    if (!this.#mind.isKept) this.#inheritance.hear(topology);
  }

  #applySettings(versioned: VersionedSettings): void {
    this.#news.learn({ settings: versioned });
    const { settings } = versioned;
    this.#parts.engine.setSettings(engineSettings(settings));
    this.#parts.memory.resize(Math.max(1, settings.memoryBytes));
    this.#disk.resize(settings.diskBytes);
    storeSettings(this.#deps.storage, versioned);
  }
}
