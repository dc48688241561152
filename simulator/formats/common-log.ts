import { eventTypeOf, isRead, malformed, type ParsedLine, SKIPPED, type TraceFormat } from "./format.ts";

/** host ident user [time] "request" status bytes, and whatever follows (Combined adds referrer and agent). */
const LINE = /^(\S+) \S+ .*?\[([^\]]+)\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-)(?:\s|$)/;
/** method target [protocol]; a target may hold spaces in old logs. */
const REQUEST = /^([A-Z]+) (\S.*?)(?: HTTP\/[\d.]+)?$/;
/** day/month/year:hour:minute:second zone */
const TIME = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Common Log Format, and Combined, which only adds to it. Reads that a cache could answer count. */
export const commonLog: TraceFormat = {
  name: "Common or Combined Log Format",
  example: '192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /tiles/5/10/12 HTTP/1.1" 200 2326',
  parse(line: string): ParsedLine {
    const [, client = "", when = "", request = "", status = "", size = ""] = LINE.exec(line) ?? [];
    if (status === "") return malformed("it is no line of an access log");
    const time = timeOf(when);
    if (time === undefined) return malformed(`its time is not like 10/Oct/2000:13:55:36 -0700: ${when}`);
    const [, method = "", object = ""] = REQUEST.exec(request) ?? [];
    if (object === "") return malformed(`its request is not like GET /path HTTP/1.1: ${request}`);
    if (!isRead(method, Number(status))) return SKIPPED;
    return { time, client, eventType: eventTypeOf(object), object, bytes: size === "-" ? 0 : Number(size) };
  },
};

const timeOf = (text: string): number | undefined => {
  const [, day, month = "", year, hour, minute, second, sign, zoneHours, zoneMinutes] = TIME.exec(text) ?? [];
  const monthNumber = MONTHS.indexOf(month);
  if (monthNumber < 0) return undefined;
  const local = Date.UTC(
    Number(year),
    monthNumber,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return sign === "-" ? local + zone : local - zone;
};
