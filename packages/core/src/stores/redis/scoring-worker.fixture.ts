/** A process that follows a Redis store and asks a judge over HTTP, until it is ended. */
import { llmJudge, openStore, scoreInteractions } from "../../index.js";

const [url = "", baseURL = "", leaseMs = "1000"] = process.argv.slice(2);
const end = new AbortController();
process.on("SIGTERM", () => end.abort());
const store = openStore(url);
const rubric = { id: "tiny", task: "The agent answered.", criteria: [{ id: "quality", description: "1: good" }] };
const judge = llmJudge({ model: "m", baseURL, rubric, cache: false });
const report = await scoreInteractions(store, judge, {
  follow: true,
  concurrency: 4,
  leaseMs: Number(leaseMs),
  signal: end.signal,
});
console.log(JSON.stringify(report));
await store.close();
