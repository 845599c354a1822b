import { HIGH_QUALITY } from "./interaction.js";
import type { Filterable } from "./interaction-filter.js";
import { type AgentStats, IndexFlag, type StoreStats } from "./store.js";

/** Counts rows into a `StoreStats`. */
export function statsCounter(): { add(row: Filterable): void; result(): StoreStats } {
  const agents = new Map<string, { count: number; high: number; errors: number; scored: number; sum: number }>();
  return {
    add({ agentType, overall, flags }) {
      let agent = agents.get(agentType);
      if (!agent) {
        agent = { count: 0, high: 0, errors: 0, scored: 0, sum: 0 };
        agents.set(agentType, agent);
      }
      agent.count += 1;
      if (flags & IndexFlag.error) agent.errors += 1;
      if (Number.isNaN(overall)) return;
      agent.scored += 1;
      agent.sum += overall;
      if (overall >= HIGH_QUALITY) agent.high += 1;
    },
    result() {
      let [total, high, errors, scored] = [0, 0, 0, 0];
      const agentStats: [string, AgentStats][] = [];
      for (const [name, agent] of [...agents].sort(([a], [b]) => (a < b ? -1 : 1))) {
        total += agent.count;
        high += agent.high;
        errors += agent.errors;
        scored += agent.scored;
        agentStats.push([
          name,
          {
            count: agent.count,
            highQualityCount: agent.high,
            errorCount: agent.errors,
            averageQuality: agent.scored === 0 ? null : agent.sum / agent.scored,
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
