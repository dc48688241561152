import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Pure code runs in Node; what needs the platform runs in workerd, on real R2, Queues and Durable Objects. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/worker/**"],
          testTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              bindings: {
                FORESHARD_ENV: "development",
                WRITE_TOKENS: "old-write,write",
                EVENT_TOKENS: "events",
                ADMIN_TOKENS: "admin",
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/worker/**/*.test.ts"],
          testTimeout: 30_000,
          // itty-durable is plain JavaScript without extensions in its imports: bundled before it is loaded.
          deps: { optimizer: { ssr: { enabled: true, include: ["itty-durable"] } } },
        },
      },
    ],
  },
});
