// Writes records of two users in turn for about a second, then says how many.
import { setTimeout as sleep } from "node:timers/promises";
import { fileStore } from "../stores/file-store.js";
import { interaction } from "../testing/interaction.js";

const store = fileStore(process.argv[2] ?? "");
const until = performance.now() + 1_200;
let written = 0;
console.log("writing");
while (performance.now() < until) {
  await store.append(
    Array.from({ length: 10 }, (_, i) => {
      const [query, userId] = i % 2 === 0 ? ["my-mother-is-ill", "ada"] : [`hello ${written + i}`, "bob"];
      return interaction({ query, userId, timestamp: Date.UTC(2026, 2, 1) + written + i });
    }),
  );
  written += 10;
  await sleep(1);
}
await store.close();
console.log(`written ${written}`);
