import { describe, expect, it } from "vitest";
import { buildReadRequest, ROUTING_STATE_HEADER } from "../../src/contract/partition-protocol.ts";
import { decodeRoutingState, encodeRoutingState, isNewerThan } from "../../src/contract/routing-state.ts";
import { DEFAULT_SETTINGS } from "../../src/contract/settings.ts";
import { readOf } from "../support/read-of.ts";
import { Bench } from "./bench.ts";

const state = (topology: number, settings: number) => ({
  topology: { version: topology, regions: { weur: { generation: 2, slots: 3 } } },
  settings: { version: settings, settings: DEFAULT_SETTINGS },
});

describe("a routing state", () => {
  it("is newer when either of its versions is", () => {
    expect(isNewerThan(state(2, 5), "2.5")).toBe(false);
    expect(isNewerThan(state(2, 5), "3.9")).toBe(false);
    expect(isNewerThan(state(2, 5), "1.9")).toBe(true);
    expect(isNewerThan(state(2, 5), "3.4")).toBe(true);
    expect(isNewerThan(state(0, 0), "nonsense")).toBe(true);
  });

  it("survives its way in a header, whatever letters are in it, but for the pinned shards", () => {
    const settings = { ...DEFAULT_SETTINGS, corsOrigins: ["https://müller.example"], pinned: ["a/ü"] };
    const sent = { ...state(2, 5), settings: { version: 5, settings } };
    const header = encodeRoutingState(sent);
    expect(header).toMatch(/^[\x21-\x7e]+$/);
    expect(decodeRoutingState(header)).toEqual({
      ...sent,
      settings: { version: 5, settings: { ...settings, pinned: [] } },
    });
  });

  it("of another version of the code is read as far as it is known, and nonsense is none", () => {
    const newer = {
      ...state(2, 5),
      topology: { version: 2, regions: { moon: { generation: 1, slots: 1 } } },
    };
    expect(decodeRoutingState(encodeURIComponent(JSON.stringify(newer)))?.topology).toEqual({
      version: 2,
      regions: {},
    });
    for (const nonsense of ["", "%", "{}", "7", encodeURIComponent('{"topology":{}}')])
      expect(decodeRoutingState(nonsense)).toBeNull();
  });
});

describe("a partition", () => {
  const answerTo = async (bench: Bench, known?: string) => {
    const response = await bench.run(
      bench.host.call((node) => node.fetch(buildReadRequest(readOf("a"), known))),
    );
    return response.headers.get(ROUTING_STATE_HEADER);
  };
  const informed = async () => {
    const bench = new Bench({ maxBodyBytes: 77 });
    await bench.put("a", "bytes");
    await bench.read("a");
    await bench.pass(1_000);
    return bench;
  };

  it("tells an edge of newer settings with the answer to a read, found or not", async () => {
    const bench = await informed();
    const news = decodeRoutingState((await answerTo(bench, "0.0")) ?? "");
    expect(news?.settings).toMatchObject({ version: 1, settings: { maxBodyBytes: 77 } });
    await bench.truth.delete("a");
    bench.partition.invalidate([{ shard: "a", uploaded: bench.clock.now() }]);
    expect(await answerTo(bench, "0.0")).not.toBeNull();
  });

  it("says nothing to one that knows as much or more, or did not say what it knows", async () => {
    const bench = await informed();
    for (const known of ["0.1", "0.2", "7.1", undefined]) expect(await answerTo(bench, known)).toBeNull();
  });

  it("tells with the answers to events and changes, too", async () => {
    const { partition } = await informed();
    expect(partition.observe([], "0.0").state?.settings.version).toBe(1);
    expect(partition.invalidate([], "0.0").state?.settings.version).toBe(1);
    expect(partition.observe([], "0.1")).toEqual({ accepted: 0 });
    expect(partition.invalidate([], "0.1")).toEqual({});
  });

  it("hears of a new topology with a heartbeat, and tells of it", async () => {
    const bench = await informed();
    const { answer } = bench;
    const { topology } = state(4, 1);
    const known: number[] = [];
    bench.answer = async (beat) => {
      known.push(beat.topologyVersion);
      return { ...(await answer(beat)), topology };
    };
    for (let i = 0; i < 2; i++) {
      await bench.pass(11_000);
      await bench.read("a");
      await bench.pass(1_000);
    }
    expect(known).toEqual([0, 4]);
    expect(decodeRoutingState((await answerTo(bench, "3.1")) ?? "")?.topology).toEqual(topology);
  });
});
