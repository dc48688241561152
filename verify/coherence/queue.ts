import type { Prng } from "../../simulator/platform/prng.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";

/** Usual time a message waits, ms; each on its own, so that they arrive in any order. */
const WAITS = 800;
/** While the queue is held up messages wait for up to this long, ms. */
const HELD_UP = 90_000;
/** Tries until a message is given up, as `wrangler.toml` has them. */
const MAX_TRIES = 11;

/** The queue takes nothing at present. */
class QueueAwayError extends Error {
  override readonly name = "QueueAwayError";
}

/** A queue: every message at least once, often twice, in any order, at times late. */
export class AtLeastOnceQueue<Body> {
  readonly #name: string;
  readonly #time: VirtualTime;
  readonly #prng: Prng;
  readonly #consume: (batch: MessageBatch) => Promise<void>;
  heldUpUntil = 0;
  awayUntil = 0;
  delivered = 0;
  duplicates = 0;
  /** Messages given up after all tries. */
  givenUp = 0;
  #sent = 0;

  constructor(parts: {
    name: string;
    time: VirtualTime;
    prng: Prng;
    consume: (batch: MessageBatch) => Promise<void>;
  }) {
    this.#name = parts.name;
    this.#time = parts.time;
    this.#prng = parts.prng;
    this.#consume = parts.consume;
  }

  async send(body: Body, delaySeconds = 0): Promise<void> {
    await this.#time.sleep(this.#prng.around(5));
    if (this.#time.now < this.awayUntil) throw new QueueAwayError("the queue is away");
    const delay = delaySeconds * 1_000;
    // As it travels: what the sender does with its own afterwards changes nothing.
    const sent = structuredClone(body);
    void this.#deliver(sent, delay + this.#wait(), 1);
    if (!this.#prng.chance(0.2)) return;
    this.duplicates++;
    void this.#deliver(sent, delay + this.#wait(), 1);
  }

  #wait(): number {
    const heldUp = this.#time.now < this.heldUpUntil ? this.#prng.between(0, HELD_UP) : 0;
    return heldUp + this.#prng.around(WAITS);
  }

  async #deliver(body: Body, wait: number, attempts: number): Promise<void> {
    await this.#time.sleep(wait);
    this.delivered++;
    let again: number | undefined;
    const message: Message = {
      id: String(++this.#sent),
      timestamp: new Date(this.#time.now),
      body,
      attempts,
      ack: () => undefined,
      retry: (options) => {
        again = (options?.delaySeconds ?? 1) * 1_000;
      },
    };
    await this.#consume(batchOf(this.#name, message)).catch(() => {
      again = 1_000;
    });
    if (again === undefined) return;
    if (attempts === MAX_TRIES) this.givenUp++;
    else void this.#deliver(body, again, attempts + 1);
  }
}

const batchOf = (queue: string, message: Message): MessageBatch => ({
  queue,
  messages: [message],
  metadata: { metrics: { backlogCount: 1, backlogBytes: 1 } },
  ackAll: () => message.ack(),
  retryAll: (options) => message.retry(options),
});
