import type { ShardEvent } from "../event.ts";
import { hashPair } from "../hash.ts";
import { CalibrationStats } from "../learning/calibration-stats.ts";
import { DelayHistogram } from "../learning/delay-histogram.ts";
import { contextOf, EVENT, PATTERN, SHARD, type ShardTable } from "../learning/shard-table.ts";
import type { MapDelta } from "../map-delta.ts";
import { millis } from "../units.ts";
import { Candidates, MAX_CANDIDATES } from "./candidates.ts";
import { ExpertMixture } from "./expert-mixture.ts";
import { type Expert, FIRST_NUMBER_EXPERT, INPUTS, SUFFIX_EXPERT } from "./experts.ts";
import { IdParts } from "./id-parts.ts";
import { NumberTemplates, RING } from "./number-templates.ts";
import { PredictionLog } from "./prediction-log.ts";
import {
  absorbPredictor,
  type PredictorLearners,
  type PredictorMind,
  savePredictor,
} from "./predictor-mind.ts";
import { shardOf, USER_PLACEHOLDER } from "./row-bins.ts";
import { delayOf } from "./row-table.ts";
import { contextOfPattern, SharedMap } from "./shared-map.ts";
import { Successors } from "./successors.ts";
import { SuffixTemplates } from "./suffix-templates.ts";
import { HISTORY, type Step, UserHistories } from "./user-histories.ts";

/** Predictions above this of what is not resident are all logged, of the rest one in {@link LOG_EVERY}: little hangs on them. */
const LOG_ALL_ABOVE = 0.03;
const LOG_EVERY = 8;
/** Shortest user ids that are looked for within shard ids; shorter ones would be found by chance. */
const MIN_USER = 3;
const HANDLE_MASK = 0xfffff;
/** Experts that go by the form of ids: what they name may never have been read, so that no relation tells its delay. */
const TEMPLATES: ReadonlySet<Expert> = new Set(["step", "chain", "suffix"]);

/** How large the parts of the model may grow. */
export interface PredictorSizes {
  readonly users: number;
  /** Rows of the successor tables, a power of two. */
  readonly rows: number;
  /** Predictions waiting for their outcome, a power of two. */
  readonly log: number;
}

/**
 * Says after each event which shards will be wanted within a short horizon, and how probably. Experts name candidates;
 * a mixture of what they say gives the probabilities. Every prediction above a few percent
 * is checked when the horizon has passed, resident or not, so that nothing need be fetched just to learn from it.
 *
 * One event costs O(candidates × experts).
 */
export class Predictor {
  readonly candidates: Candidates;
  /** Probability that candidate i is wanted within the horizon. */
  readonly probability = new Float32Array(MAX_CANDIDATES);
  readonly reliability = new CalibrationStats();
  /** Delays of what came true, in ms of event time. */
  readonly arrival = new DelayHistogram();
  /** Hears of each outcome. */
  onOutcome: ((probability: number, label: number) => void) | undefined;
  /** Ticks within which a prediction has to come true. */
  horizon = 6;
  /** What a fill takes; what is wanted sooner cannot be prefetched. */
  fillMs = 0;
  readonly #shards: ShardTable;
  readonly #histories: UserHistories;
  readonly #successors: Successors;
  readonly #numbers: NumberTemplates;
  readonly #suffixes: SuffixTemplates;
  readonly #map: SharedMap;
  readonly #parts = new IdParts();
  readonly #mixture: ExpertMixture;
  readonly #log: PredictionLog;
  readonly #mapBins = new Int16Array(MAX_CANDIDATES);
  #unlogged = 0;
  /** Time between the present user's last two steps, ms; 0 when unknown. */
  #pace = 0;

  constructor(shards: ShardTable, sizes: PredictorSizes) {
    this.#shards = shards;
    this.#histories = new UserHistories(sizes.users);
    this.#successors = new Successors(shards, this.#histories, sizes.rows);
    this.#numbers = new NumberTemplates(shards, sizes.users, sizes.rows / 8);
    this.#suffixes = new SuffixTemplates(shards, sizes.rows / 4);
    this.#log = new PredictionLog(INPUTS, sizes.log);
    this.#map = new SharedMap(shards, sizes.rows / 16);
    this.candidates = new Candidates(shards, INPUTS);
    this.#mixture = new ExpertMixture(shards, this.candidates);
  }

  get bytes(): number {
    return [
      this.#histories,
      this.#successors,
      this.#numbers,
      this.#suffixes,
      this.#map,
      this.#mixture,
      this.#log,
    ].reduce((sum, part) => sum + part.bytes, 0);
  }

  /** Takes over what was learned elsewhere. */
  applyMapDelta(slice: MapDelta): void {
    this.#map.apply(slice);
  }

  /** Ticks since the user's last event, 0 for their first. */
  gap(user: string, tick: number): number {
    return this.#histories.gap(this.#histories.slotOf(user), tick);
  }

  /**
   * A user's next event: learns from it and fills `candidates`, and `probability`.
   *
   * @param handle the shard read, or the entry of a caller's event
   * @param kind hash of the kind of the event
   */
  observe({ user, type, time }: ShardEvent, handle: number, kind: number, tick: number): void {
    const slot = this.#histories.slotOf(user);
    if (this.#histories.length(slot) === 0) this.#resetTemplates(slot);
    else if (this.#histories.takeRecalled(slot)) this.#recallTemplates(slot, user);
    const place = this.#placeOf(user, handle);
    const plain = this.#shards.contextOf(place);
    const step = this.#stepOf(plain, place, kind);
    if (place !== handle) this.#shards.noteType(handle, kind);
    const isRepeat =
      this.#histories.at(slot, 1) === step.reference && this.#histories.contextAt(slot, 1) === step.context;
    this.#pace = this.#histories.length(slot) === 0 ? 0 : this.#histories.sinceLast(slot, time);
    if (!isRepeat) {
      this.#successors.learn(slot, step, tick, time);
      this.#histories.push(slot, step, tick, time);
    }
    this.#markHistory(slot, tick);
    this.candidates.clear();
    this.#successors.propose(slot, user, this.candidates, 0);
    if (this.#shards.kind[handle] === SHARD) this.#proposeTemplates(slot, handle, kind, user);
    this.#mapBins.fill(-1, 0, this.candidates.count);
    this.#proposeMap(slot, plain, type, user);
    for (let i = 0; i < this.candidates.count; i++) this.#judge(i, slot, tick, time);
  }

  /** What is worth keeping as of `tick`, in about `limit` bytes besides the tuning. O(model). */
  save(tick: number, limit: number): PredictorMind {
    return savePredictor(this.#learners, tick, limit);
  }

  /** Takes in what another learned, as {@link absorbPredictor} says. */
  absorb(mind: PredictorMind, tick: number, asWiser: boolean): void {
    absorbPredictor(this.#learners, mind, tick, asWiser);
  }

  /** Predictions learned from, as far as they are counted. */
  get experience(): number {
    return this.#mixture.experience;
  }

  /** Whether what another predictor tuned can be taken over. */
  fits({ mixture }: PredictorMind): boolean {
    return this.#mixture.fits(mixture);
  }

  get #learners(): PredictorLearners {
    return {
      shards: this.#shards,
      histories: this.#histories,
      successors: this.#successors,
      numbers: this.#numbers,
      suffixes: this.#suffixes,
      map: this.#map,
      mixture: this.#mixture,
      arrival: this.arrival,
    };
  }

  /** Learns from the predictions whose time is up. */
  learn(tick: number, time: number): void {
    const log = this.#log;
    for (let at = log.oldest(); at >= 0; at = log.oldest()) {
      if ((log.tick[at] as number) + this.horizon > tick) return;
      if (this.fillMs > 0 && (log.time[at] as number) + this.fillMs > time) return;
      this.#learnFrom(at);
      log.shift();
    }
  }

  /** Probability that candidate `index` is wanted before this user's next step. */
  urgency(index: number): number {
    const wanted = this.probability[index] as number;
    // Others' knowledge does not tell when: it stands in only until there is own experience.
    return (this.#mapBins[index] as number) >= 0 ? wanted : this.#mixture.urgency(index, wanted);
  }

  /**
   * How long after the present event candidate `index` usually comes, ms: by its own relation to what the user did, or,
   * where only the form of its id suggests it, as the user goes on; undefined where neither is known.
   */
  delay(index: number): number | undefined {
    const known = delayOf(this.candidates.delayStep[index] as number);
    if (known !== undefined || this.#pace === 0) return known;
    return TEMPLATES.has(this.bestExpert(index)) ? this.#pace : undefined;
  }

  /** Probability that candidate `index` is the user's next step, however long that takes, by their relation alone. */
  direct(index: number): number {
    return this.candidates.direct[index] as number;
  }

  /** Who thinks most of candidate `index`. */
  bestExpert(index: number): Expert {
    return (this.#mapBins[index] as number) >= 0 ? "map" : this.#mixture.bestExpert(index);
  }

  /** What the event is as a step of the user: as a context, its kind counts where it tells of what follows. */
  #stepOf(plain: number, place: number, kind: number): Step {
    const typed = this.#shards.noteType(place, kind) ? hashPair(plain, kind) : 0;
    return this.#successors.stepOf(this.#shards.reference(place), plain, typed);
  }

  /** The entry that stands for the shard in the user's history: ids that name the user are shared as a pattern. */
  #placeOf(user: string, handle: number): number {
    if (user.length < MIN_USER || this.#shards.kind[handle] !== SHARD) return handle;
    const id = this.#shards.ids[handle] as string;
    if (!id.includes(user)) return handle;
    const pattern = this.#shards.intern(id.replaceAll(user, USER_PLACEHOLDER), PATTERN);
    this.#shards.touch(pattern);
    return pattern;
  }

  /** What others know of the shard, or of the user's last two event types, or of the last: the first that is known. */
  #proposeMap(slot: number, context: number, type: string, user: string): void {
    const eventType = contextOf(type, EVENT);
    const before = this.#histories.noteEventType(slot, eventType);
    if (!this.#map.filled) return;
    const contexts = [context, contextOfPattern(before, eventType), eventType];
    this.#map.propose(contexts, this.#successors.experience(slot), user, (handle, bin, share, delayStep) => {
      const index = this.candidates.indexOf(handle);
      if (index < 0) return;
      this.#mapBins[index] = bin;
      this.candidates.follows(handle, share, delayStep);
    });
  }

  #markHistory(slot: number, tick: number): void {
    const { historyMark, historyIndex } = this.#shards;
    for (let back = HISTORY; back >= 1; back--) {
      const reference = this.#histories.at(slot, back);
      if (reference === 0) continue;
      historyMark[reference & HANDLE_MASK] = tick;
      historyIndex[reference & HANDLE_MASK] = back;
    }
  }

  /** The slot is another user's now. */
  #resetTemplates(slot: number): void {
    this.#numbers.reset(slot);
    this.#suffixes.reset(slot);
  }

  /** The user's history is known from before: templates go on from its latest ids. */
  #recallTemplates(slot: number, user: string): void {
    this.#resetTemplates(slot);
    for (let back = RING; back >= 1; back--) {
      const handle = this.#shards.resolve(this.#histories.at(slot, back));
      const shard = handle === 0 ? 0 : shardOf(handle, this.#shards, user);
      if (shard === 0) continue;
      const id = this.#shards.ids[shard] as string;
      this.#parts.parse(id);
      this.#numbers.recall(slot, this.#parts);
      this.#suffixes.recall(slot, id);
    }
  }

  #proposeTemplates(slot: number, handle: number, kind: number, user: string): void {
    const id = this.#shards.ids[handle] as string;
    this.#parts.parse(id);
    this.#numbers.observe(slot, id, this.#parts, kind, this.candidates, FIRST_NUMBER_EXPERT);
    const nameAt = user.length < MIN_USER ? -1 : id.lastIndexOf(user);
    const nameEnd = nameAt < 0 ? 0 : nameAt + user.length;
    this.#suffixes.observe(slot, id, this.#parts, nameEnd, this.candidates, SUFFIX_EXPERT);
  }

  #judge(index: number, slot: number, tick: number, time: number): void {
    const shards = this.#shards;
    const handle = this.candidates.handles[index] as number;
    const mapBin = this.#mapBins[index] as number;
    const own = this.#mixture.probability(index, tick);
    const p = mapBin < 0 ? own : Math.max(own, this.#map.rate(mapBin));
    this.probability[index] = p;
    shards.predicted[handle] = p;
    shards.predictedAt[handle] = tick;
    const matters = p > LOG_ALL_ABOVE && !this.#mixture.isResident(index);
    if (!matters && ++this.#unlogged % LOG_EVERY !== 0) return;
    const log = this.#log;
    const at = log.push();
    if (at < 0) return;
    this.#mixture.takeDown(index, log, at);
    log.reference[at] = shards.reference(handle);
    log.tick[at] = tick;
    log.time[at] = time;
    log.probability[at] = p;
    log.mapBin[at] = mapBin;
    log.stream[at] = slot;
    log.steps[at] = this.#histories.length(slot);
  }

  #learnFrom(at: number): void {
    const log = this.#log;
    const shards = this.#shards;
    const handle = shards.resolve(log.reference[at] as number);
    if (handle === 0) return;
    const since = log.tick[at] as number;
    const first = this.#firstDemand(handle, since);
    const delay = first === 0 ? 0 : this.#timeOf(handle, first, at) - (log.time[at] as number);
    const label = first !== 0 && (this.fillMs === 0 || delay > this.fillMs) ? 1 : 0;
    const urgent =
      label === 1 && first <= this.#histories.tickAfter(log.stream[at] as number, log.steps[at] as number)
        ? 1
        : 0;
    this.#mixture.learn(log, at, label, urgent);
    const mapBin = log.mapBin[at] as number;
    if (mapBin >= 0) this.#map.learn(mapBin, label);
    this.reliability.add(log.probability[at] as number, label);
    if (label === 1) this.arrival.add(millis(delay));
    this.onOutcome?.(log.probability[at] as number, label);
  }

  /** Tick of the first demand after `since`, as far as the last three tell; 0 if there was none. */
  #firstDemand(handle: number, since: number): number {
    const shards = this.#shards;
    let first = shards.last[handle] as number;
    if (first <= since) return 0;
    for (const gap of [shards.gap[handle] as number, shards.gap2[handle] as number]) {
      if (gap === 0 || first - gap <= since) break;
      first -= gap;
    }
    return first;
  }

  /** Time of a demand at `tick`, the last or one between the prediction in entry `at` and the last: interpolated. */
  #timeOf(handle: number, tick: number, at: number): number {
    const last = this.#shards.last[handle] as number;
    const lastMs = this.#shards.lastMs[handle] as number;
    if (tick === last) return lastMs;
    const since = this.#log.tick[at] as number;
    const sinceMs = this.#log.time[at] as number;
    return sinceMs + ((lastMs - sinceMs) * (tick - since)) / (last - since);
  }
}
