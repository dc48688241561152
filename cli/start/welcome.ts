/** What the greeting needs to know. */
export interface Welcome {
  readonly base: string;
  readonly adminToken: string | undefined;
  readonly readToken: string | undefined;
  readonly writeToken: string | undefined;
  /** Whether something answers at `/`. */
  readonly hasHome: boolean;
}

/** A demo shard in the middle of the map. */
const EXAMPLE = "shards/demo/tiles/2/1/1.svg";

/** What is printed when Foreshard runs: where to look and what to try. */
export function welcome({ base, adminToken, readToken, writeToken, hasHome }: Welcome): string {
  const authorization = readToken === undefined ? "" : `-H 'Authorization: Bearer ${readToken}' `;
  return [
    "",
    `Foreshard runs. Ctrl-C stops it.`,
    "",
    ...(hasHome ? [`  Start here   ${base}/`] : []),
    `  Admin        ${base}/admin`,
    adminToken === undefined
      ? "               closed: there is no ADMIN_TOKENS in .dev.vars"
      : `               user: any name, password: ${adminToken}`,
    `  Shards       ${base}/shards`,
    ...(writeToken === undefined ? [] : [`  Write token  ${writeToken}`]),
    "",
    "Read a shard twice and watch Cache-Status: first fwd=uri-miss, then hit.",
    "",
    `  curl -i ${authorization}${base}/${EXAMPLE}`,
    "",
    "",
  ].join("\n");
}
