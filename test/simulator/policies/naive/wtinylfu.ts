import { FrequencySketch } from "../../../../simulator/policies/frequency-sketch.ts";
import type { Bytes } from "../../../../src/core/units.ts";
import { first } from "./lru.ts";
import { costOf, NaivePolicy, type Queue, type Resident, take } from "./policy.ts";

/** W-TinyLFU as four arrays. */
export class NaiveWTinyLfu extends NaivePolicy {
  readonly #window: Queue = [];
  readonly #probation: Queue = [];
  readonly #proven: Queue = [];
  readonly #overflow: Queue = [];
  protected readonly queues = [this.#window, this.#probation, this.#proven, this.#overflow];
  readonly #counts: FrequencySketch;
  readonly #halveAfter: number;
  #hits = 0;

  constructor(capacity: Bytes, residents: number) {
    super(capacity);
    const inMain = residents - Math.floor(residents * 0.01);
    this.#counts = new FrequencySketch(inMain);
    this.#halveAfter = 32 * inMain;
  }

  get #room(): { main: number; probation: number; proven: number } {
    const main = this.capacity - Math.floor(this.capacity * 0.01);
    return { main, probation: Math.floor(main * (1 - 0.8)), proven: Math.floor(main * 0.8) };
  }

  protected enter(entry: Resident): void {
    this.#counts.add(entry.id);
    this.#window.push(entry);
  }

  protected override enterPrefetched(entry: Resident): void {
    this.#window.push(entry);
  }

  protected touch(entry: Resident): void {
    if (take(this.#window, entry.id) !== undefined) {
      this.#window.push(entry);
      return;
    }
    this.#counts.add(entry.id);
    this.#hits += 1;
    if (this.#hits === this.#halveAfter) {
      this.#hits = 0;
      this.#counts.halve();
    }
    for (const queue of this.queues) take(queue, entry.id);
    this.#proven.push(entry);
    this.capacityChanged();
  }

  protected override capacityChanged(): void {
    while (costOf(this.#proven) > this.#room.proven) {
      move(this.#proven, this.#probation);
      while (costOf(this.#probation) > this.#room.probation) move(this.#probation, this.#overflow);
    }
  }

  protected victim(): Resident {
    while (this.#overflow.length === 0 && this.#window.length > 0) {
      const newcomer = first(this.#window);
      const inMain = costOf(this.#probation) + costOf(this.#proven);
      const fits = inMain + newcomer.cost <= this.#room.main;
      const rival = this.#probation[0] ?? this.#proven[0];
      const wins = rival && this.#counts.estimate(newcomer.id) > this.#counts.estimate(rival.id);
      this.#counts.add(newcomer.id);
      if (!fits && !wins) return newcomer;
      if (!fits && rival) move(this.#probation.length > 0 ? this.#probation : this.#proven, this.#overflow);
      move(this.#window, this.#segmentFor(newcomer));
    }
    return first([...this.#overflow, ...this.#probation, ...this.#proven]);
  }

  #segmentFor(entry: Resident): Queue {
    if (costOf(this.#probation) + entry.cost <= this.#room.probation) return this.#probation;
    return costOf(this.#proven) + entry.cost <= this.#room.proven ? this.#proven : this.#probation;
  }
}

const move = (from: Queue, to: Queue): void => {
  const oldest = from.shift();
  if (oldest !== undefined) to.push(oldest);
};
