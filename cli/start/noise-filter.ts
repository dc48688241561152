import { stripVTControlCharacters } from "node:util";

/** What wrangler tells that nobody starting Foreshard needs: each begins a block that ends with its last indented line. */
const NOISE = [
  /^ ?⛅/, // Its banner.
  /^─+$/,
  /^Using (secrets|vars) defined in/,
  /^Your Worker has access to the following bindings/,
  /^▲ \[WARNING\] Scheduled Workers are not automatically triggered/,
  /^\[wrangler:warn\] Unable to fetch the `Request\.cf` object/, // Without internet: a placeholder is used.
  /^\[wrangler:info\] Ready on/,
  /^\[wrangler:info\] [A-Z]+ \S+ [1-4]\d\d /, // Requests that were answered, the refused ones too.
  /^\[wrangler:info\] QUEUE \S+ (\d+)\/\1 /, // Batches of which every message was taken.
  /^⎔ /, // Starting, reloading, shutting down.
];

/** Lines that go on with a block: its tables, its details, the cause of a warning. */
const CONTINUES = [/^\s/, /^$/, /^Binding\s/, /^env\./, /^Error: (getaddrinfo|connect|fetch failed)/];

/** Tells, line by line, what is worth showing. Keeps the state of one stream. */
export class NoiseFilter {
  #inNoise = false;

  /** Whether a person should see this line. */
  shows(line: string): boolean {
    const text = stripVTControlCharacters(line).trimEnd();
    if (NOISE.some((pattern) => pattern.test(text))) {
      this.#inNoise = true;
      return false;
    }
    this.#inNoise &&= CONTINUES.some((pattern) => pattern.test(text));
    return !this.#inNoise;
  }
}
