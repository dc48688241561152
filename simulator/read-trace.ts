import { basename } from "node:path";
import { detectFormat, FORMATS } from "./formats/detect.ts";
import { isMalformed, SKIPPED, type TraceFormat } from "./formats/format.ts";
import { linesOf } from "./lines.ts";
import { Trace } from "./trace.ts";
import { UserError } from "./user-error.ts";

/** Enough to tell a format by, even if some of them are damaged. */
const LINES_TO_DETECT_BY = 100;

/** Malformed lines that are told one by one; a damaged file would otherwise flood the terminal. */
const MALFORMED_TOLD = 20;

/** What reading a file gave. */
export interface TraceRead {
  readonly trace: Trace;
  readonly format: TraceFormat;
  /** How many lines could not be read. */
  readonly malformed: number;
  /** The first of them: their number in the file, counted from 1, and why. */
  readonly malformedLines: readonly { readonly line: number; readonly why: string }[];
  /** Lines that are fine but no read a cache could answer: headers, writes, errors. */
  readonly skipped: number;
}

/** How to read. */
export interface ReadOptions {
  /** Stop after so many requests. */
  readonly rows?: number;
  /** Hears how many bytes of the file have been read. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * Reads a trace or a log into memory, a line at a time. Its format is told by its content. A malformed line is
 * counted and passed over. Throws a UserError for a file that is missing, empty, or in no format known.
 */
export async function readTrace(path: string, options: ReadOptions = {}): Promise<TraceRead> {
  const reader = new Reader(path, options.rows ?? Number.POSITIVE_INFINITY);
  for await (const lines of linesOf(path, options.onRead ?? (() => undefined))) {
    reader.take(lines);
    if (reader.full) break;
  }
  return reader.finish();
}

class Reader {
  readonly #path: string;
  readonly #rows: number;
  readonly #trace: Trace;
  readonly #malformedLines: { line: number; why: string }[] = [];
  /** Lines kept back until there are enough to tell the format by. */
  #waiting: string[] = [];
  #format: TraceFormat | undefined;
  #line = 0;
  #malformed = 0;
  #skipped = 0;

  constructor(path: string, rows: number) {
    this.#path = path;
    this.#rows = rows;
    this.#trace = new Trace(
      basename(path)
        .replace(/\.gz$/, "")
        .replace(/\.\w+$/, ""),
    );
  }

  get full(): boolean {
    return this.#trace.length >= this.#rows;
  }

  take(lines: readonly string[]): void {
    if (this.#format !== undefined) {
      this.#read(lines, this.#format);
      return;
    }
    for (const line of lines) this.#waiting.push(line);
    if (this.#waiting.length >= LINES_TO_DETECT_BY) this.#detect();
  }

  finish(): TraceRead {
    const format = this.#format ?? this.#detect();
    if (this.#trace.length === 0) throw new UserError(this.#whyEmpty(format));
    return {
      trace: this.#trace,
      format,
      malformed: this.#malformed,
      malformedLines: this.#malformedLines,
      skipped: this.#skipped,
    };
  }

  #detect(): TraceFormat {
    const first = this.#waiting
      .slice(0, LINES_TO_DETECT_BY)
      .map(trimmed)
      .filter((line) => line !== "");
    if (first.length === 0) {
      throw new UserError(`${this.#path} is empty. Give a trace or an access log with at least one request.`);
    }
    const format = detectFormat(first);
    if (format === undefined) throw new UserError(unknownFormat(this.#path, first[0] ?? ""));
    this.#format = format;
    this.#read(this.#waiting, format);
    this.#waiting = [];
    return format;
  }

  #read(lines: readonly string[], format: TraceFormat): void {
    for (const raw of lines) {
      if (this.full) return;
      this.#line += 1;
      const line = trimmed(raw);
      if (line === "") continue;
      const parsed = format.parse(line);
      if (parsed === SKIPPED) this.#skipped += 1;
      else if (isMalformed(parsed)) this.#note(parsed.malformed);
      else this.#trace.add(parsed);
    }
  }

  #note(why: string): void {
    this.#malformed += 1;
    if (this.#malformedLines.length < MALFORMED_TOLD) this.#malformedLines.push({ line: this.#line, why });
  }

  #whyEmpty(format: TraceFormat): string {
    const why = `${this.#path} looks like ${format.name}, but holds no request a cache could answer`;
    return `${why} (${this.#skipped} lines skipped, ${this.#malformed} malformed). Give a log with reads in it.`;
  }
}

/** Without the byte order mark and the carriage return that some systems add. */
const trimmed = (line: string): string => line.replace(/^\uFEFF/, "").replace(/\r$/, "");

const unknownFormat = (path: string, line: string): string => {
  const known = FORMATS.map((format) => `  ${format.name}:\n    ${format.example}`).join("\n");
  const shown = line.length > 100 ? `${line.slice(0, 100)}…` : line;
  return `${path} is in no format known here. It begins:\n    ${shown}\nConvert it to one of these, plain or gzipped:\n${known}`;
};
