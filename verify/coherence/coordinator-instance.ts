import {
  CoordinatorNode,
  type CoordinatorNodeDeps,
} from "../../durable-objects/coordinator/coordinator-node.ts";
import { NodeHost } from "../../simulator/platform/node-host.ts";
import type { Prng } from "../../simulator/platform/prng.ts";
import { migrationsOf } from "../../simulator/platform/sqlite-storage.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import { UnreachableError } from "./network-link.ts";

/** Usual time of one way between the coordinator and whoever calls it, ms. */
const WAY = 10;
const MIGRATIONS = migrationsOf("coordinator");

/** Where the coordinator's instances live, and the way to it. */
export class CoordinatorHost {
  readonly #time: VirtualTime;
  readonly #prng: Prng;
  readonly #host: NodeHost<CoordinatorNode>;
  /** Until when it answers nobody. */
  downUntil = 0;

  constructor(
    time: VirtualTime,
    prng: Prng,
    deps: Pick<CoordinatorNodeDeps, "readSettings" | "partition" | "sendPrefetchBatch">,
  ) {
    this.#time = time;
    this.#prng = prng;
    this.#host = new NodeHost({
      time,
      prng: prng.fork(),
      make: ({ storage, clock }) => new CoordinatorNode({ ...deps, storage, clock, migrations: MIGRATIONS }),
    });
  }

  /** Calls the coordinator; there and back takes time. */
  async call<T>(work: (node: CoordinatorNode) => T | Promise<T>): Promise<T> {
    await this.#time.sleep(this.#prng.around(WAY));
    if (this.#time.now < this.downUntil) throw new UnreachableError("the coordinator is down");
    const answer = await this.#host.call(work);
    await this.#time.sleep(this.#prng.around(WAY));
    return answer;
  }

  /** Memory is lost, and what was under way in it. */
  restart(): void {
    this.#host.loseMemory();
  }

  stepClock(millis: number): void {
    this.#host.stepClock(millis);
  }

  /** Decides for each transaction whether it fails. */
  set failsToCommit(decide: () => boolean) {
    this.#host.storage.failsToCommit = decide;
  }

  close(): void {
    this.#host.close();
  }
}
