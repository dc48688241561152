import { hashText } from "../hash.ts";

/** The kind of an event, its type and data type, as a hash: the same in every instance. O(length). */
export const kindOfEvent = (type: string, dataType: string | undefined): number =>
  hashText(dataType === undefined ? type : `${type}\u0000${dataType}`);
