import { env } from "cloudflare:workers";
import { afterEach, expect, it, vi } from "vitest";
import { Coordinator } from "../../durable-objects/coordinator.ts";
import { DEFAULT_SETTINGS, type SettingsPatch } from "../../src/contract/settings.ts";
import { currentRoutingState, learnRoutingState } from "../../src/edge/routing-state.ts";
import { settingsStore } from "../../src/storage/settings-store.ts";
import { call, coordinator, partition, put, read } from "./support.ts";

const ORIGIN = "https://maps.example";
const known = () => currentRoutingState().settings;

/** Changes settings past this isolate, and lets the partition hear of them with its next heartbeat. */
async function changeElsewhere(patch: SettingsPatch): Promise<void> {
  const settings = await settingsStore(env.SETTINGS).update(patch);
  await coordinator().settingsChanged(settings);
  await partition().forget();
}

afterEach(() => {
  vi.restoreAllMocks();
});

it("an isolate hears of new settings with a partition's answer, and asks the coordinator nothing", async () => {
  await put("r/1", "bytes");
  const asked = vi.spyOn(Coordinator.prototype, "routingState");
  await changeElsewhere({ maxBodyBytes: 1_000, corsOrigins: ["https://example.com"] });
  const got = await read("r/1");
  expect(known().settings).toMatchObject({ maxBodyBytes: 1_000, corsOrigins: ["https://example.com"] });
  // It is for the isolate alone.
  expect(got.headers.get("Foreshard-Routing-State")).toBeNull();
  expect([got.status, got.text]).toEqual([200, "bytes"]);
  for (let i = 0; i < 20; i++) await read("r/1");
  expect(asked).not.toHaveBeenCalled();
});

it("it hears with the answers to writes and events, too", async () => {
  await changeElsewhere({ maxBodyBytes: 2_000 });
  await put("r/2", "bytes");
  expect(known().settings.maxBodyBytes).toBe(2_000);
  await changeElsewhere({ maxBodyBytes: 3_000 });
  await call("/events", { method: "POST", token: "events", body: '{"type":"login"}' });
  expect(known().settings.maxBodyBytes).toBe(3_000);
});

it("takes nothing that is older than what it knows, as one of two partitions may be behind", () => {
  const before = currentRoutingState();
  const version = before.settings.version - 1;
  learnRoutingState({ settings: { version, settings: { ...DEFAULT_SETTINGS, maxBodyBytes: 7 } } });
  learnRoutingState({ topology: { version: 9, regions: {} } });
  learnRoutingState({ topology: { version: 8, regions: {} } });
  expect(currentRoutingState()).toEqual({ ...before, topology: { version: 9, regions: {} } });
});

it("refuses nothing by what it knew before: an origin or a size that is new is asked about, not often", async () => {
  const asked = vi.spyOn(Coordinator.prototype, "routingState");
  vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
  await changeElsewhere({ corsOrigins: [ORIGIN], maxBodyBytes: 4_000 });
  const preflight = (origin: string) =>
    call("/shards/r/1", {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Method": "PUT" },
    });
  expect((await preflight(ORIGIN)).headers.get("Access-Control-Allow-Origin")).toBe(ORIGIN);
  for (let i = 0; i < 5; i++) await preflight("https://other.example");
  expect(asked).toHaveBeenCalledTimes(1);
  vi.spyOn(Date, "now").mockReturnValue(Date.now() + 60_000);
  await changeElsewhere({ maxBodyBytes: 5_000 });
  expect((await put("r/3", "x".repeat(4_500))).status).toBe(201);
  expect((await put("r/3", "x".repeat(5_500))).status).toBe(413);
  expect(asked).toHaveBeenCalledTimes(2);
});
