import type { EngineSettings } from "../engine/settings.ts";

/** How much of the cost of deciding too late is set against waiting; see {@link Economics.decide}. Measured: .2 to .5 do. */
const IMPATIENCE = 0.3;
/** Step of the budget's price per prefetch over or under budget. */
const BUDGET_STEP = 0.002;

/** What a prefetch is judged by. */
export interface Prospect {
  /** Probability that it is wanted within the horizon. */
  readonly probability: number;
  /** Probability that it is wanted before the user's next step. */
  readonly urgency: number;
}

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
export class Economics {
  settings: EngineSettings;
  /** Price of the budget: rises while more is spent than it allows (dual ascent). */
  #budgetPrice = 0;

  constructor(settings: EngineSettings) {
    this.settings = settings;
  }

  /** What a prefetch has to earn. */
  price(room: Room): number {
    return this.settings.cost + room.victimWorth * room.holdShare + this.#budgetPrice;
  }

  /** Whether to issue it, given its price. */
  decide(probability: number, urgency: number, price: number): boolean {
    const { mode, threshold, cost } = this.settings;
    if (mode === "off") return false;
    if (mode === "fixed") return probability > threshold;
    if (probability <= price) return false;
    return urgency * (1 - cost) >= IMPATIENCE * cost * (1 - probability);
  }

  /** After each request: how many prefetches were issued. */
  account(issued: number): void {
    if (this.settings.budget === Number.POSITIVE_INFINITY) return;
    this.#budgetPrice = Math.max(0, this.#budgetPrice + BUDGET_STEP * (issued - this.settings.budget));
  }
}
