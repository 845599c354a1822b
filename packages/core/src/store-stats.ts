import { HIGH_QUALITY } from "./interaction.js";
import type { Filterable } from "./interaction-filter.js";
import { type AgentStats, IndexFlag, type StoreStats } from "./store.js";

/** What is counted of one agent type. Two of them add up, number by number. */
export interface AgentCounts {
  count: number;
  highQuality: number;
  errors: number;
  scored: number;
  /** The sum of the effective overall of those that are scored. */
  overallSum: number;
}

/** Counts rows into a `StoreStats`. */
export interface StatsCounter {
  add(row: Filterable): void;
  /** Adds what was counted before. */
  addCounts(agentType: string, counts: Readonly<AgentCounts>): void;
  counts(): Iterable<readonly [agentType: string, counts: Readonly<AgentCounts>]>;
  result(): StoreStats;
}

export function statsCounter(): StatsCounter {
  const agents = new Map<string, AgentCounts>();
  function countsOf(agentType: string): AgentCounts {
    let counts = agents.get(agentType);
    if (!counts) {
      counts = { count: 0, highQuality: 0, errors: 0, scored: 0, overallSum: 0 };
      agents.set(agentType, counts);
    }
    return counts;
  }
  return {
    add({ agentType, overall, flags }) {
      const agent = countsOf(agentType);
      agent.count += 1;
      if (flags & IndexFlag.error) agent.errors += 1;
      if (Number.isNaN(overall)) return;
      agent.scored += 1;
      agent.overallSum += overall;
      if (overall >= HIGH_QUALITY) agent.highQuality += 1;
    },
    addCounts(agentType, more) {
      const agent = countsOf(agentType);
      agent.count += more.count;
      agent.highQuality += more.highQuality;
      agent.errors += more.errors;
      agent.scored += more.scored;
      agent.overallSum += more.overallSum;
    },
    counts: () => agents,
    result() {
      let [total, high, errors, scored] = [0, 0, 0, 0];
      const agentStats: [string, AgentStats][] = [];
      for (const [name, agent] of [...agents].sort(([a], [b]) => (a < b ? -1 : 1))) {
        total += agent.count;
        high += agent.highQuality;
        errors += agent.errors;
        scored += agent.scored;
        agentStats.push([
          name,
          {
            count: agent.count,
            highQualityCount: agent.highQuality,
            errorCount: agent.errors,
            averageQuality: agent.scored === 0 ? null : agent.overallSum / agent.scored,
          },
        ]);
      }
      return {
        totalInteractions: total,
        highQualityCount: high,
        errorCount: errors,
        unscoredCount: total - scored,
        highQualityRate: total === 0 ? 0 : high / total,
        errorRate: total === 0 ? 0 : errors / total,
        // fromEntries defines own properties, so an agent called __proto__ stays a plain key.
        agentStats: Object.fromEntries(agentStats),
      };
    },
  };
}
