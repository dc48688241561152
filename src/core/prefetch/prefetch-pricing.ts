import type { PrefetchReason } from "./prefetch.ts";
import type { PrefetchSettings } from "./settings.ts";

/** How much of the cost of deciding too late is set against waiting; see {@link PrefetchPricing.isUrgent}. Measured: .2 to .5 do. */
const IMPATIENCE = 0.25;
/** Step of the budget's price per prefetch over or under budget. */
const BUDGET_STEP = 0.01;
/** What the budget leaves over for later, in prefetches: bursts are short. */
const BUDGET_SAVED = 16;
/** Prefetches assumed to have come out as promised before any did: a few bad ones are chance. */
const GOOD_FAITH = 8;
/** Fading of the record of prefetches: about the last 500. */
const RECORD = 0.998;

/** Of the latest prefetches for one reason: how many were to be used by what was said, and how many were. */
interface PrefetchRecord {
  promised: number;
  kept: number;
}

/** The records by reason. */
export type PrefetchRecords = Readonly<Record<string, Readonly<PrefetchRecord>>>;

/** What the cache says about room. */
export interface Room {
  /** Worth of what would have to go: probability that it would be wanted within the turnover. 0 while there is room. */
  readonly victimWorth: number;
  /** Share of the turnover that a prefetched copy is held. */
  readonly holdShare: number;
}

/**
 * Prefetching as a trade, in units of what one hit saves. A prefetch is issued when it earns more than its price: the
 * read, what its place would have earned meanwhile, and the budget's price. It also has to be urgent enough: at the
 * user's next step more will be known, and what is not wanted before then loses nothing by waiting (the value of
 * waiting: Dixit & Pindyck 1994). Jiang & Kleinrock, "An adaptive network prefetch scheme", 1998. O(1).
 */
export class PrefetchPricing {
  settings: PrefetchSettings;
  /** Price of the budget: rises while more is spent than it allows (dual ascent). */
  #budgetPrice = 0;
  #saved = BUDGET_SAVED;

  readonly #records = new Map<string, PrefetchRecord>();

  constructor(settings: PrefetchSettings) {
    this.settings = settings;
  }

  /** What a prefetch has to earn, where fetching it costs `read`. */
  price(read: number, room: Room): number {
    return read + room.victimWorth * room.holdShare + this.#budgetPrice;
  }

  /** Whether a prefetch of this probability earns its price. */
  worthwhile(probability: number, price: number, reason: PrefetchReason): boolean {
    const { mode, threshold } = this.settings;
    if (mode === "off") return false;
    return mode === "fixed" ? probability > threshold : probability * this.calibrationFactor(reason) > price;
  }

  /**
   * What part of their promises prefetches for this reason have kept of late, at most 1: those that pass a threshold are
   * overrated, and who proposes from afar may be wrong about this place.
   */
  calibrationFactor(reason: PrefetchReason): number {
    const { promised, kept } = this.#recordOf(reason);
    return Math.min(1, kept / promised);
  }

  /** A prefetch of this probability was issued. */
  recordIssued(probability: number, reason: PrefetchReason): void {
    const record = this.#recordOf(reason);
    record.promised = record.promised * RECORD + probability;
    record.kept *= RECORD;
  }

  /** What was recorded as issued was not issued yet. */
  withdraw(probability: number, reason: PrefetchReason): void {
    const record = this.#recordOf(reason);
    record.promised = Math.max(0, record.promised - probability);
  }

  /** A prefetched copy was used. */
  recordUsed(reason: PrefetchReason): void {
    this.#recordOf(reason).kept++;
  }

  /**
   * Whether a worthwhile prefetch should go out now. At the user's next step more will be known: what waits until then
   * is lost with probability `urgency`, and saves the read when it turns out not to be wanted at all.
   */
  isUrgent(probability: number, urgency: number): boolean {
    const { mode, cost } = this.settings;
    return mode === "fixed" || urgency * (1 - cost) >= IMPATIENCE * cost * (1 - probability);
  }

  /** Whether the budget has room for another prefetch besides the `issued` of this event. */
  affordable(issued: number): boolean {
    return this.settings.budget === Number.POSITIVE_INFINITY || this.#saved >= issued + 1;
  }

  /** After each request: how many prefetches were issued. */
  account(issued: number): void {
    if (this.settings.budget === Number.POSITIVE_INFINITY) return;
    this.#saved = Math.min(BUDGET_SAVED, this.#saved + this.settings.budget - issued);
    this.#budgetPrice = Math.max(0, this.#budgetPrice + BUDGET_STEP * (issued - this.settings.budget));
  }

  /** The records, to be remembered. */
  toState(): PrefetchRecords {
    return Object.fromEntries([...this.#records].map(([reason, record]) => [reason, { ...record }]));
  }

  /** Takes the records back. */
  restore(records: PrefetchRecords): void {
    for (const [reason, record] of Object.entries(records)) this.#records.set(reason, { ...record });
  }

  #recordOf(reason: PrefetchReason): PrefetchRecord {
    const known = this.#records.get(reason);
    if (known !== undefined) return known;
    const record = { promised: GOOD_FAITH, kept: GOOD_FAITH };
    this.#records.set(reason, record);
    return record;
  }
}
