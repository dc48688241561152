import { createHash } from "node:crypto";
import { MAX_ID_BYTES, shardIdFault } from "../../src/contract/ids.ts";

/** Characters of a SHA-256 that stand for what an id could not carry: 64 bits tell any objects of a trace apart. */
const HASH_CHARACTERS = 16;

/**
 * Shard ids for a trace's objects: `replay/<trace>/<object>` wherever that is a valid id, which it is for ordinary
 * paths; otherwise made valid and told apart by a hash. Always the same id for an object that comes at the same
 * place, so that what is stored once serves the next replay.
 */
export function assignIds(trace: string, objects: Iterable<string>): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  const taken = new Set<string>();
  for (const object of objects) {
    if (ids.has(object)) continue;
    const plain = `${prefixOf(trace)}${object.replace(/^\//, "")}`;
    const id = shardIdFault(plain) === null && !taken.has(plain) ? plain : hashedId(trace, object);
    ids.set(object, id);
    taken.add(id);
  }
  return ids;
}

/** The path of a shard's address, each segment percent-encoded. */
export const shardPath = (id: string): string => `/shards/${id.split("/").map(encodeURIComponent).join("/")}`;

/** What all ids of a trace begin with. */
export const prefixOf = (trace: string): string => `replay/${validPath(trace) || "trace"}/`;

function hashedId(trace: string, object: string): string {
  const prefix = prefixOf(trace);
  const suffix = `~${hash(object)}`;
  const room = MAX_ID_BYTES - Buffer.byteLength(prefix) - suffix.length;
  return `${prefix}${validPath(cut(object, room)) || "object"}${suffix}`;
}

/** The nearest valid path: without control characters and without empty, "." and ".." segments. */
const validPath = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, "_")
    .split("/")
    .filter((segment) => segment !== "" && segment !== "." && segment !== "..")
    .join("/");

/** As much of a text as fits into so many bytes of UTF-8. */
function cut(text: string, bytes: number): string {
  let used = 0;
  let kept = "";
  for (const character of text.toWellFormed()) {
    used += Buffer.byteLength(character);
    if (used > bytes) break;
    kept += character;
  }
  return kept;
}

const hash = (text: string): string =>
  // UTF-16, so that texts which differ only in what UTF-8 cannot carry get different hashes.
  createHash("sha256").update(Buffer.from(text, "utf16le")).digest("hex").slice(0, HASH_CHARACTERS);

/**
 * A text as the value of a header: what is not printable ASCII is percent-encoded, and what is too long ends in a
 * hash, so that different texts stay different. `fallback` stands for an empty text.
 */
export function headerValue(text: string, most: number, fallback: string): string {
  if (text === "") return fallback;
  const encoded = text.toWellFormed().replace(/[^\x21-\x7e]|%/gu, encodeURIComponent);
  const whole = encoded.length <= most && text.isWellFormed();
  return whole ? encoded : `${encoded.slice(0, most - HASH_CHARACTERS - 1)}~${hash(text)}`;
}
