import { LAST_TIME } from "./day.js";
import { ConfigError } from "./errors.js";
import { IndexFlag, type InteractionFilter, type QueryOptions } from "./store.js";

/** What a filter looks at. NaN `overall` is unscored; `flags` is a sum of `IndexFlag`. */
export interface Filterable {
  readonly timestamp: number;
  readonly overall: number;
  readonly agentType: string;
  readonly flags: number;
}

/** Turns a filter into a test, after checking it. @throws ConfigError naming the option that is wrong */
export function interactionFilter(filter: InteractionFilter = {}): (row: Filterable) => boolean {
  checkFilter(filter);
  const { startTime = -Infinity, endTime = Infinity, agentTypes, minQuality, scored, errors = "include" } = filter;
  const agents = agentTypes && new Set(agentTypes);
  return (row) => {
    if (row.timestamp < startTime || row.timestamp >= endTime) return false;
    if (agents && !agents.has(row.agentType)) return false;
    // Written so that NaN, the unscored, never passes.
    if (minQuality !== undefined && !(row.overall >= minQuality)) return false;
    if (scored !== undefined && scored === Number.isNaN(row.overall)) return false;
    const failed = (row.flags & IndexFlag.error) !== 0;
    return errors === "include" || failed === (errors === "only");
  };
}

/** Reads a cursor of `cursorAfter`. @throws ConfigError when it is none */
export function parseCursor(cursor: string): { readonly timestamp: number; readonly interactionId: string } {
  const match = /^(\d+) (\S+)$/.exec(Buffer.from(cursor, "base64url").toString());
  if (!match || Number(match[1]) > LAST_TIME)
    throw new ConfigError(`cursor "${cursor}" is not one: pass the cursor of an earlier answer unchanged`);
  return { timestamp: Number(match[1]), interactionId: match[2] as string };
}

/** Checks what `query` adds to a filter. */
export function checkQuery({ limit, order, cursor }: QueryOptions): void {
  if (limit !== undefined && !(typeof limit === "number" && limit >= 0)) {
    throw new ConfigError(`limit is ${limit}: use a number from 0 on, or leave it out`);
  }
  if (order !== undefined && order !== "asc" && order !== "desc") {
    throw new ConfigError(`order is "${order}": use "asc" or "desc"`);
  }
  if (cursor !== undefined) parseCursor(cursor);
}

function checkFilter({ startTime, endTime, agentTypes, minQuality, errors }: InteractionFilter): void {
  for (const [name, value] of Object.entries({ startTime, endTime })) {
    if (value !== undefined && (typeof value !== "number" || Number.isNaN(value))) {
      throw new ConfigError(`${name} is ${JSON.stringify(value)}: use epoch milliseconds`);
    }
  }
  if (minQuality !== undefined && !(minQuality >= 0 && minQuality <= 1)) {
    throw new ConfigError(`minQuality is ${minQuality}: use a number from 0 to 1`);
  }
  if (
    agentTypes &&
    (!Array.isArray(agentTypes) || agentTypes.length === 0 || agentTypes.some((name) => typeof name !== "string"))
  ) {
    throw new ConfigError("agentTypes must be a list of at least one agent type; leave it out for all");
  }
  if (errors !== undefined && errors !== "include" && errors !== "exclude" && errors !== "only") {
    throw new ConfigError(`errors is "${errors}": use "include", "exclude" or "only"`);
  }
}
