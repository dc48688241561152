import FlatQueue from "flatqueue";
import { SeededRandom } from "../src/core/random.ts";
import { Trace } from "./trace.ts";

/** How much of the made-up site's traffic to make. */
export interface SiteOptions {
  readonly rows: number;
  /** The same seed gives the same trace, and the first rows of a longer one. */
  readonly seed?: number;
}

/** What a visitor asks for next. */
interface Step {
  /** Since the step before, ms. */
  readonly wait: number;
  readonly eventType: string;
  readonly object: string;
}

/** Visitors at a time; when one leaves, another comes. */
const VISITORS = 48;
/** Of all visits, those to a page and those to a film; the rest are to the map. */
const PAGE_VISITS = 0.7;
const FILM_VISITS = 0.18;
/** Things a visitor does before leaving, on average. */
const VISITS = 6;
/** Where they are, as the top-level domain after the @ of their name: America, Europe, Asia, in this proportion. */
const LOCATIONS = ["com", "com", "de", "de", "jp"];

/** How popularity falls off: the exponent found for web pages is .6 to .9 (Breslau et al., INFOCOM 1999). */
const ZIPF_EXPONENT = 0.9;
const PAGES = 400;
const FILMS = 60;
const PLACES = 80;
/** A page is published after so many visits of anything, and from then on read like the others. */
const VISITS_A_PAGE = 8;
/** Visits to one of the newest pages instead of a popular one. */
const NEWS = 0.2;
const NEWEST = 10;
const MAX_SEGMENTS = 40;
/** Tiles of a side of the map at its only zoom level. */
const MAP_SIDE = 32;
/** How far one sees of the map: tiles across. */
const VIEW = 3;

/** Between the parts of a page: browsers ask at once. */
const PART_MS = 20;
/** Segments last 4 s and are asked for a little early. */
const SEGMENT_MS = 3_800;
const PAN_MS = 700;
/** Between two visits, on average. */
const THINKING_MS = 6_000;

const MIN_BYTES = 1_500;
const MAX_BYTES = 60_000;

/**
 * Requests to a made-up site, for measuring without anybody's log: visitors in several places open pages, which lead
 * to their parts, watch films, which are numbered segments, and pan over a map of tiles. What they choose follows
 * Zipf's law, and new pages appear all the time. They mix as people do, each at an own pace. O(rows · log visitors).
 *
 * The bench has a generator of its own (bench/synthetic.ts), since it measures the cost of an event against a number of
 * objects that is set and an effort of generating that is next to nothing; here the number follows from the visits.
 */
export function siteTrace({ rows, seed = 1 }: SiteOptions): Trace {
  const trace = new Trace("site");
  const site = new Site(seed);
  const visitors = new FlatQueue<{
    client: string;
    steps: Iterator<Step, undefined>;
    next: Step | undefined;
  }>();
  const arrive = (now: number): void => {
    const steps = site.visitor();
    const next = steps.next().value;
    visitors.push({ client: site.newName(), steps, next }, now + (next?.wait ?? 0));
  };
  for (let visitor = 0; visitor < VISITORS; visitor++) arrive(0);
  while (trace.length < rows) {
    const time = visitors.peekValue() ?? 0;
    const visitor = visitors.pop();
    if (visitor?.next === undefined) {
      arrive(time);
      continue;
    }
    const { client, steps, next } = visitor;
    trace.add({
      time: Math.round(time),
      client,
      eventType: next.eventType,
      object: next.object,
      bytes: bytesOf(next.object),
    });
    visitor.next = steps.next().value;
    visitors.push(visitor, time + (visitor.next?.wait ?? 0));
  }
  return trace;
}

/** What there is on the site, and how visitors choose from it. */
class Site {
  readonly #random: SeededRandom;
  #visits = 0;
  #visitors = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(Math.imul(seed, 0x9e3779b1));
    // The first draws of neighbouring seeds resemble one another.
    for (let i = 0; i < 32; i++) this.#random.next();
  }

  newName(): string {
    const location = LOCATIONS[this.#random.below(LOCATIONS.length)];
    return `visitor-${this.#visitors++}@${location}`;
  }

  /** Everything one visitor asks for, from coming to leaving. */
  *visitor(): Generator<Step, undefined> {
    do {
      this.#visits++;
      const thinking = -Math.log(1 - this.#share()) * THINKING_MS;
      const kind = this.#share();
      if (kind < PAGE_VISITS) yield* this.#page(thinking);
      else if (kind < PAGE_VISITS + FILM_VISITS) yield* this.#film(thinking);
      else yield* this.#map(thinking);
    } while (this.#share() > 1 / VISITS);
    return undefined;
  }

  /** A page, what all pages share, and its own parts, of which a browser may have some already. */
  *#page(wait: number): Generator<Step, undefined> {
    const pages = PAGES + Math.floor(this.#visits / VISITS_A_PAGE);
    const page = this.#share() < NEWS ? pages - 1 - this.#random.below(NEWEST) : this.#zipf(PAGES);
    yield { wait, eventType: "open", object: `pages/${page}.html` };
    yield { wait: PART_MS, eventType: "read", object: "shared/site.css" };
    for (let part = 0; part < 2 + (page % 5); part++)
      if (this.#share() < 0.9)
        yield { wait: PART_MS, eventType: "read", object: `parts/${page}/${part}.png` };
    return undefined;
  }

  /** A film from its beginning, until it ends or bores. */
  *#film(wait: number): Generator<Step, undefined> {
    const film = this.#zipf(FILMS);
    const segments = 5 + (film % (MAX_SEGMENTS - 5));
    for (let segment = 0; segment < segments && (segment === 0 || this.#share() < 0.93); segment++) {
      const object = `films/${film}/${String(segment).padStart(5, "0")}.ts`;
      yield { wait: segment === 0 ? wait : SEGMENT_MS, eventType: "play", object };
    }
    return undefined;
  }

  /** A walk over the map from one of the places people look up, mostly straight on; each step shows a new edge. */
  *#map(wait: number): Generator<Step, undefined> {
    const place = this.#zipf(PLACES);
    let [x, y] = [(place * 29) % (MAP_SIDE - VIEW), (place * 43) % (MAP_SIDE - VIEW)];
    let direction = this.#random.below(4);
    for (let step = 0; step === 0 || this.#share() < 0.85; step++) {
      if (this.#share() < 0.25) direction = this.#random.below(4);
      x = within(x + (DIRECTIONS[direction]?.[0] ?? 0));
      y = within(y + (DIRECTIONS[direction]?.[1] ?? 0));
      const alongX = direction < 2;
      for (let i = 0; i < VIEW; i++) {
        const object = alongX ? `tiles/5/${x}/${within(y + i)}.png` : `tiles/5/${within(x + i)}/${y}.png`;
        yield { wait: i > 0 ? PART_MS : step > 0 ? PAN_MS : wait, eventType: "pan", object };
      }
    }
    return undefined;
  }

  /** A rank below `count` by Zipf's law, by inverting the distribution function of its continuous form. O(1). */
  #zipf(count: number): number {
    const power = 1 - ZIPF_EXPONENT;
    const rank = ((count ** power - 1) * this.#share() + 1) ** (1 / power);
    return Math.min(count, Math.floor(rank)) - 1;
  }

  /** In [0, 1). */
  #share(): number {
    return this.#random.below(SHARES) / SHARES;
  }
}

const DIRECTIONS: readonly (readonly [x: number, y: number])[] = [
  [1, 0],
  [-1, 0],
  [0, 1],
  [0, -1],
];
/** As fine as one draw of the generator is. */
const SHARES = 2 ** 20;

const within = (coordinate: number): number => Math.min(MAP_SIDE - 1, Math.max(0, coordinate));

/** An object's size, always the same, small ones more often (FNV-1a over its name). */
function bytesOf(object: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < object.length; at++) hash = Math.imul(hash ^ object.charCodeAt(at), 0x01000193);
  return Math.floor(MIN_BYTES * (MAX_BYTES / MIN_BYTES) ** ((hash >>> 8) / 2 ** 24));
}
