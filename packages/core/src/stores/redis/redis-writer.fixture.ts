/** A process that logs to a Redis store and scores what it logged, then says how much it did. */
import { openStore } from "../../open-store.js";
import { interaction } from "../../testing/interaction.js";

const [url = "", name = "", count = "0"] = process.argv.slice(2);
const store = openStore(url);
const DAY = Date.UTC(2026, 2, 1);
const done = { stored: 0, scored: 0, high: 0, errors: 0, sum: 0 };

for (let n = 0; n < Number(count); n += 20) {
  // Every tenth id is one that all processes try to store: only one of them may succeed.
  const records = Array.from({ length: 20 }, (_, i) => {
    const timestamp = DAY + ((n + i) % 3) * 7_200_000 + n + i;
    const errorOccurred = (n + i) % 7 === 0;
    return (n + i) % 10 === 0
      ? interaction({ interactionId: `shared-${n + i}`, timestamp, errorOccurred, agentType: "shared" })
      : interaction({ timestamp, errorOccurred, agentType: name });
  });
  const statuses = await store.append(records);
  done.stored += statuses.filter((status) => status === "stored").length;
  const own = records.filter(({ agentType }) => agentType === name);
  done.errors += own.filter(({ errorOccurred }) => errorOccurred).length;
  const scores = own.map(({ interactionId }, i) => ({
    interactionId,
    kind: "score" as const,
    source: "verifier:math",
    at: n + i,
    scores: { overall: ((n + i) % 5) / 4 },
  }));
  await store.annotate(scores);
  // What was sent twice must not count twice.
  await Promise.all([store.append(records.slice(0, 5)), store.annotate(scores.slice(0, 5))]);
  if (n % 100 === 0) await store.stats();
  done.scored += scores.length;
  done.high += scores.filter(({ scores: { overall } }) => overall >= 0.8).length;
  done.sum += scores.reduce((sum, { scores: { overall } }) => sum + overall, 0);
}
await store.close();
process.stdout.write(JSON.stringify(done));
