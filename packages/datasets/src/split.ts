import { type ChatMessage, DatasetError, promptKey } from "@whetstone/core";
import { similarTexts } from "./similar-texts.js";
import { mixed } from "./words.js";

/**
 * Decides which rows are for the test. Rows whose conversations open alike (the first user turn) and rows of one group
 * form a cluster, and a cluster stands on one side. The side is a hash of its least key, so that a prompt without a
 * near-duplicate stands on the same side in every dataset built with this share, now and later.
 */
export interface Split {
  /** Takes a row in. Rows are told apart by the order in which they come. */
  add(row: object): void;
  /** Whether the row of this place belongs to the test part. Asked once all rows are known. */
  isTest(place: number): boolean;
}

export function clusterSplit(testShare: number): Split {
  const openings = similarTexts();
  const groups = new Map<string, number>();
  let textOfRow = new Uint32Array(1024);
  let keys = new Uint32Array(1024);
  let rows = 0;
  let leastKeys: Uint32Array | null = null;

  const keep = (text: number, key: number): void => {
    if (text >= keys.length) keys = grown(keys, text + 1, LAST_KEY);
    keys[text] = Math.min(keys[text] as number, key);
  };
  keys.fill(LAST_KEY);

  return {
    add(row) {
      const { texts, key, groupId } = situationOf(row);
      const [first = 0, ...others] = texts.map((text) => openings.add(text));
      for (const other of others) openings.join(first, other);
      if (groupId !== null) {
        const earlier = groups.get(groupId);
        if (earlier === undefined) groups.set(groupId, first);
        else openings.join(earlier, first);
      }
      keep(first, key);
      if (rows === textOfRow.length) textOfRow = grown(textOfRow, rows + 1, 0);
      textOfRow[rows] = first;
      rows += 1;
    },
    isTest(place) {
      leastKeys ??= leastByCluster(openings.length, openings.clusterOf, keys);
      const least = leastKeys[openings.clusterOf(textOfRow[place] as number)] as number;
      return mixed(least) / 2 ** 32 < testShare;
    },
  };
}

const LAST_KEY = 0xffffffff;

function leastByCluster(length: number, clusterOf: (text: number) => number, keys: Uint32Array): Uint32Array {
  const least = new Uint32Array(length).fill(LAST_KEY);
  for (let text = 0; text < length; text++) {
    const cluster = clusterOf(text);
    least[cluster] = Math.min(least[cluster] as number, keys[text] ?? LAST_KEY);
  }
  return least;
}

/** What decides where a row stands: the texts that open its conversations, a key, and the task it is an attempt at. */
function situationOf(row: object): { texts: readonly string[]; key: number; groupId: string | null } {
  const { prompt, messages, responses, metadata } = row as Readonly<Record<string, unknown>>;
  const turns = messages ?? prompt;
  if (typeof turns !== "string" && !Array.isArray(turns)) {
    throw new DatasetError("DATASET_INVALID_ROW", "testShare needs rows with a prompt or messages to split by");
  }
  const opening = typeof turns === "string" ? { query: turns } : openingOf(turns as ChatMessage[]);
  const texts = [opening.query, ...(opening.query === "" ? openingsOf(responses) : [])].filter((text) => text !== "");
  const groupId = (metadata as { group_id?: unknown } | null | undefined)?.group_id;
  const isGrouped = typeof groupId === "string";
  const key = promptKey({ agentType: isGrouped ? groupId : "", ...(isGrouped ? { query: "" } : opening) });
  // A group's key is less than any other, so that its side does not depend on who else is in the cluster.
  const upperBit = isGrouped ? 0 : 0x80000000;
  return {
    texts: texts.length > 0 ? texts : [JSON.stringify(turns)],
    key: (Number.parseInt(key.slice(0, 8), 16) >>> 1) + upperBit,
    groupId: isGrouped ? groupId : null,
  };
}

function openingOf(turns: readonly ChatMessage[]): { query: string; messages: ChatMessage[] } {
  const asked = turns.findIndex((turn) => turn.role === "user");
  return { query: turns[asked]?.content ?? "", messages: turns.slice(0, asked + 1) };
}

/** The openings of the answers of a group whose common prompt has none. */
function openingsOf(responses: unknown): readonly string[] {
  if (!Array.isArray(responses)) return [];
  return responses.map(({ messages }: { messages?: ChatMessage[] }) => openingOf(messages ?? []).query);
}

function grown(column: Uint32Array<ArrayBuffer>, needed: number, free: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(needed, column.length * 2)).fill(free);
  larger.set(column);
  return larger;
}
