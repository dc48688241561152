/** The regions a replay plays. */
export const PLAYED_REGIONS = ["enam", "weur", "apac-ne"] as const;

/** Top-level domains and country codes of Europe, as far as the traces have them. */
const EUROPE = new Set(
  "at be ch cz de dk es eu fi fr gb gr hu ie is it nl no pl pt ro ru se si sk uk ua".split(" "),
);
const AMERICA = new Set("com edu gov mil net org us ca mx br ar cl co".split(" "));

/** Where a client is: its location stands after the `@` of its name. */
export function regionOf(client: string): (typeof PLAYED_REGIONS)[number] {
  const location = (client.split("@")[1] ?? "").toLowerCase();
  if (EUROPE.has(location)) return "weur";
  return AMERICA.has(location) ? "enam" : "apac-ne";
}
