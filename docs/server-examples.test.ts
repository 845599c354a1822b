import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CodeBlock, codeBlocks } from "./code-block.js";
import { openReaderProject } from "./reader-project.js";

const page = fileURLToPath(new URL("server.md", import.meta.url));
const blocks = codeBlocks("docs/server.md", readFileSync(page, "utf8"));
const isExample = ({ language, flags }: CodeBlock) => language === "sh" && flags.includes("curl");

/** Each example with the answer that the page shows under it, where it does. */
const examples = blocks.flatMap((block, i) => {
  const next = blocks[i + 1];
  return isExample(block)
    ? [{ block, shown: next && ["json", "text"].includes(next.language) ? next : undefined }]
    : [];
});

const { folder, bin } = openReaderProject();
let server: ChildProcess;
let url = "";

// One server for the whole page: what an example records, the next one finds.
beforeAll(async () => {
  server = spawn(join(bin, "whetstone"), ["serve", "--port", "0", "--json"], {
    cwd: folder,
    env: { PATH: `${bin}:${process.env.PATH}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  url = await new Promise<string>((resolve, reject) => {
    server.stdout?.once("data", (line: Buffer) => resolve((JSON.parse(line.toString()) as { url: string }).url));
    server.once("exit", (code) => reject(new Error(`whetstone serve ended with ${code}`)));
  });
});
afterAll(async () => {
  server.kill("SIGTERM");
  await new Promise((resolve) => server.once("exit", resolve));
  rmSync(folder, { recursive: true, force: true });
});

describe("docs/server.md", () => {
  // The first block says where the server is and which token it takes; the others go on from there.
  const [preamble, ...asking] = examples;

  it.each(asking.map((example) => [example.block.line, example] as const))(
    "line %i",
    async (_line, { block, shown }) => {
      const setUp = (preamble?.block.code ?? "").replace("http://127.0.0.1:8000", url);
      const { stdout } = await promisify(execFile)("bash", ["--norc", "-euo", "pipefail", "-c", setUp + block.code], {
        cwd: folder,
        env: { PATH: process.env.PATH },
      });
      if (shown?.language === "json") expectLike(JSON.parse(stdout), JSON.parse(shown.code), "");
      if (shown?.language === "text") expect(eventsOf(stdout)).toEqual(eventsOf(shown.code));
      if (!shown)
        expect(
          readFileSync(join(folder, "sft.jsonl"), "utf8")
            .trimEnd()
            .split("\n")
            .map((row) => JSON.parse(row)),
        ).toHaveLength(1);
    },
  );

  it("asks every path that there is", async () => {
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
      paths: Readonly<Record<string, object>>;
    };
    const code = blocks.map((block) => block.code).join("\n");
    const missing = Object.keys(paths)
      .map((path) => path.replace("{interaction_id}", "support-1"))
      .filter((path) => !code.includes(path));
    // The builds differ in their fields only; the page has an example of two.
    expect(missing.filter((path) => !/dataset\/(?:grpo|grpo-online|kto|reward)$/.test(path))).toEqual([]);
  });
});

const NEVER_THE_SAME = new Set(["timestamp", "at", "bytes", "message"]);

/** What the page shows stands in the answer; times and what is cut short with … are only there. */
function expectLike(actual: unknown, shown: unknown, path: string): void {
  if (shown === "…" || NEVER_THE_SAME.has(path.split(".").at(-1) ?? "")) {
    expect(actual, path).toBeDefined();
    return;
  }
  if (typeof shown !== "object" || shown === null) {
    expect(actual, path).toEqual(shown);
    return;
  }
  expect(actual, path).toBeTypeOf("object");
  for (const [name, value] of Object.entries(shown)) {
    expectLike((actual as Record<string, unknown>)[name], value, `${path}.${name}`);
  }
}

function eventsOf(text: string): readonly string[] {
  return [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name ?? "");
}
