/** `npm start`: Foreshard on this machine, with its data kept in .wrangler/state. */
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { ensureDevVars, firstToken, readDevVars } from "./start/dev-vars.ts";
import { loadDemoShards } from "./start/load-demo.ts";
import { portFault } from "./start/port.ts";
import { welcome } from "./start/welcome.ts";
import { Wrangler } from "./start/wrangler.ts";
import { messageOf, UserError } from "./user-error.ts";

const DEFAULT_PORT = 8787;
/** A first start builds and creates its state: seconds on a laptop, longer on a small busy machine. */
const START_TIMEOUT_MS = 120_000;
/** How often to ask whether it answers. */
const POLL_MS = 200;

const root = join(import.meta.dirname, "..");

const program = new Command("npm start --")
  .description("Runs Foreshard on this machine.")
  .option("--port <number>", "the port to listen on", parsePort, DEFAULT_PORT)
  .parse();

const { port } = program.opts<{ port: number }>();

process.exitCode = await run(port).catch((error: unknown) => {
  console.error(
    `\nForeshard did not start: ${error instanceof UserError ? error.message : (error as Error).stack}`,
  );
  return 1;
});

/** Runs until stopped; returns the exit code. */
async function run(port: number): Promise<number> {
  const fault = await portFault(port);
  if (fault !== null) throw new UserError(fault);
  if (await ensureDevVars(root)) console.log("Created .dev.vars with random tokens for development.");
  console.log("Starting…");
  const asked = stopAsked();
  const wrangler = new Wrangler(root, port);
  try {
    const stopped = await Promise.race([asked.then(() => true), comeUp(wrangler, port).then(() => false)]);
    if (stopped) return 0;
    const outcome = await Promise.race([asked, wrangler.ended.then(() => "ended" as const)]);
    if (outcome !== "ended") return 0;
    console.error(`${wrangler.output}\n\nThe local runtime ended by itself; its last words are above.`);
    return 1;
  } finally {
    await wrangler.stop();
  }
}

/** Resolves when a person or a supervisor asks to stop. */
function stopAsked(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve(signal));
  });
}

/** Waits until Foreshard answers, fills an empty bucket, and says what there is to see. */
async function comeUp(wrangler: Wrangler, port: number): Promise<void> {
  const base = `http://localhost:${port}`;
  await answering(wrangler, base);
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

/** @throws UserError with wrangler's output when it ends, fails or takes too long. */
async function answering(wrangler: Wrangler, base: string): Promise<void> {
  const patience = Date.now() + START_TIMEOUT_MS;
  while (!(await isHealthy(base))) {
    const complaint = !wrangler.running
      ? "the local runtime ended"
      : wrangler.failed
        ? "the local runtime reported an error"
        : Date.now() > patience
          ? `nothing answered at ${base}/healthz in ${START_TIMEOUT_MS / 1_000} seconds`
          : null;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    // Told after the pause, so that the rest of the output has come in.
    if (complaint !== null) throw new UserError(`${complaint}.\n\n${wrangler.output}`);
  }
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

function parsePort(text: string): number {
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= 65_535) return number;
  throw new InvalidArgumentError("It must be a whole number from 1 to 65535.");
}
