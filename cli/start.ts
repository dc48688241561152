/** `npm start`: Foreshard on this machine, with its data kept in .wrangler/state. */
import { once } from "node:events";
import { join } from "node:path";
import { messageOf, UserError } from "../simulator/user-error.ts";
import { commandOf, interruption, runCommand, wholeNumber } from "./command.ts";
import { awaitAnswer } from "./start/await-answer.ts";
import { ensureDevVars, firstToken, readDevVars } from "./start/dev-vars.ts";
import { loadDemoShards } from "./start/load-demo.ts";
import { portFault } from "./start/port.ts";
import { StateLock } from "./start/state-lock.ts";
import { welcome } from "./start/welcome.ts";
import { Wrangler } from "./start/wrangler.ts";

const DEFAULT_PORT = 8787;

const root = join(import.meta.dirname, "..");

const program = commandOf("start", "Runs Foreshard on this machine.").option(
  "--port <number>",
  "the port to listen on",
  wholeNumber(1, 65_535),
  DEFAULT_PORT,
);

await runCommand(() => run(program.parse().opts<{ port: number }>().port));

/** Runs until somebody stops it, which is well, or it ends by itself, which is not. */
async function run(port: number): Promise<boolean> {
  const signal = interruption();
  const lock = await StateLock.take(root, port);
  const fault = await portFault(port);
  if (fault !== null) throw didNotStart(fault);
  if (await ensureDevVars(root)) console.log("Created .dev.vars with random tokens for development.");
  console.log("Starting…");
  const asked = once(signal, "abort").then(() => "asked" as const);
  const wrangler = new Wrangler(root, port);
  try {
    if (wrangler.pid !== undefined) lock.share(wrangler.pid);
    const first = await Promise.race([asked, comeUp(wrangler, port)]);
    if (first === "asked") return true;
    const outcome = await Promise.race([asked, wrangler.ended.then(() => "ended" as const)]);
    if (outcome === "asked") return true;
    console.error(`${wrangler.output}\n\nThe local runtime ended by itself; its last words are above.`);
    return false;
  } finally {
    await wrangler.stop();
  }
}

/** Waits until Foreshard answers, fills an empty bucket, and says what there is to see. */
async function comeUp(wrangler: Wrangler, port: number): Promise<void> {
  const base = `http://localhost:${port}`;
  const fault = await awaitAnswer(wrangler, () => isHealthy(base));
  if (fault !== null) throw didNotStart(`${fault}.\n\n${wrangler.output}`);
  wrangler.show();
  const variables = await readDevVars(root);
  const readToken = firstToken(variables.READ_TOKENS);
  const writeToken = firstToken(variables.WRITE_TOKENS);
  try {
    const loaded = await loadDemoShards(base, { read: readToken, write: writeToken });
    if (loaded > 0) console.log(`The bucket was empty: stored ${loaded} demo shards under demo/.`);
  } catch (error) {
    console.error(`No demo shards: ${messageOf(error)}`); // Foreshard is as useful without them.
  }
  const home = await fetch(`${base}/`);
  await home.arrayBuffer();
  const adminToken = firstToken(variables.ADMIN_TOKENS);
  process.stdout.write(welcome({ base, adminToken, readToken, writeToken, hasHome: home.ok }));
}

async function isHealthy(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false; // Not yet.
  }
}

function didNotStart(why: string): UserError {
  return new UserError(`\nForeshard did not start: ${why}`);
}
