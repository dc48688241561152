import type { Clock } from "../../src/core/clock.ts";
import type { NodeStorage } from "../../src/storage/node-storage.ts";
import { InstanceLifetime } from "./instance-lifetime.ts";
import type { Prng } from "./prng.ts";
import { SqliteStorage } from "./sqlite-storage.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Usual time until what was put unconfirmed is on disk, ms: a crash before loses it. */
const UNCONFIRMED_FOR = 20;
/** An alarm that fails is tried again after this, ms, doubled each time; the platform gives up after so many tries. */
const ALARM_RETRY = 2_000;
const MAX_ALARM_TRIES = 6;

/** What a node is made of, by the platform's part. */
interface Instance {
  readonly storage: NodeStorage;
  readonly clock: Clock;
  readonly lifetime: InstanceLifetime;
}

/** What a node host needs of the object. */
export interface HostDeps<Node> {
  readonly time: VirtualTime;
  readonly prng: Prng;
  readonly make: (instance: Instance) => Node;
}

/**
 * Does for one object what the platform does: makes an instance on the object's storage when it is called, keeps it until
 * its memory is lost, and fires its alarm, waking it if need be. Each instance has a machine with a clock of its own.
 */
export class NodeHost<Node extends { alarm(): void | Promise<void> }> {
  readonly storage = new SqliteStorage();
  readonly #deps: HostDeps<Node>;
  #awake: { readonly node: Node; readonly lifetime: InstanceLifetime } | undefined;
  /** Instances made so far. */
  instances = 0;

  constructor(deps: HostDeps<Node>) {
    this.#deps = deps;
    this.storage.onAlarm = (at) => this.#schedule(at, at - this.#now(), 1);
  }

  /** Calls the object, waking it if need be. Rejects with GoneError when its memory is lost before it has answered. */
  async call<T>(work: (node: Node) => T | Promise<T>): Promise<T> {
    const { node, lifetime } = this.#wake();
    return lifetime.within(() => work(node));
  }

  /** Memory goes; the next call makes a new instance with what is on disk. */
  loseMemory(): void {
    this.#awake?.lifetime.end();
    this.#awake = undefined;
  }

  /** The clock of the machine that the object is awake on is set. */
  stepClock(millis: number): void {
    this.#awake?.lifetime.stepClock(millis);
  }

  close(): void {
    this.loseMemory();
    this.storage.close();
  }

  #now(): number {
    return this.#awake?.lifetime.now() ?? this.#deps.time.now;
  }

  #wake() {
    if (this.#awake !== undefined) return this.#awake;
    const { time, prng, make } = this.#deps;
    const lifetime = new InstanceLifetime(time, prng.fork());
    const settle = (): Promise<void> => time.sleep(prng.around(UNCONFIRMED_FOR));
    const storage = this.storage.view(() => lifetime.isOver, settle);
    this.instances++;
    this.#awake = { node: make({ storage, clock: lifetime.clock, lifetime }), lifetime };
    return this.#awake;
  }

  /** One alarm an object: one that was moved meanwhile does not fire. */
  #schedule(at: number, wait: number, tries: number): void {
    this.#deps.time.after(wait, () => {
      if (this.storage.alarmAt !== at) return;
      this.storage.alarmAt = null;
      this.call((node) => node.alarm()).catch(() => {
        if (this.storage.alarmAt !== null || tries > MAX_ALARM_TRIES) return;
        this.storage.alarmAt = at;
        this.#schedule(at, ALARM_RETRY * 2 ** (tries - 1), tries + 1);
      });
    });
  }
}
