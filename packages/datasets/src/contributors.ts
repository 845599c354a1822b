/** How much of a dataset may come from one person and from one conversation. */
export interface ContributorCaps {
  /**
   * At most so many interactions of one user stand in rows, and the later ones are left out. Default 1,000, so that no
   * script or enthusiast drowns the others; Infinity lifts it. Interactions without a user are not capped.
   */
  readonly maxPerUser?: number | undefined;
  /** The same for one session. Default 100. */
  readonly maxPerSession?: number | undefined;
}

/** Which cap keeps an interaction out. */
export type CapDrop = "overUserCap" | "overSessionCap";

/** Somebody whose interactions stand in many rows, by pseudonym. */
export interface TopContributor {
  readonly userId: string;
  readonly interactions: number;
}

/** Holds the caps. Users and sessions are the 32-bit hashes of the index, 0 for none. */
export interface Contributors {
  /** The cap that is reached; null when there is room. */
  fullOf(user: number, session: number): CapDrop | null;
  /** Counts an interaction that stands in a row; `by` -1 takes it back. */
  count(user: number, session: number, by?: 1 | -1): void;
  /** Says whose an interaction is that stands in a row, for `top`. */
  name(user: number, userId: string | undefined): void;
  /** Who stands in most rows, at most five. */
  top(): readonly TopContributor[];
}

export function contributors({ maxPerUser = Infinity, maxPerSession = Infinity }: ContributorCaps): Contributors {
  const [users, sessions] = [hashCounts(), hashCounts()];
  const leaders = new Map<string, number>();
  const top = () => topContributors([...leaders].map(([userId, user]) => ({ userId, interactions: users.of(user) })));
  let leastOfLeaders = 0;
  return {
    fullOf(user, session) {
      if (user !== 0 && users.of(user) >= maxPerUser) return "overUserCap";
      return session !== 0 && sessions.of(session) >= maxPerSession ? "overSessionCap" : null;
    },
    count(user, session, by = 1) {
      if (user !== 0) users.add(user, by);
      if (session !== 0) sessions.add(session, by);
    },
    name(user, userId) {
      if (userId === undefined || leaders.has(userId) || users.of(user) <= leastOfLeaders) return;
      leaders.set(userId, user);
      if (leaders.size <= LEADERS) return;
      const stay = top();
      for (const leader of leaders.keys()) if (!stay.some((one) => one.userId === leader)) leaders.delete(leader);
      leastOfLeaders = stay.at(-1)?.interactions ?? 0;
    },
    top,
  };
}

const LEADERS = 5;

/** Those with the most interactions, at most five. */
export function topContributors(all: readonly TopContributor[]): readonly TopContributor[] {
  const ranked = all.toSorted((a, b) => b.interactions - a.interactions || (a.userId < b.userId ? -1 : 1));
  return ranked.slice(0, LEADERS);
}

/** Counts by 32-bit key other than 0, in 11 to 22 bytes a key. */
function hashCounts() {
  let keys = new Uint32Array(1024);
  let counts = new Uint32Array(1024);
  let size = 0;

  const slotOf = (key: number): number => {
    const mask = keys.length - 1;
    const hash = Math.imul(key, 0x9e3779b1);
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (keys[slot] !== 0 && keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  };

  const grow = (): void => {
    const [oldKeys, oldCounts] = [keys, counts];
    keys = new Uint32Array(oldKeys.length * 2);
    counts = new Uint32Array(oldKeys.length * 2);
    for (const [i, key] of oldKeys.entries()) {
      if (key === 0) continue;
      const slot = slotOf(key);
      keys[slot] = key;
      counts[slot] = oldCounts[i] as number;
    }
  };

  return {
    of: (key: number): number => counts[slotOf(key)] as number,
    add(key: number, by: number): void {
      if ((size + 1) * 4 > keys.length * 3) grow();
      const slot = slotOf(key);
      if (keys[slot] === 0) size += 1;
      keys[slot] = key;
      counts[slot] = (counts[slot] as number) + by;
    },
  };
}
