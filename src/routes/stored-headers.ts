import type { Context } from "hono";
import { ProblemError } from "../contract/problems.ts";
import type { PutOptions } from "../storage/shard-store.ts";
import type { AppTypes } from "./app-types.ts";

/** Characters of each header kept with a shard: the three together stay well under R2's 8,192 bytes of metadata. */
const MAX_STORED_HEADER = 2_000;
/** Characters of a precondition: some fifty ETags. */
const MAX_CONDITION = 2_000;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const MEDIA_TYPE = new RegExp(`^${TOKEN}/${TOKEN}\\s*(?:;.*)?$`);
const CODINGS = new RegExp(`^${TOKEN}(?:\\s*,\\s*${TOKEN})*$`);
const ENTITY_TAG = '(?:W/)?"[\\x21\\x23-\\x7e]*"';
const CONDITION = new RegExp(`^\\s*(?:\\*|${ENTITY_TAG}(?:\\s*,\\s*${ENTITY_TAG})*)\\s*$`);

/**
 * The headers that are kept with a shard and given to its readers.
 * @throws ProblemError `invalid-header`, naming the one that cannot be kept.
 */
export function storedHeaders(
  context: Context<AppTypes>,
): Pick<PutOptions, "contentType" | "contentEncoding" | "cacheControl"> {
  return {
    contentType: kept(context, "Content-Type", MEDIA_TYPE, "must be a media type, such as image/png"),
    contentEncoding: kept(context, "Content-Encoding", CODINGS, "must list codings, such as gzip"),
    cacheControl: kept(context, "Cache-Control", /^/, ""),
  };
}

/**
 * The preconditions of a write.
 * @throws ProblemError `invalid-header` for what is not a list of ETags, or a condition that could not be honoured.
 */
export function writeConditions(context: Context<AppTypes>): Pick<PutOptions, "ifMatch" | "ifNoneMatch"> {
  refuse(context, ["If-Unmodified-Since"], "writes take If-Match with an ETag instead");
  // RFC 9110 §14.5: a part must not be taken for the whole.
  refuse(context, ["Content-Range"], "shards are written whole");
  return { ifMatch: condition(context, "If-Match"), ifNoneMatch: condition(context, "If-None-Match") };
}

/** @throws ProblemError where a delete has conditions: the storage has none for it, and ignoring them would lose data. */
export const refuseDeleteConditions = (context: Context<AppTypes>): void =>
  refuse(
    context,
    ["If-Match", "If-None-Match", "If-Unmodified-Since"],
    "a delete cannot be conditional; leave it out",
  );

function kept(
  context: Context<AppTypes>,
  name: string,
  shape: RegExp,
  complaint: string,
): string | undefined {
  const value = context.req.header(name);
  if (value === undefined || value === "") return undefined;
  if (value.length > MAX_STORED_HEADER)
    throw invalid(name, `must not exceed ${MAX_STORED_HEADER} characters`);
  if (!/^[\t\x20-\x7e]*$/.test(value)) throw invalid(name, "must consist of printable ASCII characters");
  if (!shape.test(value)) throw invalid(name, complaint);
  return value;
}

function condition(context: Context<AppTypes>, name: string): string | undefined {
  const value = context.req.header(name);
  if (value === undefined) return undefined;
  if (value.length > MAX_CONDITION || !CONDITION.test(value))
    throw invalid(name, 'must be * or a list of ETags in double quotes, such as "5d41402a"');
  return value;
}

function refuse(context: Context<AppTypes>, names: readonly string[], reason: string): void {
  for (const name of names) if (context.req.header(name) !== undefined) throw invalid(name, reason);
}

const invalid = (name: string, reason: string): ProblemError =>
  new ProblemError("invalid-header", `${name}: ${reason}.`);
