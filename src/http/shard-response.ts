import { INTERNAL_ENCODING_HEADER, type ReadRequest } from "../contract/partition-protocol.ts";
import { ProblemError } from "../contract/problems.ts";
import type { ShardMeta } from "../storage/shard-store.ts";
import { type Part, partOf } from "./byte-range.ts";
import { evaluate, lastModified, rangeStillValid } from "./conditions.ts";

/** What a read is answered with, before its bytes: the status and, for 206, the part. */
export type Answer = { readonly status: 200 | 304 } | { readonly status: 206; readonly part: Part };

/** When an answer is given, and how old what it is made of. Times in ms since the epoch. */
export interface AnswerTimes {
  /** When the read came in. */
  readonly start: number;
  readonly now: number;
  /** When the storage last said that the copy served is current; null where the storage itself answers. */
  readonly validatedAt: number | null;
}

/** When the version served was surely the current one. */
const knownAt = ({ start, validatedAt }: AnswerTimes): number => validatedAt ?? start;

/** What clients may do with a shard that says nothing itself: keep it, but ask before using it again. */
const DEFAULT_CACHE_CONTROL = "no-cache";

/**
 * Decides how a read of this version is answered.
 * @throws ProblemError `precondition-failed` or `range-not-satisfiable`.
 */
export function decideAnswer(
  read: ReadRequest,
  meta: ShardMeta,
  cacheStatus: string,
  times: AnswerTimes,
): Answer {
  const verdict = evaluate(read.conditions, meta, knownAt(times));
  if (verdict === "not-modified") return { status: 304 };
  if (verdict === "failed")
    throw new ProblemError(
      "precondition-failed",
      `The shard's ETag is ${meta.etag} and the condition excludes it.`,
      {
        ETag: meta.etag,
        "Cache-Status": cacheStatus,
      },
    );
  if (read.method === "HEAD" || !rangeStillValid(read.ifRange, meta, knownAt(times))) return { status: 200 };
  const part = partOf(read.range, meta.size);
  if (part === "whole") return { status: 200 };
  if (part === "unsatisfiable")
    throw new ProblemError(
      "range-not-satisfiable",
      `The shard has ${meta.size} bytes; ask for a range within them, such as bytes=0-${Math.max(0, meta.size - 1)}.`,
      { "Content-Range": `bytes */${meta.size}`, "Cache-Status": cacheStatus },
    );
  return { status: 206, part };
}

/**
 * The response for a decided answer; `body` holds just the bytes the answer needs, or null for none. A copy tells its
 * age, so that caches downstream do not add a whole lifetime to what was spent of it here.
 */
export function buildResponse(
  answer: Answer,
  meta: ShardMeta,
  body: ReadableStream | ArrayBuffer | Uint8Array<ArrayBuffer> | null,
  cacheStatus: string,
  times: AnswerTimes,
): Response {
  const headers = new Headers({
    ETag: meta.etag,
    "Last-Modified": lastModified(meta.uploaded, knownAt(times)),
    "Cache-Control": meta.cacheControl ?? DEFAULT_CACHE_CONTROL,
    "Accept-Ranges": "bytes",
    "Cache-Status": cacheStatus,
    "Server-Timing": `partition;dur=${times.now - times.start}`,
  });
  if (times.validatedAt !== null) headers.set("Age", String(ageInSeconds(times.validatedAt, times.now)));
  if (answer.status !== 304) describeBody(headers, answer, meta);
  return new Response(answer.status === 304 ? null : body, { status: answer.status, headers });
}

/** Clocks may step back: an age is never negative. */
const ageInSeconds = (validatedAt: number, now: number): number =>
  Math.max(0, Math.floor((now - validatedAt) / 1_000));

function describeBody(headers: Headers, answer: Answer, meta: ShardMeta): void {
  headers.set("Content-Type", meta.contentType ?? "application/octet-stream");
  headers.set("Content-Length", String(answer.status === 206 ? answer.part.length : meta.size));
  if (meta.contentEncoding !== undefined) headers.set(INTERNAL_ENCODING_HEADER, meta.contentEncoding);
  if (meta.sha256 !== undefined) headers.set("Repr-Digest", `sha-256=:${meta.sha256}:`);
  if (answer.status === 206) {
    const { offset, length } = answer.part;
    headers.set("Content-Range", `bytes ${offset}-${offset + length - 1}/${meta.size}`);
  }
}
