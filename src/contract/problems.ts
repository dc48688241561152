import type { z } from "zod";

/** Every error Foreshard answers, with its HTTP status and title: RFC 9457, `type` is `/docs#problem-<code>`. */
export const PROBLEMS = {
  "invalid-id": [400, "The shard id is not valid"],
  "invalid-header": [400, "A request header is not valid"],
  "invalid-query": [400, "A query parameter is not valid"],
  "invalid-body": [400, "The body is not valid"],
  "invalid-settings": [400, "The settings are not valid"],
  "digest-mismatch": [400, "The body does not match its digest"],
  "region-switch-refused": [400, "Regions can be chosen in development only"],
  unauthorized: [401, "A token is needed"],
  forbidden: [403, "The token does not allow this"],
  "not-found": [404, "There is nothing under this address"],
  "shard-not-found": [404, "There is no such shard"],
  "method-not-allowed": [405, "The method is not allowed here"],
  "length-required": [411, "The Content-Length header is needed"],
  "precondition-failed": [412, "A precondition failed"],
  "too-large": [413, "The body is too large"],
  "range-not-satisfiable": [416, "The range is not satisfiable"],
  "rate-limited": [429, "Too many requests"],
  internal: [500, "Foreshard failed"],
  "storage-unavailable": [503, "The storage did not answer"],
  "stored-unconfirmed": [503, "The write is stored, but its announcement is not confirmed"],
  overloaded: [503, "Too much to do at the moment"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** An error with a stable code, thrown where it is found and turned into a response at the edge. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: ProblemCode;
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail what went wrong and what to do about it, for a person. */
  constructor(code: ProblemCode, detail: string, headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.code = code;
    this.headers = headers;
  }
}

/** The `application/problem+json` response for a problem. */
export function problemResponse(problem: ProblemError): Response {
  const [status, title] = PROBLEMS[problem.code];
  const body = { type: `/docs#problem-${problem.code}`, title, status, detail: problem.message };
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { "Cache-Control": "no-store", ...problem.headers, "Content-Type": "application/problem+json" },
  });
}

/** Faults named in one answer: enough to mend a body by, little enough to read. */
const MAX_FAULTS = 10;

/**
 * Everything zod found, as `field: message; field: message`, the way people write field names: `events[3].type`.
 * `root` names the whole that was parsed.
 */
export const describeZodError = ({ issues }: z.ZodError, root = ""): string =>
  describeFaults(
    issues.map(({ path, message }) => {
      const field = path.reduce<string>(pathWith, root);
      return field === "" ? message : `${field}: ${message}`;
    }),
  );

/** Several faults as one text, the first of them where there are many. */
export const describeFaults = (faults: readonly string[]): string =>
  [
    ...faults.slice(0, MAX_FAULTS),
    ...(faults.length > MAX_FAULTS ? [`and ${faults.length - MAX_FAULTS} more`] : []),
  ].join("; ");

const pathWith = (path: string, key: PropertyKey): string =>
  typeof key === "number" ? `${path}[${key}]` : path === "" ? String(key) : `${path}.${String(key)}`;
