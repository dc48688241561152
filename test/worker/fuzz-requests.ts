import fc from "fast-check";
import { settingsSchema } from "../../src/contract/settings.ts";
import {
  ascii,
  authorization,
  FUZZED_REGIONS,
  headers,
  idPath,
  knownId,
  query,
  unicode,
  wellFormed,
} from "./fuzz-values.ts";

/** A request as the fuzzer makes it up; everything in it may be nonsense. */
export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: FuzzBody;
}

/** What is sent: nothing, bytes whose number is known, or a stream whose length is not. */
type FuzzBody =
  | { readonly kind: "none" }
  | { readonly kind: "bytes" | "stream"; readonly bytes: Uint8Array<ArrayBuffer> };

const encoder = new TextEncoder();

const anyText = fc.oneof(
  ascii(200),
  wellFormed,
  fc.json(),
  fc.constantFrom("", "null", "[[[[[[", '"', "{}", "[]"),
);

const event = fc.record(
  {
    type: fc.oneof(fc.constantFrom("login", "view", "\ud800"), fc.string(), fc.jsonValue()),
    shard: fc.oneof(knownId, unicode, fc.jsonValue()),
    user: fc.oneof(fc.constantFrom("ada", "\udfff"), unicode),
    time: fc.oneof(
      fc.maxSafeNat(),
      fc.double(),
      fc.date({ noInvalidDate: true }).map(String),
      fc.constant("2026-01-01T00:00:00Z"),
    ),
    dataType: fc.string({ maxLength: 70 }),
    region: fc.constantFrom<string>(...FUZZED_REGIONS, "moon"),
    extra: fc.jsonValue(),
  },
  { requiredKeys: ["type"] },
);
/** Events as they should be, with what is at the edge of it. */
const goodEvent = fc.record(
  {
    type: fc.constantFrom("login", "view", "zoom \u{1f600}", "\ud800", "__proto__", "constructor"),
    shard: knownId,
    user: fc.oneof(fc.constantFrom("ada", "\udfff", "__proto__"), fc.string({ minLength: 1, maxLength: 20 })),
    time: fc.oneof(fc.maxSafeNat(), fc.constantFrom(0, "1900-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00")),
    region: fc.constantFrom<string>(...FUZZED_REGIONS),
  },
  { requiredKeys: ["type"] },
);
const events = fc.oneof(
  fc.array(goodEvent, { maxLength: 20 }).map((list) => JSON.stringify(list)),
  fc.array(goodEvent, { maxLength: 20 }).map((list) => list.map((one) => JSON.stringify(one)).join("\n")),
  fc.array(event, { maxLength: 5 }).map((list) => JSON.stringify(list)),
  fc.nat(1_100).map((length) => JSON.stringify(Array(length).fill({ type: "x" }))),
  fc.nat(100_000).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
  anyText,
);

/** Each setting with a value that fits now and then, and often does not. */
const settings = fc
  .subarray(Object.keys(settingsSchema.shape), { maxLength: 3 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .oneof(
            fc.constant(settingsSchema.parse({})[name as keyof typeof settingsSchema.shape]),
            fc.nat(100_000_000),
            fc.double({ min: 0, max: 1, noNaN: true }),
            fc.constantFrom<unknown>("off", "automatic", true, null, [], ["*"], ["tiles/1/2/3"], -1, 1e308),
            fc.jsonValue(),
          )
          .map((value) => [name, value] as const),
      ),
    ),
  )
  .map((pairs) => JSON.stringify(Object.fromEntries(pairs)));

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((data) => Uint8Array.from(data)),
  fc.nat(40_000).map((length) => new Uint8Array(length)),
);
const body = (content: fc.Arbitrary<Uint8Array<ArrayBuffer>>): fc.Arbitrary<FuzzBody> =>
  fc.oneof(
    { weight: 8, arbitrary: content.map((data) => ({ kind: "bytes" as const, bytes: data })) },
    { weight: 1, arbitrary: content.map((data) => ({ kind: "stream" as const, bytes: data })) },
    { weight: 1, arbitrary: fc.constant({ kind: "none" as const }) },
  );
const textBody = (text: fc.Arbitrary<string>) =>
  body(text.map((value) => Uint8Array.from(encoder.encode(value))));

const METHODS = ["GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS", "PATCH"] as const;
const anyMethod = fc.constantFrom(...METHODS);

const shardMethod = fc.oneof(
  { weight: 5, arbitrary: fc.constant("GET") },
  { weight: 5, arbitrary: fc.constant("PUT") },
  { weight: 1, arbitrary: fc.constant("DELETE") },
  { weight: 1, arbitrary: anyMethod },
);
const adminPath = fc.oneof(
  fc.constantFrom(
    "",
    "/",
    "/style.css",
    "/api/partitions",
    "/api/correlations",
    "/api/map",
    "/api/prefetches",
  ),
  fc.constantFrom(
    "/api/placement",
    "/api/topology",
    "/api/dead-letters",
    "/api/learning",
    "/api/proof",
    "/api/explain",
    "/api/metrics",
    "/api/settings/x",
  ),
  ascii(30).map((text) => `/${text.replaceAll(/[\s#?]/g, "")}`),
);

/** The value, or null now and then. */
const perhaps = (value: fc.Arbitrary<string>): fc.Arbitrary<string | null> => fc.option(value, { nil: null });

function make(
  method: fc.Arbitrary<string>,
  path: fc.Arbitrary<string>,
  content: fc.Arbitrary<FuzzBody>,
  usual?: string,
): fc.Arbitrary<FuzzRequest> {
  const credential: fc.Arbitrary<string | null> =
    usual === undefined
      ? perhaps(authorization)
      : fc.oneof(
          { weight: 5, arbitrary: fc.constant(usual) },
          { weight: 1, arbitrary: perhaps(authorization) },
        );
  return fc
    .record({ method, path, headers, body: content, credential })
    .map(({ credential: value, headers: rest, ...request }) => ({
      ...request,
      headers: value === null ? rest : [...rest, ["Authorization", value] as const],
    }));
}

const joined = (first: fc.Arbitrary<string>, second: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(first, second).map((parts) => parts.join(""));

/** Requests to all of the HTTP surface, about half of them sensible enough to be carried out. */
export const anyRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(
  {
    weight: 100,
    arbitrary: make(
      shardMethod,
      joined(
        idPath.map((id) => `/shards/${id}`),
        query,
      ),
      body(bytes),
      "Bearer write",
    ),
  },
  {
    weight: 20,
    arbitrary: make(
      fc.constantFrom("GET", "HEAD", "POST"),
      joined(fc.constant("/shards"), query),
      textBody(anyText),
    ),
  },
  {
    weight: 40,
    arbitrary: make(fc.constant("POST"), fc.constant("/events"), textBody(events), "Bearer events"),
  },
  { weight: 10, arbitrary: make(anyMethod, fc.constant("/events"), textBody(events)) },
  {
    weight: 20,
    arbitrary: make(
      fc.constant("PUT"),
      fc.constant("/admin/api/settings"),
      textBody(fc.oneof(settings, anyText)),
      "Bearer admin",
    ),
  },
  {
    weight: 10,
    arbitrary: make(
      anyMethod,
      joined(
        adminPath.map((path) => `/admin${path}`),
        query,
      ),
      textBody(anyText),
      "Bearer admin",
    ),
  },
  {
    weight: 1,
    arbitrary: make(
      fc.constant("POST"),
      fc.constantFrom("/admin/api/forget", "/admin/api/rebalance"),
      textBody(anyText),
      "Bearer admin",
    ),
  },
  {
    weight: 10,
    arbitrary: make(
      anyMethod,
      joined(
        fc.oneof(
          fc.constantFrom("/", "//", "/healthz", "/docs", "/openapi.json", "/%61dmin", "//shards/a"),
          ascii(60).map((text) => `/${text}`),
        ),
        query,
      ),
      textBody(anyText),
    ),
  },
);
