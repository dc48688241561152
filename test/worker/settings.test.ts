import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_SETTINGS, readSettings, versionedSettingsSchema } from "../../src/contract/settings.ts";
import { call } from "./support.ts";

interface Answer {
  readonly version: number;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly ignored: readonly string[];
}

const settings = async (): Promise<Answer> =>
  (await call("/admin/api/settings", { token: "admin" })).json<Answer>();
const change = async (patch: object): Promise<Answer> =>
  (await call("/admin/api/settings", { method: "PUT", token: "admin", body: JSON.stringify(patch) })).json();

const object = () => env.SETTINGS.getByName("main");
const stored = (): Promise<unknown> =>
  runInDurableObject(object(), async (_object, state) =>
    Reflect.get((await state.storage.get<object>("data")) ?? {}, "document"),
  );

/** What a newer version stored: one setting as here, one of a kind not known here, one that is not there at all. */
const NEWER = { freshnessSeconds: 7, prefetchMode: "clairvoyant", edgeTierSeconds: 2 };

describe("settings stored by a newer version", () => {
  beforeAll(async () => {
    await settings();
    await runInDurableObject(object(), (_object, state) =>
      state.storage.put("data", { version: 41, document: NEWER }),
    );
    await evictDurableObject(object());
  });

  it("count where they are valid, fall back to the default one by one, and are named where they are ignored", async () => {
    expect(await settings()).toEqual({
      version: 41,
      settings: { ...DEFAULT_SETTINGS, freshnessSeconds: 7 },
      ignored: ["prefetchMode", "edgeTierSeconds"],
    });
    const page = await (await call("/admin", { token: "admin" })).text();
    expect(page).toContain("Ignored: prefetchMode, edgeTierSeconds");
  });

  it("are kept by a change of others, for the version that knows them", async () => {
    const changed = await change({ staleIfErrorSeconds: 11 });
    expect(changed.ignored).toEqual(["prefetchMode", "edgeTierSeconds"]);
    expect(changed.settings).toEqual({
      ...DEFAULT_SETTINGS,
      freshnessSeconds: 7,
      staleIfErrorSeconds: 11,
    });
    expect(await stored()).toEqual({ ...NEWER, staleIfErrorSeconds: 11 });
  });

  it("count again once a change makes them valid", async () => {
    const changed = await change({ prefetchMode: "off" });
    expect([changed.settings.prefetchMode, changed.ignored]).toEqual(["off", ["edgeTierSeconds"]]);
    const page = await (await call("/admin", { token: "admin" })).text();
    expect(page).toContain("Ignored: edgeTierSeconds");
  });
});

it("settings stored as something else altogether are the defaults", () => {
  for (const damaged of [null, "x", [1], 7])
    expect(readSettings(damaged)).toMatchObject({ settings: DEFAULT_SETTINGS });
});

it("settings that a newer coordinator sends are taken key by key", () => {
  expect(versionedSettingsSchema.parse({ version: 3, settings: NEWER, since: "yesterday" })).toEqual({
    version: 3,
    settings: { ...DEFAULT_SETTINGS, freshnessSeconds: 7 },
  });
  expect(versionedSettingsSchema.safeParse({ version: 3, settings: "none" }).success).toBe(false);
});
