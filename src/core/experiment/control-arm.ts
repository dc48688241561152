import { hash32 } from "../hash.ts";
import type { ReadCounts } from "../reporting/read-counts.ts";
import { HOUR, MINUTE } from "../units.ts";

/** Share of users without prefetching: enough to tell, too few to be felt. */
export const CONTROL_SHARE = 0.02;
/** Draws the control arm independently of the slots, which hash users too. */
const CONTROL_SEED = 0x5eed;
/** Counts fade with this time constant: the estimate is of now, not of last month. */
const MEMORY = HOUR;
/** Requests in each arm below which nothing is concluded. */
const MIN_EVIDENCE = 200;
/** How sure it must be that prefetching does not pay before it is paused: two standard errors. */
const CONFIDENCE = 2;
/** How long a pause lasts before prefetching is tried again. */
export const PAUSE = 10 * MINUTE;

/** What one arm saw, faded. Times in ms. */
export interface ArmCounts {
  requests: number;
  /** Reads that waited for R2; in the control arm also those a prefetch for somebody else spared. */
  misses: number;
  missMillis: number;
  hitMillis: number;
}

/** What a partition counted: mergeable by addition. */
export interface ProofCounts {
  readonly treated: ArmCounts;
  readonly control: ArmCounts;
  /** Prefetches that were issued. */
  readonly prefetches: number;
  /** Misses of shards that a prefetched copy had pushed out: the price in room. */
  readonly pushedOut: number;
}

/** All that a {@link ControlArm} counted, and its pause. Times in ms since the epoch, 0 for never. */
export interface ArmState extends ProofCounts {
  readonly lasting: { readonly treated: ArmCounts; readonly control: ArmCounts };
  readonly fadedAt: number;
  readonly pausedUntil: number;
}

/** What prefetching saves per read, with standard errors; reads, waiting and money apart. */
interface Savings {
  /** Waits for the storage spared a read, the pushed-out ones subtracted. */
  readonly missesSaved: number;
  readonly missesSavedError: number;
  /** ms of waiting spared a read. */
  readonly millisSaved: number;
  /** Prefetches issued a read. */
  readonly prefetches: number;
  /** Storage reads saved a read; negative where prefetching reads more than it spares. */
  readonly storageReadsSaved: number;
  /** What the saved storage reads cost, over all requests counted; negative where they are more. */
  readonly dollarsSaved: number;
  /** In units of what one hit saves: misses saved − cost × prefetches. */
  readonly net: number;
  readonly netError: number;
}

/** What the control arm shows. */
export interface ProofEstimate {
  /** Reads counted in each arm, faded; fewer than `needed` in either show nothing. */
  readonly treatedRequests: number;
  readonly controlRequests: number;
  readonly needed: number;
  /** Null while there is not enough evidence. */
  readonly savings: Savings | null;
}

const emptyArm = (): ArmCounts => ({ requests: 0, misses: 0, missMillis: 0, hitMillis: 0 });

/** Whether prefetching is off for this user. A pure function of the user: always the same people. O(length). */
export const isControl = (user: string): boolean => hash32(user, CONTROL_SEED) < CONTROL_SHARE * 2 ** 32;

/**
 * The standing control arm: for a small share of users prefetching is off, and the difference is what it saves. Both
 * arms share one cache, so what prefetched copies push out is counted by itself and subtracted. O(1) a request.
 */
export class ControlArm {
  #treated = emptyArm();
  #control = emptyArm();
  #prefetches = 0;
  #pushedOut = 0;
  /** All that was counted since it began, unfaded. */
  #lasting = { treated: emptyArm(), control: emptyArm() };
  #fadedAt = 0;
  #pausedUntil = 0;

  /** A read was answered. `prefetched`: from a copy nobody had asked for before. */
  record(
    control: boolean,
    outcome: { readonly missed: boolean; readonly prefetched: boolean; readonly millis: number },
    now: number,
  ): void {
    this.#fade(now);
    const arms = control ? [this.#control, this.#lasting.control] : [this.#treated, this.#lasting.treated];
    for (const arm of arms) {
      arm.requests++;
      if (outcome.missed || (control && outcome.prefetched)) arm.misses++;
      if (outcome.missed) arm.missMillis += outcome.millis;
      else arm.hitMillis += outcome.millis;
    }
  }

  issued(count: number): void {
    this.#prefetches += count;
  }

  /** A shard that a prefetched copy had pushed out was asked for, and missed. */
  pushedOut(): void {
    this.#pushedOut++;
  }

  /** What both arms came to since this began, unfaded. */
  get lasting(): { readonly treated: Readonly<ArmCounts>; readonly control: Readonly<ArmCounts> } {
    return this.#lasting;
  }

  counts(): ProofCounts {
    return {
      treated: { ...this.#treated },
      control: { ...this.#control },
      prefetches: this.#prefetches,
      pushedOut: this.#pushedOut,
    };
  }

  /**
   * Whether prefetching is paused because it does not pay. Pauses begin here, when the evidence says so, and end by
   * themselves, with the evidence forgotten: what did not pay then may pay now.
   */
  isPaused(prices: Prices, now: number): boolean {
    if (now < this.#pausedUntil) return true;
    const { savings } = estimate(this.counts(), prices);
    if (savings === null || savings.net + CONFIDENCE * savings.netError >= 0) return false;
    this.#pausedUntil = now + PAUSE;
    this.#treated = emptyArm();
    this.#control = emptyArm();
    this.#prefetches = 0;
    this.#pushedOut = 0;
    return true;
  }

  /** When the pause under way ends, or null. */
  pausedUntil(now: number): number | null {
    return now < this.#pausedUntil ? this.#pausedUntil : null;
  }

  toState(): ArmState {
    const { treated, control } = this.#lasting;
    return {
      ...this.counts(),
      lasting: { treated: { ...treated }, control: { ...control } },
      fadedAt: this.#fadedAt,
      pausedUntil: this.#pausedUntil,
    };
  }

  /** Goes on from where another was. */
  restore(state: ArmState): void {
    this.#treated = { ...state.treated };
    this.#control = { ...state.control };
    this.#lasting = { treated: { ...state.lasting.treated }, control: { ...state.lasting.control } };
    this.#prefetches = state.prefetches;
    this.#pushedOut = state.pushedOut;
    this.#fadedAt = state.fadedAt;
    this.#pausedUntil = state.pausedUntil;
  }

  /** Fading once a minute is as good as at each request. */
  #fade(now: number): void {
    if (this.#fadedAt === 0) this.#fadedAt = now;
    if (now - this.#fadedAt < MINUTE) return;
    const factor = Math.exp((this.#fadedAt - now) / MEMORY);
    this.#fadedAt = now;
    for (const arm of [this.#treated, this.#control]) {
      arm.requests *= factor;
      arm.misses *= factor;
      arm.missMillis *= factor;
      arm.hitMillis *= factor;
    }
    this.#prefetches *= factor;
    this.#pushedOut *= factor;
  }
}

/** What things cost. */
export interface Prices {
  /** A prefetch's read, as a share of what one hit saves. */
  readonly prefetchCost: number;
  /** Dollars for a million storage reads. */
  readonly dollarsPerMillionReads: number;
}

/** What an experiment counted, from the sums that partitions report. */
export const proofCounts = (counts: ReadCounts): ProofCounts => ({
  treated: {
    requests: counts.treatedRequests,
    misses: counts.treatedMisses,
    missMillis: counts.treatedMissMillis,
    hitMillis: counts.treatedHitMillis,
  },
  control: {
    requests: counts.controlRequests,
    misses: counts.controlMisses,
    missMillis: counts.controlMissMillis,
    hitMillis: counts.controlHitMillis,
  },
  prefetches: counts.prefetchesIssued,
  pushedOut: counts.pushedOut,
});

/** The estimate from counts: the difference of two proportions, with its binomial standard error. */
export function estimate(counts: ProofCounts, prices: Prices): ProofEstimate {
  const { treated, control } = counts;
  const isEnough = treated.requests >= MIN_EVIDENCE && control.requests >= MIN_EVIDENCE;
  return {
    treatedRequests: treated.requests,
    controlRequests: control.requests,
    needed: MIN_EVIDENCE,
    savings: isEnough ? savingsOf(counts, prices) : null,
  };
}

function savingsOf({ treated, control, ...counts }: ProofCounts, prices: Prices): Savings {
  const requests = treated.requests + control.requests;
  const missesSaved = missRatio(control) - missRatio(treated) - ratio(counts.pushedOut, requests);
  const error = Math.hypot(standardError(control), standardError(treated));
  const prefetches = ratio(counts.prefetches, treated.requests);
  const storageReadsSaved = missesSaved - prefetches;
  return {
    missesSaved,
    missesSavedError: error,
    millisSaved: missesSaved * missPenalty(treated, control),
    prefetches,
    storageReadsSaved,
    dollarsSaved: (storageReadsSaved * requests * prices.dollarsPerMillionReads) / 1e6,
    net: missesSaved - prices.prefetchCost * prefetches,
    netError: error,
  };
}

/** How much longer a miss takes than a hit, ms. */
function missPenalty(treated: ArmCounts, control: ArmCounts): number {
  const misses = treated.misses + control.misses;
  const hits = treated.requests + control.requests - misses;
  return Math.max(
    0,
    ratio(treated.missMillis + control.missMillis, misses) -
      ratio(treated.hitMillis + control.hitMillis, hits),
  );
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);
const missRatio = (arm: ArmCounts): number => ratio(arm.misses, arm.requests);

/** Of a proportion; the half added to each side keeps it from claiming certainty at 0 and 1 (Agresti & Coull 1998). */
function standardError(arm: ArmCounts): number {
  const n = arm.requests + 1;
  const p = (arm.misses + 0.5) / n;
  return Math.sqrt((p * (1 - p)) / n);
}
