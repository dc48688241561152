import { Option } from "commander";
import { address, commandOf, wholeNumber } from "../command.ts";

/** What a replay was asked to do. */
export interface ReplayOptions {
  readonly file: string;
  /** Rows replayed at most. */
  readonly rows: number;
  /** Requests under way at once. */
  readonly concurrency: number;
  readonly prefetch: "on" | "off";
  /** Bytes of a partition's memory; undefined: a twentieth of the bytes of the objects. */
  readonly memory: number | undefined;
  /** Bytes of a partition's SQLite tier. */
  readonly disk: number;
  /** The most bytes stored for one object. */
  readonly maxBytes: number;
  readonly url: string;
  readonly json: boolean;
  /** Do not ask before the instance is changed. */
  readonly yes: boolean;
  /** Leave the shards that were stored. */
  readonly keep: boolean;
  readonly tokens: {
    readonly read: string | undefined;
    readonly write: string | undefined;
    readonly admin: string | undefined;
  };
}

/** Enough to have hits and misses as mixed as a trace does, little enough to keep five thousand rows quick. */
const DEFAULT_MAX_BYTES = 65_536;
/** The load of a few busy users; a laptop answers it without queueing. */
const DEFAULT_CONCURRENCY = 8;
/** More only queue up on this machine. */
const MAX_CONCURRENCY = 256;
/** The largest body an instance takes. */
const MAX_SHARD = 100 * 1_048_576;

/** Reads the command line; ends the process with a message when it makes no sense. */
export function parseOptions(argv: readonly string[]): ReplayOptions {
  const command = commandOf(
    "replay",
    "Replays a trace against a running Foreshard as HTTP requests and says how it did.",
  )
    .argument("<file>", "a trace, t_ms,client,event_type,object,bytes, or an access log; plain or gzipped")
    .option("--rows <count>", "replay only the first rows", wholeNumber(1))
    .option(
      "--concurrency <count>",
      "users served at once",
      wholeNumber(1, MAX_CONCURRENCY),
      DEFAULT_CONCURRENCY,
    )
    .addOption(new Option("--prefetch <on|off>", "let it prefetch").choices(["on", "off"]).default("on"))
    .option("--memory <bytes>", "memory of a partition (default: a twentieth of the objects)", wholeNumber(0))
    .option("--disk <bytes>", "SQLite tier of a partition", wholeNumber(0), 0)
    .option("--max-bytes <bytes>", "store no more of an object", wholeNumber(1, MAX_SHARD), DEFAULT_MAX_BYTES)
    .option("--url <url>", "the instance", address, "http://localhost:8787")
    .option("--yes", "do not ask before the instance forgets and its settings change", false)
    .option("--keep", "leave the shards there that it stored", false)
    .option("--json", "print one line of JSON", false)
    .addOption(new Option("--write-token <token>", "token to store shards").env("FORESHARD_WRITE_TOKEN"))
    .addOption(new Option("--admin-token <token>", "token of the admin API").env("FORESHARD_ADMIN_TOKEN"))
    .addOption(
      new Option("--read-token <token>", "token to read, if reads need one").env("FORESHARD_READ_TOKEN"),
    )
    .addHelpText("after", "\nTokens that are not given are taken from .dev.vars in this directory.")
    .parse([...argv]);
  const given = command.opts<Given>();
  return {
    file: command.args[0] ?? "",
    rows: given.rows ?? Number.POSITIVE_INFINITY,
    concurrency: given.concurrency,
    prefetch: given.prefetch,
    memory: given.memory,
    disk: given.disk,
    maxBytes: given.maxBytes,
    url: given.url,
    json: given.json,
    yes: given.yes,
    keep: given.keep,
    tokens: { read: given.readToken, write: given.writeToken, admin: given.adminToken },
  };
}

interface Given {
  rows?: number;
  concurrency: number;
  prefetch: "on" | "off";
  memory?: number;
  disk: number;
  maxBytes: number;
  url: string;
  json: boolean;
  yes: boolean;
  keep: boolean;
  readToken?: string;
  writeToken?: string;
  adminToken?: string;
}
