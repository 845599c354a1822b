import { hex, word } from "../../hex-words.js";
import { indexRow } from "../../index-batch.js";
import type { Interaction } from "../../interaction.js";

/**
 * A member of the time index: all columns of a record that never change, as words a person can read.
 * `id flags promptHash group user session agentType`, hashes in hex, `-` where there is none; the agent type comes last
 * because it may hold spaces. Equal times order by id.
 */
export function timeEntry(interaction: Interaction): string {
  return memberOf(interaction, indexRow(interaction, 0, 0));
}

/** The member that says this: what was read of the index finds its place there again. */
export function timeMember(entry: TimeEntry): string {
  return memberOf(entry, entry);
}

function memberOf({ interactionId, agentType }: Pick<TimeEntry, "interactionId" | "agentType">, row: Columns): string {
  const prompt = hex(row.promptKeyHigh) + hex(row.promptKeyLow);
  const hasGroup = row.groupHigh !== 0 || row.groupLow !== 0;
  const group = hasGroup ? hex(row.groupHigh) + hex(row.groupLow) : "-";
  const user = row.users === 0 ? "-" : hex(row.users);
  const session = row.sessions === 0 ? "-" : hex(row.sessions);
  return `${interactionId} ${row.flags} ${prompt} ${group} ${user} ${session} ${agentType}`;
}

type Columns = Omit<TimeEntry, "interactionId" | "agentType" | "timestamp">;

/** What a member of the time index says. */
export interface TimeEntry {
  readonly interactionId: string;
  readonly timestamp: number;
  readonly agentType: string;
  /** The `IndexFlag`s that the record alone decides. */
  readonly flags: number;
  readonly promptKeyHigh: number;
  readonly promptKeyLow: number;
  readonly groupHigh: number;
  readonly groupLow: number;
  readonly users: number;
  readonly sessions: number;
}

/** Reads a member, and makes room for what else is to be known of its record. One object: a scan makes millions of them. */
export function parseTimeEntry<T>(member: string, timestamp: number, bucket: T) {
  const flags = member.indexOf(" ") + 1;
  const prompt = member.indexOf(" ", flags) + 1;
  const group = member.indexOf(" ", prompt) + 1;
  const user = member.indexOf(" ", group) + 1;
  const session = member.indexOf(" ", user) + 1;
  const agentType = member.indexOf(" ", session) + 1;
  return {
    bucket,
    overall: Number.NaN,
    interactionId: member.slice(0, flags - 1),
    timestamp,
    agentType: member.slice(agentType),
    flags: Number(member.slice(flags, prompt - 1)),
    promptKeyHigh: word(member, prompt),
    promptKeyLow: word(member, prompt + 8),
    groupHigh: word(member, group),
    groupLow: member[group] === "-" ? 0 : word(member, group + 8),
    users: word(member, user),
    sessions: word(member, session),
  };
}
