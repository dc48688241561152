import fc from "fast-check";

/** Regions the fuzzer uses, so that its partitions can all be watched. */
export const FUZZED_REGIONS = ["weur", "oc"] as const;

/** Printable ASCII of random length. */
export const ascii = (maxLength: number) => fc.string({ unit: "binary-ascii", maxLength }).map(printable);
/** Header values that the platform lets through: no control characters but the tab. */
const printable = (text: string): string => text.replaceAll(/[^\t\x20-\x7e]/g, "~");
/** Rare, since the runtime complains of each. */
const foreign = fc.constantFrom("ü", "中文", "\u{1f600}", "é\u00ff");

/** Ids that are stored, read and deleted again and again. */
export const knownId = fc.constantFrom("a", "b", "tiles/1/2/3", "tiles/1/2/4", "array/c/0/1", "ünï/中");
/** Any text, lone surrogates included. */
export const unicode = fc.string({ unit: "binary", maxLength: 40 });
/** Any text that UTF-8 can say. */
export const wellFormed = unicode.map((text) => text.toWellFormed());
/** What may stand after `/shards/`. */
export const idPath = fc.oneof(
  { weight: 10, arbitrary: knownId.map(encodePath) },
  { weight: 2, arbitrary: wellFormed.map(encodeURIComponent) },
  { weight: 2, arbitrary: ascii(60).map((text) => text.replaceAll(/[\s#?]/g, "")) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "..",
      "%2e%2e",
      "..%2f..",
      "%ff",
      "%00",
      "%",
      "a//b",
      "a/",
      "a/./b",
      "%ed%a0%80",
      "%c0%af",
      "a\\b",
      "%0d%0a",
      "*",
      "+",
      ";",
    ),
  },
  { weight: 1, arbitrary: fc.nat(1_400).map((length) => "x".repeat(length)) },
  { weight: 1, arbitrary: fc.nat(500).map((length) => "%E4%B8%AD".repeat(length)) },
);

function encodePath(id: string): string {
  return id.split("/").map(encodeURIComponent).join("/");
}

/** Queries, most of them none. */
export const query = fc.oneof(
  { weight: 6, arbitrary: fc.constant("") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("?coherence=strong", "?coherence=bounded", "?coherence=", "?coherence=x"),
  },
  {
    weight: 2,
    arbitrary: fc
      .record(
        {
          prefix: fc.oneof(
            knownId,
            wellFormed,
            fc.nat(1_100).map((length) => "中".repeat(length)),
          ),
          limit: fc.oneof(fc.integer().map(String), fc.constantFrom("1", "0", "1e3", "NaN", "0x10", "")),
          cursor: fc.oneof(ascii(40), fc.base64String({ maxLength: 80 }), wellFormed),
        },
        { requiredKeys: [] },
      )
      .map((fields) => `?${new URLSearchParams(fields)}`),
  },
  { weight: 1, arbitrary: ascii(40).map((text) => `?${text.replaceAll("#", "")}`) },
);

/** Credentials good and bad. */
export const authorization = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom("Bearer write", "Bearer events", "Bearer admin") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("Bearer wrong", "Bearer ", "Basic ===", `Basic ${btoa("a:admin")}`),
  },
  { weight: 1, arbitrary: ascii(60) },
);

const tag = fc.oneof(fc.constantFrom("*", '"x"', 'W/"x"', '"x", "y"', '"', "x", "W/", ","), ascii(30));
const date = fc.oneof(
  fc.date({ noInvalidDate: true }).map((value) => value.toUTCString()),
  fc.constantFrom("yesterday", "Thu, 01 Jan 1970 00:00:00 GMT"),
  ascii(30),
);
const range = fc.oneof(
  fc.tuple(fc.nat(40), fc.nat(40)).map(([from, to]) => `bytes=${from}-${to}`),
  fc.nat(40).map((from) => `bytes=${from}-`),
  fc.nat(40).map((last) => `bytes=-${last}`),
  fc.constantFrom(
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=0-0,5-6",
    "bytes=99999999999999999999-",
    "bytes=-0",
  ),
  fc.constantFrom("items=0-1", "bytes 0-1", `bytes=${"0-0,".repeat(400)}1-2`),
  ascii(40),
);
const label = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom("ada", "bob", "view") },
  { weight: 20, arbitrary: ascii(300) },
  { weight: 1, arbitrary: foreign },
);

/** Headers that mean something to Foreshard or to what is around it, each with values that may not. */
const HEADERS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "Foreshard-User": label,
  "Foreshard-Event": label,
  "Foreshard-Data-Type": label,
  "Foreshard-Region": fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...FUZZED_REGIONS) },
    { weight: 1, arbitrary: fc.constantFrom("", "WEUR", "moon", "g1:oc:0") },
  ),
  Range: range,
  "If-Range": fc.oneof(tag, date),
  "If-Match": tag,
  "If-None-Match": tag,
  "If-Modified-Since": date,
  "If-Unmodified-Since": date,
  "Cache-Control": fc.oneof(
    fc.constantFrom("no-cache", "max-age=60", "immutable", "no-store", "max-age=abc", "public, s-maxage=1"),
    ascii(80),
    fc.nat(3_000).map((length) => "c".repeat(length)),
  ),
  "Content-Type": fc.oneof(
    fc.constantFrom("application/json", "application/x-ndjson", "text/plain;charset=utf-8", "x", 'a/b;c="d'),
    ascii(60),
  ),
  "Content-Encoding": fc.oneof(fc.constantFrom("identity", "x-own", "x-a, x-b", ""), ascii(40)),
  "Content-Length": fc.constantFrom("abc", "-1", "999999999999", "1e3", "99999999999999999999999"),
  "Repr-Digest": fc.oneof(
    fc.constantFrom("sha-256=:AAAA:", "sha-256", "md5=:AAAA:", `sha-256=:${"A".repeat(43)}=:`),
    ascii(60),
  ),
  Origin: fc.oneof(fc.webUrl(), fc.constantFrom("null", "https://maps.example"), ascii(40)),
  "Access-Control-Request-Method": fc.constantFrom("PUT", "DELETE", "x"),
  "Cf-Access-Jwt-Assertion": fc.oneof(fc.constant("a.b.c"), ascii(80)),
  "X-HTTP-Method-Override": fc.constantFrom("DELETE", "PUT"),
  "F-User": label,
  "F-Region": label,
  "do-name": label,
  "Foreshard-Read-Directly": label,
  "Foreshard-Content-Encoding": label,
};

/** Up to six of the headers. */
export const headers = fc
  .subarray(Object.keys(HEADERS), { maxLength: 6 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) => (HEADERS[name] ?? fc.constant("")).map((value) => [name, value] as const)),
    ),
  );
