import { z } from "zod";
import { eventTypeOf, isRead, malformed, type ParsedLine, SKIPPED, type TraceFormat } from "./format.ts";

/** The fields of Cloudflare's `http_requests` data set that a trace is made of; a job may push more or fewer. */
const Line = z.object({
  EdgeStartTimestamp: z.union([z.number(), z.string()]),
  ClientRequestMethod: z.string().default("GET"),
  ClientRequestURI: z.string().optional(),
  ClientRequestPath: z.string().optional(),
  ClientIP: z.string().default(""),
  EdgeResponseStatus: z.number().default(200),
  EdgeResponseBytes: z.number().nonnegative().default(0),
});

/** Cloudflare Logpush, data set `http_requests`, a JSON object a line. Reads that a cache could answer count. */
export const logpush: TraceFormat = {
  name: "Cloudflare Logpush http_requests (NDJSON)",
  example:
    '{"EdgeStartTimestamp":1700000000000000000,"ClientIP":"192.0.2.7","ClientRequestMethod":"GET",' +
    '"ClientRequestURI":"/tiles/5/10/12","EdgeResponseStatus":200,"EdgeResponseBytes":2326}',
  parse(line: string): ParsedLine {
    const read = Line.safeParse(json(line));
    if (!read.success) return malformed(whatIsWrong(read.error));
    const { ClientIP: client, EdgeResponseBytes: bytes, ...request } = read.data;
    const object = request.ClientRequestURI ?? request.ClientRequestPath ?? "";
    if (object === "") return malformed("it has neither ClientRequestURI nor ClientRequestPath");
    const time = timeOf(request.EdgeStartTimestamp);
    if (time === undefined) return malformed(`EdgeStartTimestamp is no time: ${request.EdgeStartTimestamp}`);
    if (!isRead(request.ClientRequestMethod, request.EdgeResponseStatus)) return SKIPPED;
    return { time, client, eventType: eventTypeOf(object), object, bytes };
  },
};

const json = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

const whatIsWrong = (error: z.ZodError): string => {
  const [issue] = error.issues;
  return issue === undefined || issue.path.length === 0
    ? "it is no JSON object"
    : `${issue.path.join(".")}: ${issue.message}`;
};

/** Logpush's timestamp_format is unixnano, unix or rfc3339; milliseconds and microseconds are read too. */
const timeOf = (stamp: number | string): number | undefined => {
  const number = Number(stamp);
  const time =
    Number.isFinite(number) && stamp !== "" ? number / unitsPerMilli(number) : Date.parse(String(stamp));
  return Number.isFinite(time) ? time : undefined;
};

/** A count of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its size. */
const unitsPerMilli = (stamp: number): number => {
  if (stamp > 1e17) return 1e6;
  if (stamp > 1e14) return 1e3;
  return stamp > 1e11 ? 1 : 1e-3;
};
