import { connect } from "node:net";
import { WRITE_TOKEN } from "./build.ts";

/** How long a server may take to notice that a sender is gone, ms. */
const NOTICE_MS = 400;

/**
 * Sends a PUT whose body is cut off in the middle by the end of the connection, over a new shard and over one there
 * is; returns what is wrong afterwards. Nothing of it may be stored.
 */
export async function checkTruncatedUploads(base: string): Promise<readonly string[]> {
  const faults: string[] = [];
  await put(base, "cut/old", "the old bytes");
  for (const [id, expected] of [
    ["cut/new", null],
    ["cut/old", "the old bytes"],
  ] as const)
    for (const sent of [0, 1, 40_000]) {
      await sendPart(base, id, 100_000, sent);
      await new Promise((resolve) => setTimeout(resolve, NOTICE_MS));
      const response = await fetch(`${base}/shards/${id}`, { headers: { "Cache-Control": "no-cache" } });
      const text = await response.text();
      const found = response.status === 404 ? null : text;
      if (found !== expected)
        faults.push(`${id}: ${sent} of 100,000 bytes were sent, and ${found?.length ?? 0} are stored`);
    }
  return faults;
}

async function put(base: string, id: string, body: string): Promise<void> {
  const headers = { Authorization: `Bearer ${WRITE_TOKEN}` };
  await (await fetch(`${base}/shards/${id}`, { method: "PUT", headers, body })).arrayBuffer();
}

/** A PUT that announces `length` bytes, sends some and goes away. */
function sendPart(base: string, id: string, length: number, sent: number): Promise<void> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.write(
        `PUT /shards/${id} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${WRITE_TOKEN}\r\nContent-Length: ${length}\r\n\r\n`,
      );
      socket.write(Buffer.alloc(sent, "x"), () => {
        setTimeout(() => {
          socket.destroy();
          resolve();
        }, 50);
      });
    });
  });
}
