/**
 * The process that is killed: serves the built Worker with miniflare until it dies.
 * `node verify/crash/server.ts <file with miniflare's options>`; its first line of output is the port.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// Miniflare is wrangler's dependency, and must be the one it was tested with.
const ofWrangler = createRequire(createRequire(import.meta.url).resolve("wrangler/package.json"));
const { Miniflare, convertV4MiniflareOptions }: typeof import("miniflare") = await import(
  ofWrangler.resolve("miniflare")
);

const [, , file = ""] = process.argv;
const options: Parameters<typeof convertV4MiniflareOptions>[0] = JSON.parse(await readFile(file, "utf8"));
const miniflare = new Miniflare(convertV4MiniflareOptions(options));
const { port } = await miniflare.ready;
process.stdout.write(`${port}\n`);
