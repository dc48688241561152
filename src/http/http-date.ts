/** The three forms of a date that HTTP knows; all but the last name GMT, which is meant there too (RFC 9110 §5.6.7). */
const IMF_FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** The seconds since the epoch that an HTTP date names; null for what is none. O(length). */
export function parseHttpDate(text: string): number | null {
  const date = text.trim();
  if (!IMF_FIXDATE.test(date) && !RFC_850.test(date) && !ASCTIME.test(date)) return null;
  const time = Date.parse(ASCTIME.test(date) ? `${date} GMT` : date);
  return Number.isNaN(time) ? null : wholeSeconds(time);
}

/** HTTP dates have whole seconds. */
export const wholeSeconds = (time: number): number => Math.floor(time / 1_000);
