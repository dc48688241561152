/** The regions Durable Objects can be hinted to, in the order of the table below. */
export const REGIONS = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "apac-ne",
  "apac-se",
  "oc",
  "afr",
  "me",
] as const;

export type Region = (typeof REGIONS)[number];

/**
 * Where the objects of a region really run. Cloudflare accepts all eleven hints, but has no Durable Objects in
 * South America, Africa and the Middle East: `sam` runs in `enam` as documented, the others nearby, best effort.
 */
export const RUNS_IN: Readonly<Record<Region, Region>> = {
  wnam: "wnam",
  enam: "enam",
  sam: "enam",
  weur: "weur",
  eeur: "eeur",
  apac: "apac",
  "apac-ne": "apac-ne",
  "apac-se": "apac-se",
  oc: "oc",
  afr: "weur",
  me: "eeur",
};

export const isRegion = (text: string): text is Region => (REGIONS as readonly string[]).includes(text);
