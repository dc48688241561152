import type { Region } from "../placement/regions.ts";

/** What is known of a request's place; `request.cf` has these as strings, or not at all. */
export interface Place {
  readonly continent?: string | undefined;
  readonly country?: string | undefined;
  readonly longitude?: string | undefined;
}

/** Where requests without a place go: cron, queues and local tools have none. */
const DEFAULT_REGION: Region = "weur";

const NORTH_EAST_ASIA = new Set(["JP", "KR", "TW", "HK", "MO", "CN", "MN", "KP"]);
const SOUTH_EAST_ASIA = new Set(["SG", "MY", "ID", "TH", "VN", "PH", "KH", "LA", "MM", "BN", "TL"]);
const MIDDLE_EAST = new Set([
  ..."AE SA QA KW BH OM YE IQ IR IL PS JO LB SY TR AM AZ GE CY".split(" "),
  "EG", // Africa by continent, but its cables lead to the Middle East and Europe.
]);

/** West of this meridian North America is nearer to the Pacific coast: about Denver. */
const AMERICAN_DIVIDE = -104;
/** East of this meridian Europe is nearer to Warsaw than to Frankfurt. */
const EUROPEAN_DIVIDE = 15;

/** The region nearest to a place: a pure function, no look-up. O(1). */
export function locate(place: Place): Region {
  if (place.country !== undefined && MIDDLE_EAST.has(place.country)) return "me";
  const longitude = Number(place.longitude ?? Number.NaN);
  switch (place.continent) {
    case "NA":
      return longitude < AMERICAN_DIVIDE ? "wnam" : "enam";
    case "SA":
      return "sam";
    case "EU":
      return longitude > EUROPEAN_DIVIDE ? "eeur" : "weur";
    case "AS":
      return locateInAsia(place.country);
    case "OC":
      return "oc";
    case "AF":
      return "afr";
    case "AN":
      return "oc";
    default:
      return DEFAULT_REGION;
  }
}

function locateInAsia(country: string | undefined): Region {
  if (country !== undefined && NORTH_EAST_ASIA.has(country)) return "apac-ne";
  if (country !== undefined && SOUTH_EAST_ASIA.has(country)) return "apac-se";
  return "apac";
}
