import { hash32 } from "../../src/core/hash.ts";
import { REGIONS, type Region } from "../../src/core/placement/regions.ts";
import { locate } from "../../src/core/routing/locate.ts";

/** Continents of the countries that logs name most; the world is larger. */
const CONTINENTS: Readonly<Record<string, string>> = {
  NA: "US CA MX CU CR DO GT HT PA PR GP",
  SA: "AR BR CL CO PE UY VE",
  EU: "AT BA BE BG BY CH CZ DE DK EE ES EU FI FR GB GI GR HR HU IE IS IT LT LU MC MK NL NO PL PT RO RS RU SE SI SK UA",
  AS: "AE AP AZ BH BT CN CY GE HK ID IL IN IR JO JP KR KW LK MN MY PH PK PS SA SG SY TH TR TW VN",
  AF: "BJ CM DZ EG KE MA MG ML NG RE SC SN TN UG ZA ZW",
  OC: "AU NZ",
};

/** Countries of Europe whose capitals lie east of where the region ends. */
const EASTERN = new Set("BA BG BY CZ EE FI GR HR HU LT MK PL RO RS RU SE SI SK UA".split(" "));

const CONTINENT_OF = new Map(
  Object.entries(CONTINENTS).flatMap(([continent, countries]) =>
    countries.split(" ").map((country) => [country, continent] as const),
  ),
);

/** The region of a client that is named `client@COUNTRY`; others are spread evenly. O(1). */
export function regionOfCountry(client: string): Region {
  const country = client.split("@")[1] ?? "";
  const continent = CONTINENT_OF.get(country);
  if (continent === undefined) return REGIONS[hash32(client) % REGIONS.length] ?? "weur";
  return locate({ continent, country, longitude: EASTERN.has(country) ? "20" : "5" });
}
