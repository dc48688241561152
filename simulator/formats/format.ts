import type { TraceRecord } from "../trace.ts";

/** A line that holds no request, but is none the worse for it: a header, a write, an error. */
export const SKIPPED = Symbol("skipped");

/** Why a line could not be read. */
export interface Malformed {
  readonly malformed: string;
}

/** What a line turned out to be. */
export type ParsedLine = TraceRecord | typeof SKIPPED | Malformed;

/** A kind of log, read line by line. A format holds no state: any line can be read on its own. */
export interface TraceFormat {
  /** As named to a person. */
  readonly name: string;
  /** What a line of it looks like, for a person whose file was not recognised. */
  readonly example: string;
  parse(line: string): ParsedLine;
}

export const malformed = (why: string): Malformed => ({ malformed: why });

export const isMalformed = (parsed: ParsedLine): parsed is Malformed =>
  parsed !== SKIPPED && "malformed" in parsed;

/** Answers a cache can give: the whole, a part, and "what you have is current". */
const SERVED = new Set([200, 206, 304]);

/** Whether a request of a web log is one a cache could have answered. */
export const isRead = (method: string, status: number): boolean =>
  (method === "GET" || method === "HEAD") && SERVED.has(status);

/** Event type of a web request: the first segment of its path, `root` for a file at the top. */
export const eventTypeOf = (path: string): string => {
  const end = path.indexOf("/", 1);
  return path.startsWith("/") && end > 1 ? path.slice(1, end) : "root";
};
