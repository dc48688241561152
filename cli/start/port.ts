import { createServer } from "node:net";

/** Both loopbacks: `localhost` is either, and somebody may listen on only one of them. */
const LOOPBACKS = ["127.0.0.1", "::1"];

/** Says what keeps a server from listening on `port` of this machine, and what to do; null when nothing does. */
export async function portFault(port: number): Promise<string | null> {
  for (const host of LOOPBACKS) {
    const code = await listenFault(port, host);
    if (code === "EADDRINUSE")
      return `Port ${port} is in use. Stop what listens there, or take another: npm start -- --port ${port + 1}`;
    if (code === "EACCES")
      return `This user may not listen on port ${port}. Take one from 1024 up: npm start -- --port 8787`;
  }
  return null;
}

/** The error code of an attempt to listen, or null. */
function listenFault(port: number, host: string): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
