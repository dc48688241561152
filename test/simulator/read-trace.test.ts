import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readTrace } from "../../simulator/read-trace.ts";
import { csvOf, fileOf } from "../support/files.ts";

const COMMON = '192.0.2.7 - - [10/Oct/2000:13:55:36 -0700] "GET /tiles/5/10/12?v=1 HTTP/1.0" 200 2326';
const COMBINED = `${COMMON} "https://example.com/start" "Mozilla/5.0 (X11; \\"quoted\\")"`;

const logpushLine = (fields: Record<string, unknown>): string =>
  JSON.stringify({
    EdgeStartTimestamp: 1_700_000_000_123_000_000,
    ClientIP: "192.0.2.7",
    ClientRequestMethod: "GET",
    ClientRequestURI: "/tiles/5/10/12?v=1",
    EdgeResponseStatus: 200,
    EdgeResponseBytes: 2326,
    ...fields,
  });

const rowOf = async (content: string, row = 0, zipped = false): Promise<unknown> => {
  const { trace } = await readTrace(fileOf(content, { zipped }));
  return {
    time: trace.time(row),
    client: trace.client(row),
    eventType: trace.eventType(row),
    object: trace.object(row),
    bytes: trace.bytes(row),
  };
};

describe("the trace reader", () => {
  it.each([false, true])("reads a trace CSV (gzipped: %s)", async (zipped) => {
    const content = csvOf("5,c1@com,images,/logo.gif,1713", "7,,t30,k0,0");
    expect(await rowOf(content, 0, zipped)).toEqual({
      time: 5,
      client: "c1@com",
      eventType: "images",
      object: "/logo.gif",
      bytes: 1713,
    });
    expect(await rowOf(content, 1, zipped)).toMatchObject({ client: "", object: "k0" });
  });

  it("reads a CSV without its header, and fields in quotes", async () => {
    const content = '5,c1,map,"/map?70,187 ""x""",178\n6,c1,map,/map,178\n';
    expect(await rowOf(content)).toMatchObject({ object: '/map?70,187 "x"', bytes: 178 });
  });

  it.each([COMMON, COMBINED])("reads an access log: %s", async (line) => {
    expect(await rowOf(`${line}\r\n`)).toEqual({
      time: Date.parse("2000-10-10T20:55:36Z"),
      client: "192.0.2.7",
      eventType: "tiles",
      object: "/tiles/5/10/12?v=1",
      bytes: 2326,
    });
  });

  it.each([false, true])("reads a Logpush file (gzipped: %s)", async (zipped) => {
    expect(await rowOf(logpushLine({}), 0, zipped)).toEqual({
      time: 1_700_000_000_123,
      client: "192.0.2.7",
      eventType: "tiles",
      object: "/tiles/5/10/12?v=1",
      bytes: 2326,
    });
  });

  it.each([
    [1_700_000_000, 1_700_000_000_000],
    [1_700_000_000_123, 1_700_000_000_123],
    [1_700_000_000_123_456, 1_700_000_000_123.456],
    ["1700000000123000000", 1_700_000_000_123],
    ["2023-11-14T22:13:20Z", 1_700_000_000_000],
  ])("understands the Logpush time %s", async (EdgeStartTimestamp, time) => {
    expect(await rowOf(logpushLine({ EdgeStartTimestamp }))).toMatchObject({ time });
  });

  it("leaves out what no cache could have answered", async () => {
    const lines = [
      COMMON,
      COMMON.replace("GET", "POST"),
      COMMON.replace(" 200 ", " 404 "),
      COMMON.replace(" 200 2326", " 304 -"),
    ];
    const read = await readTrace(fileOf(lines.join("\n")));
    expect([read.trace.length, read.skipped, read.malformed]).toEqual([2, 2, 0]);
    const pushed = [logpushLine({}), logpushLine({ ClientRequestMethod: "PUT" })];
    expect((await readTrace(fileOf(pushed.join("\n")))).trace.length).toBe(1);
  });

  it("counts malformed lines, tells their numbers, and goes on", async () => {
    const read = await readTrace(
      fileOf(
        csvOf("1,c,t,a,1", "nonsense", "x,c,t,a,1", "2,c,t,b,-1", '3,c,t,"a,1', "4,c,t,,1", "5,c,t,b,1"),
      ),
    );
    expect([read.trace.length, read.malformed]).toEqual([2, 5]);
    expect(read.malformedLines).toEqual([
      { line: 3, why: "1 fields instead of 5" },
      { line: 4, why: "t_ms is not a number: x" },
      { line: 5, why: "bytes is not a size: -1" },
      { line: 6, why: "its quotes do not match" },
      { line: 7, why: "it names no object" },
    ]);
  });

  it("tells a malformed Logpush line from a malformed access log line", async () => {
    const pushed = await readTrace(
      fileOf([logpushLine({}), "{broken", logpushLine({ ClientIP: 5 })].join("\n")),
    );
    expect(pushed.malformedLines.map(({ line }) => line)).toEqual([2, 3]);
    const logged = await readTrace(fileOf([COMMON, "broken", COMMON.replace("Oct", "Okt")].join("\n")));
    expect(logged.malformedLines.map(({ line }) => line)).toEqual([2, 3]);
  });

  it("recognises a format whose first lines are damaged", async () => {
    expect((await readTrace(fileOf(`?\n??\n${COMMON}\n`))).format.name).toMatch(/Common/);
  });

  it("stops after the rows asked for", async () => {
    const read = await readTrace(fileOf(csvOf("1,c,t,a,1", "2,c,t,b,1", "3,c,t,c,1")), { rows: 2 });
    expect([read.trace.length, read.trace.objects]).toEqual([2, ["a", "b"]]);
  });

  it("lets a log that steps back in time stand still", async () => {
    expect(await rowOf(csvOf("9,c,t,a,1", "5,c,t,b,1"), 1)).toMatchObject({ time: 9 });
  });

  it("keeps ids whole that straddle two chunks of a large file", async () => {
    const lines = Array.from({ length: 50_000 }, (_, row) => `${row},client,type,object-é-${row % 100},10`);
    const { trace } = await readTrace(fileOf(csvOf(...lines), { zipped: true }));
    expect([trace.length, trace.objects.length]).toEqual([50_000, 100]);
  });

  it.each([
    ["", /is empty. Give a trace/],
    ["\n\n", /is empty. Give a trace/],
    ["what is this\n", /in no format known here.*what is this.*Convert it to one of these.*t_ms,client/s],
    [csvOf(), /holds no request.*Give a log with reads in it/],
    [COMMON.replace("GET", "POST"), /1 lines skipped, 0 malformed/],
  ])("says what to do about a file of %j", async (content, message) => {
    await expect(readTrace(fileOf(content))).rejects.toThrow(message);
  });

  it("says what to do about a file that is missing or cut short", async () => {
    await expect(readTrace("/no/such/file")).rejects.toThrow(/cannot be read.*Check the path/);
    const cut = fileOf(csvOf("1,c,t,a,1"), { zipped: true });
    writeFileSync(cut, readFileSync(cut).subarray(0, 30));
    await expect(readTrace(cut)).rejects.toThrow(/cannot be read to its end/);
  });
});
