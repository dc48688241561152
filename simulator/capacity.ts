import type { Trace } from "./trace.ts";
import { UserError } from "./user-error.ts";

/** How big the simulated cache is, and what it counts. */
export interface Capacity {
  readonly size: number;
  /** `objects`: each object is one unit, whatever its size. */
  readonly unit: "objects" | "bytes";
}

const BYTES_IN: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const FORMS = "5% (of the trace's distinct objects), 1000 (objects) or 64MiB (bytes)";

/** Reads `5%`, `1000` or `64MiB`. Throws a UserError for anything else, and for a cache of nothing. */
export function parseCapacity(text: string, trace: Trace): Capacity {
  const [, amount = "", suffix = ""] = /^([\d.]+)\s*(%|[KMG]i?B|B)?$/.exec(text.trim()) ?? [];
  const number = Number(amount);
  if (amount === "" || !Number.isFinite(number)) {
    throw new UserError(`--cache ${text} is no size. Write ${FORMS}.`);
  }
  const capacity = capacityOf(number, suffix, trace);
  if (capacity.unit === "bytes" && !trace.hasSizes) {
    throw new UserError(`${trace.name} tells no sizes, so a cache of bytes means nothing. Write 5% or 1000.`);
  }
  if (capacity.size < 1) throw new UserError(tooSmall(text, trace));
  return capacity;
}

const capacityOf = (number: number, suffix: string, trace: Trace): Capacity => {
  if (suffix === "%") return { size: Math.floor((trace.objects.length * number) / 100), unit: "objects" };
  const factor = BYTES_IN[suffix];
  if (factor === undefined) return { size: Math.floor(number), unit: "objects" };
  return { size: Math.floor(number * factor), unit: "bytes" };
};

const tooSmall = (text: string, trace: Trace): string => {
  const least = Math.ceil(100 / trace.objects.length);
  return (
    `--cache ${text} leaves no room for a single object; ${trace.name} has ${trace.objects.length}. ` +
    `Give a bigger cache: ${FORMS}. The least share that holds one is ${least}%.`
  );
};
