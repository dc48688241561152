import FlatQueue from "flatqueue";

/** Where virtual time begins: any date will do, so that what is stored looks like times. */
const BEGINNING = 1_800_000_000_000;

/**
 * Virtual time: things happen one after another in the order of their due times, and nothing happens in between, so
 * that one seed always gives the same run and hours of waiting cost nothing.
 */
export class VirtualTime {
  readonly #due = new FlatQueue<() => void>();
  #now = BEGINNING;

  /** ms since the epoch, with fractions. */
  get now(): number {
    return this.#now;
  }

  /** Calls back `millis` of virtual time from now, unless the function it answers is called before. */
  after(millis: number, callback: () => void): () => void {
    let isCancelled = false;
    this.#due.push(() => {
      if (!isCancelled) callback();
    }, this.#now + Math.max(0, millis));
    return () => {
      isCancelled = true;
    };
  }

  /** Resolves `millis` of virtual time from now. */
  sleep(millis: number): Promise<void> {
    return new Promise((resolve) => this.#due.push(resolve, this.#now + Math.max(0, millis)));
  }

  /** Lets time pass until `isOver`. @throws Error when nothing is left to wait for: somebody waits for ever. */
  async run(isOver: () => boolean): Promise<void> {
    await settled();
    while (!isOver()) {
      const at = this.#due.peekValue();
      const happen = this.#due.pop();
      if (happen === undefined || at === undefined) throw new Error("something waits for ever");
      this.#now = Math.max(this.#now, at);
      happen();
      await settled();
    }
  }
}

/** Resolves when everything that does not wait for time has run: promises go before the next turn of the loop. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
