/**
 * The JSON of a record with another user id, found in the text instead of read and written anew; null when it is not
 * sure where the id stands.
 */
export function withUserId(json: Buffer, from: string, to: string): Buffer | null {
  // Quotes inside texts are escaped, so this is a field. Where the name comes twice, the other may be the record's.
  const field = Buffer.from(`${NAME}:${JSON.stringify(from)}`);
  const start = json.indexOf(NAME);
  const end = start + field.length;
  if (start < 0 || !json.subarray(start, end).equals(field) || json.indexOf(NAME, end) >= 0) return null;
  return Buffer.concat([json.subarray(0, start), Buffer.from(`${NAME}:${JSON.stringify(to)}`), json.subarray(end)]);
}

const NAME = '"userId"';
