import { appendFileSync, closeSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { dayOf } from "../day.js";
import { ConfigError, ScoringError } from "../errors.js";
import type { Usage } from "../interaction.js";

export interface JudgeBudgetOptions {
  /** Input and output together, for one UTC day. */
  readonly tokensPerDay?: number | undefined;
  /** Needs the judge's `price`, or an endpoint that tells what a call cost. */
  readonly usdPerDay?: number | undefined;
  /**
   * Where what was spent is written down, a line a call in `judge-usage-<day>.ndjson`: it survives a restart, and all
   * processes that share the folder share the budget. Left out, the budget is this process's own.
   */
  readonly folder?: string | undefined;
}

/** What judges may spend in a day. One budget may serve several judges. */
export interface JudgeBudget {
  /** Sets aside what a call will take, about. @throws ScoringError SCORING_BUDGET when that is more than what is left */
  reserve(estimate: Usage): Reservation;
  /** What was spent since midnight UTC. */
  spent(): Usage & { readonly costUsd: number };
}

export interface Reservation {
  /** Replaces what was set aside by what the call took; null when it took nothing. */
  settle(usage: Usage | null): void;
}

/**
 * A daily budget for judges. Calls under way count with their estimate, so that no burst runs past it; of several
 * processes each counts only its own such calls. What does not fit throws SCORING_BUDGET, and the run ends there.
 */
export function judgeBudget({ tokensPerDay, usdPerDay, folder }: JudgeBudgetOptions): JudgeBudget {
  checkOptions({ tokensPerDay, usdPerDay });
  const reserved = { tokens: 0, usd: 0 };
  let ledger = openLedger(today(), folder);

  const current = () => {
    if (ledger.day !== today()) ledger = openLedger(today(), folder);
    return ledger;
  };
  const change = (usage: Usage, sign: 1 | -1) => {
    reserved.tokens += sign * (usage.inputTokens + usage.outputTokens);
    reserved.usd += sign * (usage.costUsd ?? 0);
  };

  return {
    reserve(estimate) {
      const { inputTokens, outputTokens, costUsd } = current().spent();
      const tokens = inputTokens + outputTokens + reserved.tokens + estimate.inputTokens + estimate.outputTokens;
      const usd = costUsd + reserved.usd + (estimate.costUsd ?? 0);
      if (tokens > (tokensPerDay ?? Infinity)) throw spentUp(`${tokensPerDay} tokens`);
      // At the very limit nothing more may start, also where the price of the next call is not known.
      if (usd > (usdPerDay ?? Infinity) || (usdPerDay !== undefined && costUsd >= usdPerDay)) {
        throw spentUp(`$${usdPerDay}`);
      }
      change(estimate, 1);
      return {
        settle(usage) {
          change(estimate, -1);
          if (usage) current().add(usage);
        },
      };
    },
    spent: () => current().spent(),
  };
}

interface Ledger {
  readonly day: string;
  add(usage: Usage): void;
  spent(): Usage & { readonly costUsd: number };
}

function openLedger(day: string, folder: string | undefined): Ledger {
  const sum = { inputTokens: 0, outputTokens: 0, costUsd: 0 };
  const count = ({ inputTokens, outputTokens, costUsd = 0 }: Usage) => {
    sum.inputTokens += inputTokens;
    sum.outputTokens += outputTokens;
    sum.costUsd += costUsd;
  };
  if (folder === undefined) return { day, add: count, spent: () => ({ ...sum }) };

  const path = join(folder, `judge-usage-${day}.ndjson`);
  let offset = 0;
  return {
    day,
    add(usage) {
      mkdirSync(folder, { recursive: true });
      // One small write to a file opened for appending lands whole, whoever else writes.
      appendFileSync(path, `${JSON.stringify(usage)}\n`);
    },
    spent() {
      const text = textFrom(path, offset);
      const whole = text.slice(0, text.lastIndexOf("\n") + 1);
      offset += Buffer.byteLength(whole);
      for (const line of whole.split("\n")) {
        const usage = usageIn(line);
        if (usage) count(usage);
      }
      return { ...sum };
    },
  };
}

function textFrom(path: string, offset: number): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
  try {
    const pieces: Buffer[] = [];
    for (let position = offset; ; ) {
      const piece = Buffer.allocUnsafe(65_536);
      const read = readSync(fd, piece, 0, piece.length, position);
      if (read === 0) return Buffer.concat(pieces).toString();
      pieces.push(piece.subarray(0, read));
      position += read;
    }
  } finally {
    closeSync(fd);
  }
}

function usageIn(line: string): Usage | null {
  try {
    const usage = JSON.parse(line) as Usage;
    return Number.isFinite(usage.inputTokens + usage.outputTokens + (usage.costUsd ?? 0)) ? usage : null;
  } catch {
    return null; // the empty text behind the last line feed, or a line that a full disk cut
  }
}

function today(): string {
  return dayOf(Date.now());
}

function spentUp(limit: string): ScoringError {
  return new ScoringError(
    "SCORING_BUDGET",
    `the judge's budget of ${limit} a day is spent: it goes on after midnight UTC, or raise the budget`,
  );
}

function checkOptions(limits: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && !(value > 0)) {
      throw new ConfigError(`${name} is ${value}: use a number above 0, or leave it out`);
    }
  }
  if (Object.values(limits).every((value) => value === undefined)) {
    throw new ConfigError("the budget has no limit: set tokensPerDay or usdPerDay");
  }
}
