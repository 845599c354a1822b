/** Records of one transaction: it must not hold up the other users of Redis for long. */
const MOST = 256;
const MOST_CHARACTERS = 1024 * 1024;

/** Cuts a list into parts that Redis takes in one go. */
export function* portions<T>(items: readonly T[], sizeOf: (item: T) => number = () => 0): Generator<readonly T[]> {
  let portion: T[] = [];
  let characters = 0;
  for (const item of items) {
    portion.push(item);
    characters += sizeOf(item);
    if (portion.length < MOST && characters < MOST_CHARACTERS) continue;
    yield portion;
    portion = [];
    characters = 0;
  }
  if (portion.length > 0) yield portion;
}
