import {
  encodeRoutingState,
  isNewerThan,
  type RoutingState,
  versionsOf,
} from "../../src/contract/routing-state.ts";

/** Tells edges of newer topology and settings. An edge that knows as much costs a comparison of two short texts. */
export class RoutingNews {
  #state: RoutingState;
  #versions: string;
  #encoded: string | undefined;

  constructor(state: RoutingState) {
    this.#state = state;
    this.#versions = versionsOf(state);
  }

  get state(): RoutingState {
    return this.#state;
  }

  learn(news: Partial<RoutingState>): void {
    this.#state = { ...this.#state, ...news };
    this.#versions = versionsOf(this.#state);
    this.#encoded = undefined;
  }

  /** The state for a caller who knows these versions; undefined when it has nothing newer, or the caller did not say. */
  stateFor(known: string | null | undefined): RoutingState | undefined {
    if (known === null || known === undefined || known === this.#versions) return undefined;
    return isNewerThan(this.#state, known) ? this.#state : undefined;
  }

  /** The same as a header's value. */
  headerFor(known: string | null): string | undefined {
    if (this.stateFor(known) === undefined) return undefined;
    this.#encoded ??= encodeRoutingState(this.#state);
    return this.#encoded;
  }
}
