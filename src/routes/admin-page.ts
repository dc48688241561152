import { html } from "hono/html";
import type { PartitionStatus } from "../contract/rpc.ts";
import type { StoredSettings } from "../contract/settings.ts";
import type { Correlation } from "../core/correlation/correlation-matrix.ts";
import type { ShownMap } from "../core/correlation/shared-model.ts";
import type { SurgeCell } from "../core/correlation/surges.ts";
import type { Placement } from "../core/placement/rebalance.ts";
import type { ReadCounts } from "../core/reporting/read-counts.ts";

/** What the page shows. */
export interface AdminPageData {
  readonly partitions: readonly (
    | (PartitionStatus & { total: { counts: ReadCounts }; available: true })
    | { partition: string; total: { counts: ReadCounts }; available: false }
  )[];
  readonly overview: {
    readonly correlations: readonly Correlation[];
    readonly surges: readonly SurgeCell[];
    readonly probabilityMap: ShownMap;
    readonly placement: Placement;
    readonly deadLetters: readonly { receivedAt: number; queue: string; fault: string }[];
  };
  readonly settings: StoredSettings;
  readonly now: number;
}

/** Rows of a long table that are shown; the API has all of them. */
const MAX_ROWS = 25;

/** The first plain page: the numbers of the admin API in tables. */
export function adminPage({ partitions, overview, settings, now }: AdminPageData) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Foreshard</title>
        <link rel="stylesheet" href="/admin/style.css" />
      </head>
      <body>
        <h1>Foreshard</h1>
        <p class="note">As of ${new Date(now).toISOString()}. The same as JSON under /admin/api.</p>
        <h2>Partitions</h2>
        ${partitions.length === 0 ? note("No partition has registered yet. Read a shard.") : partitionTable(partitions)}
        <h2>Prefetch probability map</h2>
        ${mapTable(overview.probabilityMap)}
        <h2>Correlation matrix</h2>
        ${correlationTable(overview.correlations)}
        ${surgeTable(overview.surges)}
        <h2>Placement</h2>
        ${placementTable(overview.placement)}
        <h2>Dead letters</h2>
        ${deadLetterTable(overview.deadLetters)}
        <h2>Settings</h2>
        ${table(
          ["Setting", "Value"],
          Object.entries(settings.settings).map(([name, value]) => [name, JSON.stringify(value)]),
        )}
        ${ignoredNote(settings.ignored)}
        <p class="note">Version ${settings.version}. Change with PUT /admin/api/settings.</p>
      </body>
    </html>`;
}

const note = (text: string) => html`<p class="note">${text}</p>`;

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]) {
  return html`<div class="scroll"><table>
    <thead><tr>${heads.map((head) => html`<th>${head}</th>`)}</tr></thead>
    <tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

const ignoredNote = (ignored: readonly string[]) =>
  ignored.length === 0
    ? ""
    : note(`Ignored: ${ignored.join(", ")}. This version does not know them, or not these values of them.`);

function partitionTable(partitions: AdminPageData["partitions"]) {
  return table(
    [
      "Partition",
      "Reads",
      "Hits",
      "Prefetched",
      "From disk",
      "Misses",
      "Hit ratio",
      "R2 reads",
      "Issued",
      "Used",
      "Late",
      "In memory",
      "On disk",
      "Events waiting",
      "Prefetches waiting",
    ],
    partitions.map(({ partition, total: { counts }, ...status }) => [
      partition,
      counts.reads,
      counts.hits,
      counts.prefetchedHits,
      counts.diskHits,
      counts.misses,
      percent(counts.hits, counts.hits + counts.misses),
      counts.storageReads,
      counts.prefetchesIssued,
      counts.prefetchesUsed,
      counts.late,
      ...(status.available
        ? [
            `${size(status.memory.bytes)} of ${size(status.memory.capacity)}`,
            size(status.disk.bytes),
            status.eventQueue.waiting,
            status.prefetchQueue.waiting,
          ]
        : ["does not answer", "", "", ""]),
    ]),
  );
}

function mapTable(map: ShownMap) {
  const rows = Object.entries(map)
    .flatMap(([type, shards]) => Object.entries(shards).map(([shard, entry]) => ({ type, shard, ...entry })))
    .sort((a, b) => b.probability - a.probability);
  if (rows.length === 0) return note("Nothing learned yet.");
  return html`${table(
    ["Event type", "Shard", "Probability", "Target partition", "Expected after"],
    rows
      .slice(0, MAX_ROWS)
      .map((row) => [
        row.type,
        row.shard,
        row.probability.toFixed(3),
        row.targetPartition,
        `${(row.expectedDelay / 1_000).toFixed(1)} s`,
      ]),
  )}${shortened(rows.length, "/admin/api/map")}`;
}

function correlationTable(correlations: readonly Correlation[]) {
  if (correlations.length === 0) return note("Nothing learned yet.");
  return html`${table(
    ["Event type", "Followed by", "Probability", "After", "Coefficient", "Times"],
    correlations
      .slice(0, MAX_ROWS)
      .map(({ type, next, probability, delay, coefficient, count }) => [
        type,
        next,
        probability.toFixed(3),
        `${(delay / 1_000).toFixed(1)} s`,
        coefficient.toFixed(3),
        count.toFixed(1),
      ]),
  )}${shortened(correlations.length, "/admin/api/correlations")}`;
}

function surgeTable(surges: readonly SurgeCell[]) {
  if (surges.length === 0) return note("No surge of one event type is known to announce one of another.");
  return html`${table(
    ["A surge of", "in", "announces", "in", "after", "followed", "by chance"],
    surges
      .slice(0, MAX_ROWS)
      .map((cell) => [
        cell.type,
        cell.region,
        cell.next,
        cell.nextRegion,
        `${(cell.delay / 60_000).toFixed(1)} min`,
        `${cell.followed} of ${cell.surges}`,
        cell.byChance.toPrecision(2),
      ]),
  )}${shortened(surges.length, "/admin/api/correlations")}`;
}

function placementTable(placement: Placement) {
  const rows = Object.entries(placement).map(([region, shards]) => [
    region,
    shards.length,
    shards.slice(0, 3).join(", "),
  ]);
  return rows.length === 0
    ? note("The rebalancer has not run yet.")
    : table(["Region", "Warmed", "Hottest"], rows);
}

function deadLetterTable(letters: AdminPageData["overview"]["deadLetters"]) {
  if (letters.length === 0) return note("None.");
  return table(
    ["Received", "Queue", "Fault"],
    letters
      .slice(0, MAX_ROWS)
      .map(({ receivedAt, queue, fault }) => [new Date(receivedAt).toISOString(), queue, fault]),
  );
}

const shortened = (total: number, address: string) =>
  total > MAX_ROWS ? note(`The first ${MAX_ROWS} of ${total}; all under ${address}.`) : "";

const percent = (part: number, whole: number): string =>
  whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;

const size = (count: number): string =>
  count < 1_024
    ? `${count} B`
    : count < 1_048_576
      ? `${(count / 1_024).toFixed(1)} KiB`
      : `${(count / 1_048_576).toFixed(1)} MiB`;
