import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { messageOf, UserError } from "../../simulator/user-error.ts";
import { portFault } from "./port.ts";

const holderSchema = z.object({
  /** The processes that use the state: `npm start`, and the runtime under it, which outlives it when it is killed. */
  pids: z.array(z.number().int().positive()).min(1),
  /** Where they answer. */
  port: z.number().int().positive(),
});
type Holder = z.infer<typeof holderSchema>;

/** Who answers nowhere so long after taking the lock is another process that has got the number since. */
const START_MS = 120_000;
/** Clearing a file away takes milliseconds; who has been at it for so long was killed. */
const CLEARING_MS = 10_000;
const CLEARING_POLL_MS = 20;

/**
 * The right to use the state directory, which one `npm start` at a time has: a file with its processes and its port.
 * Files of processes that are gone count for nothing. Own code, since the packages there are know no port (pid
 * files), or tell death by age and so keep a folder locked for a while after a kill (proper-lockfile).
 */
export class StateLock {
  readonly #path: string;
  readonly #holder: Holder;

  private constructor(path: string, holder: Holder) {
    this.#path = path;
    this.#holder = holder;
  }

  /** Takes the lock for this process. @throws UserError that says who has it, and where they answer. */
  static async take(directory: string, port: number): Promise<StateLock> {
    const path = join(directory, ".wrangler", "start.lock");
    const lock = new StateLock(path, { pids: [process.pid], port });
    try {
      mkdirSync(dirname(path), { recursive: true });
      while (!lock.#claim()) {
        await refuseIfHeld(path);
        await clearAway(path);
      }
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw new UserError(`${path} cannot be written: ${messageOf(cause)}`, { cause });
    }
    process.once("exit", () => lock.release());
    return lock;
  }

  /** One more process uses the state. */
  share(pid: number): void {
    this.#holder.pids.push(pid);
    writeFileSync(this.#draft, JSON.stringify(this.#holder));
    renameSync(this.#draft, this.#path);
  }

  /** Gives the lock back, unless somebody else has it by now. */
  release(): void {
    const holder = readHolder(this.#path);
    if (holder !== null && holder !== "nobody" && holder.pids[0] === process.pid) rmSync(this.#path);
  }

  get #draft(): string {
    return `${this.#path}.${process.pid}`;
  }

  /** Puts the file there, whole, unless there is one. */
  #claim(): boolean {
    writeFileSync(this.#draft, JSON.stringify(this.#holder));
    try {
      linkSync(this.#draft, this.#path);
      return true;
    } catch (cause) {
      if (isCode(cause, "EEXIST")) return false;
      throw cause;
    } finally {
      rmSync(this.#draft);
    }
  }
}

/**
 * Removes the file of a dead holder. One process at a time does, and looks again first: otherwise the slower of two
 * would remove what the quicker one has put there.
 */
async function clearAway(path: string): Promise<void> {
  const turn = `${path}.clearing`;
  try {
    mkdirSync(turn);
  } catch (cause) {
    if (!isCode(cause, "EEXIST")) throw cause;
    await setTimeout(CLEARING_POLL_MS);
    if (ageOf(turn) > CLEARING_MS) rmSync(turn, { recursive: true, force: true });
    return;
  }
  try {
    // Where there is no file by now, there may be a live one in a moment.
    if (await refuseIfHeld(path)) rmSync(path, { force: true });
  } finally {
    rmSync(turn, { recursive: true, force: true });
  }
}

/** Returns whether there is a file, one of a dead holder. @throws UserError when whom it names lives. */
async function refuseIfHeld(path: string): Promise<boolean> {
  const holder = readHolder(path);
  if (holder === null || holder === "nobody" || !(await lives(holder, path))) return holder !== null;
  const living = holder.pids.filter(isAlive).join(", ");
  throw new UserError(
    `Foreshard runs in this folder already: http://localhost:${holder.port} (process ${living}). Use that one, or ` +
      "stop it first: two would share .wrangler/state and damage it. For a second one, copy the folder.",
  );
}

async function lives({ pids, port }: Holder, path: string): Promise<boolean> {
  if (!pids.some((pid) => pid !== process.pid && isAlive(pid))) return false;
  return ageOf(path) < START_MS || (await portFault(port)) !== null;
}

/** How long ago a file was written, ms; endless for one that is gone. */
const ageOf = (path: string): number =>
  Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NEGATIVE_INFINITY);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return isCode(cause, "EPERM"); // It lives, and belongs to somebody else.
  }
}

/** Whom a file names: null without a file, nobody when it is damaged. */
function readHolder(path: string): Holder | "nobody" | null {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    return isCode(cause, "ENOENT") ? null : "nobody";
  }
}

const isCode = (cause: unknown, code: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === code;
