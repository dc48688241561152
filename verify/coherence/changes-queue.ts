import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { Bindings } from "../../src/bindings.ts";
import type { ChangeMessage } from "../../src/contract/messages.ts";
import { consumeChanges } from "../../src/queues/changes.ts";
import type { Prng } from "./prng.ts";

/** Usual time a message waits, ms; each on its own, so that they arrive in any order. */
const WAITS = 800;
/** While the queue is held up messages wait for up to this long, ms. */
const HELD_UP = 90_000;

/** The queue `changes`: every message at least once, often twice, in any order, at times late. */
export class ChangesQueue {
  readonly #time: VirtualTime;
  readonly #dice: Prng;
  readonly #env: Bindings;
  heldUpUntil = 0;
  delivered = 0;
  duplicates = 0;

  constructor(time: VirtualTime, dice: Prng, env: Bindings) {
    this.#time = time;
    this.#dice = dice;
    this.#env = env;
  }

  async send(message: ChangeMessage): Promise<void> {
    await this.#time.sleep(this.#dice.around(5));
    void this.#deliver(message, this.#wait(), 1);
    if (!this.#dice.chance(0.2)) return;
    this.duplicates++;
    void this.#deliver(message, this.#wait(), 1);
  }

  #wait(): number {
    const heldUp = this.#time.now < this.heldUpUntil ? this.#dice.between(0, HELD_UP) : 0;
    return heldUp + this.#dice.around(WAITS);
  }

  async #deliver(body: ChangeMessage, wait: number, attempts: number): Promise<void> {
    await this.#time.sleep(wait);
    this.delivered++;
    let again: number | undefined;
    const message = {
      body,
      attempts,
      ack: () => undefined,
      retry: ({ delaySeconds }: { delaySeconds: number }) => {
        again = delaySeconds * 1_000;
      },
    };
    const batch = { queue: "changes", messages: [message] } as unknown as MessageBatch;
    await consumeChanges(batch, this.#env).catch(() => {
      again = 1_000;
    });
    if (again !== undefined) void this.#deliver(body, again, attempts + 1);
  }
}
