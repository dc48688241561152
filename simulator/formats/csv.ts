import { parse as parseCsv } from "csv-parse/sync";
import { malformed, type ParsedLine, SKIPPED, type TraceFormat } from "./format.ts";

const HEADER = "t_ms,client,event_type,object,bytes";
const FIELDS = 5;

/** Foreshard's own trace format. The header line may be missing. */
export const csv: TraceFormat = {
  name: "trace CSV",
  example: HEADER,
  parse(line: string): ParsedLine {
    if (line === HEADER) return SKIPPED;
    const fields = line.includes('"') ? quotedFields(line) : line.split(",");
    if (fields === undefined) return malformed("its quotes do not match");
    if (fields.length !== FIELDS) return malformed(`${fields.length} fields instead of ${FIELDS}`);
    const [time = "", client = "", eventType = "", object = "", bytes = ""] = fields;
    if (!isNumber(time)) return malformed(`t_ms is not a number: ${time}`);
    if (!isNumber(bytes) || Number(bytes) < 0) return malformed(`bytes is not a size: ${bytes}`);
    if (object === "") return malformed("it names no object");
    return { time: Number(time), client, eventType, object, bytes: Number(bytes) };
  },
};

const isNumber = (text: string): boolean => text.trim() !== "" && Number.isFinite(Number(text));

/** Fields of a line with quotes in it: few have, so that the rest can be split the fast way. */
const quotedFields = (line: string): readonly string[] | undefined => {
  try {
    const [fields] = parseCsv(line, { relax_column_count: true });
    return fields;
  } catch {
    return undefined;
  }
};
