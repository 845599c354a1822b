import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { attackedServer } from "../testing/attacked-server.js";
import { API } from "../testing/server-fixture.js";
import { problemCode } from "./problem-answer.js";

it("runs two of 50 builds and sends the others away, whatever they ask for", async () => {
  const { dataRoot, send, cost, printed } = await attackedServer({ prompts: 2_000, pauseMs: 100 });
  const kinds = ["sft", "dpo", "grpo"];
  const asks = Array.from({ length: 50 }, (_, i) => {
    const save = i % 2 === 0 ? { save_to_file: `flood-${i}.jsonl` } : {};
    const headers = i % 5 === 0 ? { accept: "text/event-stream" } : {};
    return send("POST", `${API}/dataset/${kinds[i % 3]}`, { body: JSON.stringify(save), headers });
  });
  // Reading goes on meanwhile.
  expect((await send("GET", `${API}/stats`)).status).toBe(200);
  const answers = await Promise.all(asks);
  const refused = answers.filter(({ status }) => status !== 200);
  console.info(`50 builds: ${50 - refused.length} run, ${refused.length} sent away`);
  expect(answers.length - refused.length).toBe(2);
  for (const answer of refused) {
    expect(problemCode(answer, 429)).toBe("TOO_MANY_BUILDS");
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  }
  expect(readdirSync(dataRoot).filter((name) => !name.endsWith(".jsonl") || name.startsWith("."))).toEqual([]);
  expect((await send("POST", `${API}/dataset/sft`, { body: "{}" })).status).toBe(200);
  expect(printed()).toBe("");
  expect((await cost("50 builds at once")).grownMb).toBeLessThan(150);
});
