import type { Violation } from "./checker.ts";
import type { Fault, History, Read, State, Write } from "./history.ts";

/** Lines an account has at most: the end is what matters. */
const MAX_LINES = 40;
/** How long before the version that should have been seen an account begins, ms. */
const LEAD = 2_000;

/** A violation as a person reads it: the operations on that shard around it, and what was broken where it happened. */
export function explainViolation(violation: Violation, { states, operations, faults }: History): string {
  const { rule, read, state, missed, account } = violation;
  const next = state === null ? undefined : states.get(read.shard)?.[state.index + 1];
  const begin = Math.min(read.from, missed?.from ?? read.from, next?.at ?? read.from) - LEAD;
  const lines = [
    ...operations
      .filter((operation) => operation.shard === read.shard && matters(operation, begin, read))
      .map((operation) => ({
        at: momentOf(operation),
        text: line(operation) + markOf(operation, violation),
      })),
    ...faults
      .filter(
        ({ at, where }) => at >= begin && at <= read.to && (where === read.region || where === "everywhere"),
      )
      .map((fault) => ({ at: fault.at, text: faultLine(fault) })),
  ].sort((a, b) => a.at - b.at);
  const shown = lines.slice(-MAX_LINES).map(({ at, text }) => `${time(at, read)}  ${text}`);
  return [
    `${rule}: ${account}`,
    `  shard ${read.shard}, region ${read.region}; times in seconds before the answer`,
    ...shown.map((text) => `  ${text}`),
  ].join("\n");
}

/** Writes that took effect, and reads in the same region that ended, from `begin` until the read in question. */
function matters(operation: Read | Write, begin: number, read: Read): boolean {
  if (operation.to < begin) return false;
  if (operation.kind === "read") return operation.region === read.region && operation.to <= read.to;
  return momentOf(operation) <= read.to;
}

/** Writes are told when they took effect, reads when they were answered. */
const momentOf = (operation: Read | Write): number =>
  operation.kind === "write" ? (operation.state?.at ?? operation.to) : operation.to;

function markOf(operation: Read | Write, { read, missed }: Violation): string {
  if (operation === read) return "   <== this";
  return operation === missed ? "   <== should have been seen" : "";
}

const time = (at: number, { to }: Read): string => ((at - to) / 1_000).toFixed(3).padStart(9);

function line(operation: Read | Write): string {
  const took = `(took ${((operation.to - operation.from) / 1_000).toFixed(3)})`;
  if (operation.kind === "write") {
    const { coherence, state, acknowledged, user } = operation;
    const what = state === null ? "nothing" : nameOf(state);
    return `${user} wrote ${what}, ${coherence}${acknowledged ? "" : ", failed"} ${took}`;
  }
  const { answer, user, cacheStatus, noCache } = operation;
  const got =
    "etag" in answer ? `#${answer.version}${answer.content === null ? ", torn" : ""}` : answer.status;
  return `${user} read ${got} ${took} ${cacheStatus}${noCache ? " asked for no-cache" : ""}`;
}

const nameOf = ({ version, content, etag }: State): string =>
  etag === null ? "its absence" : version === content ? `#${version}` : `#${version} (bytes of #${content})`;
const faultLine = ({ kind, where, detail }: Fault): string => `! ${where}: ${kind} ${detail}`;
