import { READ_DIRECTLY_HEADER } from "../../src/contract/partition-protocol.ts";
import { ProblemError, problemResponse } from "../../src/contract/problems.ts";
import { problemOf } from "../../src/http/failures.ts";
import { OverloadedError } from "./reader.ts";

/** The answer to a read that failed. */
export function failure(error: unknown): Response {
  if (error instanceof OverloadedError)
    return new Response(null, { status: 503, headers: { [READ_DIRECTLY_HEADER]: "overloaded" } });
  const problem = problemOf(error);
  if (problem !== null) return problemResponse(problem);
  console.error("partition: a read failed", error instanceof Error ? error.name : "unknown");
  return problemResponse(new ProblemError("internal", "The read failed; try again."));
}
