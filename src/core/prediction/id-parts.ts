import { hashPair } from "../hash.ts";

/** Numbers looked at in an id: the last ones, where counters stand (`tiles/5/10/12`, `seg-12.m4s`). */
export const MAX_NUMBERS = 3;
/** Boundaries looked at in an id, from the end. */
const MAX_BOUNDARIES = 10;
/** Numbers of more digits are hashes, not counters; they would not be exact anyway. */
const MAX_DIGITS = 15;

const isDigit = (c: number): boolean => c >= 48 && c <= 57;
const isLetter = (c: number): boolean => (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c > 127;

/**
 * An id taken apart for templates: its last numbers, and the places where a suffix can be exchanged. One instance is
 * filled again and again. Parsing is O(length × numbers).
 */
export class IdParts {
  /** Hash of the id's shape: digits → one `#`, letters → one `a`, punctuation kept. */
  shape = 0;
  numbers = 0;
  readonly start = new Int32Array(MAX_NUMBERS);
  readonly end = new Int32Array(MAX_NUMBERS);
  readonly value = new Float64Array(MAX_NUMBERS);
  /** Per number, hash of everything else in the id: equal for two ids that differ in that number alone. */
  readonly rest = new Int32Array(MAX_NUMBERS);
  boundaries = 0;
  /** Positions after and before punctuation, last first. */
  readonly boundary = new Int32Array(MAX_BOUNDARIES);

  parse(id: string): void {
    this.numbers = 0;
    this.boundaries = 0;
    let shape = id.length === 0 ? 1 : 7;
    let end = id.length;
    while (end > 0) {
      const c = id.charCodeAt(end - 1);
      let start = end - 1;
      if (isDigit(c)) {
        while (start > 0 && isDigit(id.charCodeAt(start - 1))) start--;
        shape = hashPair(shape, 35);
        this.#addNumber(id, start, end);
      } else if (isLetter(c)) {
        while (start > 0 && isLetter(id.charCodeAt(start - 1))) start--;
        shape = hashPair(shape, 97);
      } else {
        shape = hashPair(shape, c);
        this.#addBoundary(end, id.length);
        this.#addBoundary(start, id.length);
      }
      end = start;
    }
    this.shape = shape;
  }

  #addBoundary(at: number, length: number): void {
    if (at === 0 || at === length || this.boundaries === MAX_BOUNDARIES) return;
    if (this.boundaries === 0 || this.boundary[this.boundaries - 1] !== at)
      this.boundary[this.boundaries++] = at;
  }

  #addNumber(id: string, start: number, end: number): void {
    if (this.numbers === MAX_NUMBERS || end - start > MAX_DIGITS) return;
    let value = 0;
    for (let i = start; i < end; i++) value = value * 10 + id.charCodeAt(i) - 48;
    let rest = 0x811c9dc5;
    for (let i = 0; i < start; i++) rest = Math.imul(rest ^ id.charCodeAt(i), 0x01000193);
    rest = Math.imul(rest ^ 35, 0x01000193);
    for (let i = end; i < id.length; i++) rest = Math.imul(rest ^ id.charCodeAt(i), 0x01000193);
    const n = this.numbers++;
    this.start[n] = start;
    this.end[n] = end;
    this.value[n] = value;
    this.rest[n] = rest;
  }

  /** `id` with its `n`-th number replaced, zero-padded to the old width when the old one was. "" when negative. */
  withNumber(id: string, n: number, value: number): string {
    if (value < 0) return "";
    const start = this.start[n] as number;
    const end = this.end[n] as number;
    const padded = id.charCodeAt(start) === 48 && end - start > 1;
    const text = padded ? String(value).padStart(end - start, "0") : String(value);
    return id.slice(0, start) + text + id.slice(end);
  }
}
