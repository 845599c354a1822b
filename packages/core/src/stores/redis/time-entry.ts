import { indexRow } from "../../index-batch.js";
import type { Interaction } from "../../interaction.js";

/**
 * A member of the time index: all columns of a record that never change, as words a person can read.
 * `id flags promptHash group user session agentType`, hashes in hex, `-` where there is none; the agent type comes last
 * because it may hold spaces. Equal times order by id.
 */
export function timeEntry(interaction: Interaction): string {
  const row = indexRow(interaction, 0, 0);
  const prompt = hex(row.promptKeyHigh) + hex(row.promptKeyLow);
  const group = interaction.groupId === undefined ? "-" : hex(row.groupHigh) + hex(row.groupLow);
  const user = row.users === 0 ? "-" : hex(row.users);
  const session = row.sessions === 0 ? "-" : hex(row.sessions);
  return `${interaction.interactionId} ${row.flags} ${prompt} ${group} ${user} ${session} ${interaction.agentType}`;
}

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

export function parseTimeEntry(member: string, timestamp: number): TimeEntry {
  const [interactionId = "", flags = "0", prompt = "", group = "", user = "", session = ""] = member.split(" ", 6);
  const words = interactionId.length + flags.length + prompt.length + group.length + user.length + session.length + 6;
  return {
    interactionId,
    timestamp,
    agentType: member.slice(words),
    flags: Number(flags),
    promptKeyHigh: word(prompt, 0),
    promptKeyLow: word(prompt, 8),
    groupHigh: word(group, 0),
    groupLow: word(group, 8),
    users: word(user, 0),
    sessions: word(session, 0),
  };
}

const hex = (number: number): string => number.toString(16).padStart(8, "0");
const word = (text: string, at: number): number => (text.length < 8 ? 0 : Number.parseInt(text.slice(at, at + 8), 16));
