import { indexRow } from "../../index-batch.js";
import type { Interaction } from "../../interaction.js";

/**
 * A member of the time index: all columns of a record that never change, as words a person can read.
 * `id flags promptHash group user session agentType`, hashes in hex, `-` where there is none; the agent type comes last
 * because it may hold spaces. Equal times order by id.
 */
export function timeEntry(interaction: Interaction): string {
  const { interactionId, agentType } = interaction;
  return timeMember({ interactionId, agentType, ...indexRow(interaction, 0, 0) });
}

/** The member that says this: what was read of the index finds its place there again. */
export function timeMember(entry: Omit<TimeEntry, "timestamp">): string {
  const prompt = hex(entry.promptKeyHigh) + hex(entry.promptKeyLow);
  const hasGroup = entry.groupHigh !== 0 || entry.groupLow !== 0;
  const group = hasGroup ? hex(entry.groupHigh) + hex(entry.groupLow) : "-";
  const user = entry.users === 0 ? "-" : hex(entry.users);
  const session = entry.sessions === 0 ? "-" : hex(entry.sessions);
  return `${entry.interactionId} ${entry.flags} ${prompt} ${group} ${user} ${session} ${entry.agentType}`;
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
  const flags = member.indexOf(" ") + 1;
  const prompt = member.indexOf(" ", flags) + 1;
  const group = member.indexOf(" ", prompt) + 1;
  const user = member.indexOf(" ", group) + 1;
  const session = member.indexOf(" ", user) + 1;
  const agentType = member.indexOf(" ", session) + 1;
  return {
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

const hex = (number: number): string => number.toString(16).padStart(8, "0");
const word = (text: string, at: number): number => (text[at] === "-" ? 0 : Number.parseInt(text.slice(at, at + 8), 16));
