import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { ChangeLog } from "../../durable-objects/coordinator/change-log.ts";
import type { VirtualTime } from "../../simulator/platform/virtual-time.ts";
import type { HeartbeatAnswer } from "../../src/contract/rpc.ts";
import type { Change } from "../../src/core/coherence/change.ts";
import { LeaseManager } from "../../src/core/coherence/lease-manager.ts";
import { Membership } from "../../src/core/coherence/membership.ts";
import { InstanceLifetime } from "./instance-lifetime.ts";
import { UnreachableError } from "./network-link.ts";
import type { Prng } from "./prng.ts";

const SCHEMA = readFileSync(
  join(import.meta.dirname, "../../migrations/coordinator/0002_coherence.sql"),
  "utf8",
);
/** As the coordinator: members not seen for this long are forgotten. */
const FORGOTTEN_AFTER = 7 * 86_400_000;

interface Mind {
  readonly life: InstanceLifetime;
  readonly hub: LeaseManager;
  readonly membership: Membership;
}

/** What the coordinator reaches partitions by. */
type Tell = (partition: string, changes: readonly Change[]) => Promise<void>;

/** The coordinator's coherence: the real hub, membership and change log, on SQLite that survives its restarts. */
export class SimulatedCoordinator {
  readonly #time: VirtualTime;
  readonly #dice: Prng;
  readonly #tell: Tell;
  readonly #database = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();
  #mind: Mind;
  /** Until when it answers nobody. */
  downUntil = 0;

  constructor(time: VirtualTime, dice: Prng, tell: Tell) {
    this.#time = time;
    this.#dice = dice;
    this.#tell = tell;
    this.#database.exec(SCHEMA);
    this.#mind = this.#wake();
  }

  /** Memory is lost, and what was under way in it. */
  restart(): void {
    this.#mind.life.end();
    this.#mind = this.#wake();
  }

  close(): void {
    this.#database.close();
  }

  async heartbeat(
    partition: string,
    region: string,
    sinceLast: number | undefined,
  ): Promise<HeartbeatAnswer> {
    return this.#attend(async ({ hub }) => {
      await this.#time.sleep(this.#dice.around(2));
      const { changes, coverage } = hub.renew(partition, region, sinceLast);
      return { changes: [...changes], coverage, warm: [] };
    });
  }

  announceStrong(changes: readonly Change[]): Promise<void> {
    return this.#attend(({ hub }) => hub.announceStrong(changes));
  }

  leasedMembers(): Promise<readonly string[]> {
    return this.#attend(async ({ membership, life }) => membership.leased(life.now()).map(([name]) => name));
  }

  #attend<T>(work: (mind: Mind) => Promise<T>): Promise<T> {
    if (this.#time.now < this.downUntil)
      return Promise.reject(new UnreachableError("the coordinator is down"));
    const mind = this.#mind;
    return mind.life.within(work(mind));
  }

  #wake(): Mind {
    const life = new InstanceLifetime(this.#time, this.#dice.fork());
    const membership = new Membership();
    for (const { partition, region, seen } of this.#sql("SELECT partition, region, seen FROM members"))
      membership.restore(String(partition), String(region), Number(seen), life.now());
    // Only what SqlStorage is used for here.
    const sql = {
      exec: (query: string, ...values: SQLInputValue[]) => {
        const rows = life.isOver ? [] : this.#sql(query, ...values);
        return { toArray: () => rows };
      },
    } as unknown as SqlStorage;
    const hub = new LeaseManager({
      membership,
      recent: new ChangeLog(sql),
      now: life.now,
      sleep: (millis) => this.#time.sleep(millis),
      remember: (partition, region, now) => {
        sql.exec(
          "INSERT OR REPLACE INTO members (partition, region, seen) VALUES (?, ?, ?)",
          partition,
          region,
          now,
        );
        for (const gone of membership.prune(now - FORGOTTEN_AFTER))
          sql.exec("DELETE FROM members WHERE partition = ?", gone);
      },
      tell: this.#tell,
    });
    return { life, hub, membership };
  }

  #sql(query: string, ...values: SQLInputValue[]) {
    let statement = this.#statements.get(query);
    if (statement === undefined) {
      statement = this.#database.prepare(query);
      this.#statements.set(query, statement);
    }
    return statement.all(...values);
  }
}
