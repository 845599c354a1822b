import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Annotation, fileStore, type Interaction } from "@whetstone/core";
import { describe, expect, it } from "vitest";
import { ExitCode } from "../exit-code.js";
import { chromiumPath, openBrowser } from "../testing/browser.js";
import { interaction, recorded } from "../testing/recorded-store.js";
import { NOW, runInProcess, runJson } from "../testing/run-in-process.js";
import { temporaryFolder } from "../testing/temporary-folder.js";

const DAY = 86_400_000;

/** Text that would do something wherever it is taken for more than text. */
const HOSTILE =
  `</title></style></svg><script>document.title="pwned"</script><img src=x onerror='document.title="pwned"'>` +
  `<link rel=stylesheet href=http://127.0.0.1:9/x.css>" onload="document.title='pwned'" x='&lt;` +
  "\u001b]0;pwned\u0007\u202egnp.exe\u0000]]>";

async function annotated(cwd: string, ...annotations: readonly Annotation[]): Promise<void> {
  const store = fileStore(join(cwd, ".whetstone"));
  await store.annotate(annotations);
  await store.close();
}

/** Ten days of two agents and two variants, scored by a verifier, a judge and a person. */
async function tenDays(): Promise<string> {
  const cwd = temporaryFolder();
  const interactions: Interaction[] = [];
  const annotations: Annotation[] = [];
  for (let i = 0; i < 80; i++) {
    const interactionId = `i${i}`;
    const timestamp = NOW - (i % 10) * DAY;
    const variant = i % 2 === 0 ? "base" : "dpo";
    const overall = i % 2 === 0 ? 0.25 : 0.875;
    interactions.push(
      interaction({ interactionId, timestamp, agentType: i % 4 < 2 ? "math" : "code", variant, query: `q${i >> 2}` }),
    );
    const score = { interactionId, kind: "score", at: NOW, scores: { overall } } as const;
    if (i % 8 < 4) annotations.push({ ...score, source: "verifier:math", rationale: `because ${i}` });
    else if (i % 8 < 7) annotations.push({ ...score, source: "judge:m@r" });
  }
  annotations.push({
    interactionId: "i0",
    kind: "feedback",
    source: "human:ada",
    at: NOW,
    feedback: { type: "rating", value: 0.125 },
  });
  await recorded(cwd, ...interactions);
  await annotated(cwd, ...annotations);
  return cwd;
}

describe("the file", () => {
  it("is whole, named, and told in JSON", async () => {
    const cwd = await tenDays();
    const told = await runJson(["report"], { cwd });
    const page = readFileSync(join(cwd, "whetstone-report.html"), "utf8");
    expect(told).toEqual({
      path: join(cwd, "whetstone-report.html"),
      bytes: Buffer.byteLength(page),
      interactions: 80,
    });
    expect(page).toMatch(/^<!doctype html>[\s\S]+<\/html>\n$/);
    expect(readdirSync(cwd).sort()).toEqual([".whetstone", "whetstone-report.html"]);
  });

  it("is replaced only when told to", async () => {
    const cwd = await tenDays();
    writeFileSync(join(cwd, "mine.html"), "mine");
    const refused = await runInProcess(["report", "--out", "mine.html"], { cwd });
    expect(refused).toEqual({
      exitCode: ExitCode.failed,
      stdout: "",
      stderr: `whetstone: ${join(cwd, "mine.html")} is there already: add --overwrite to replace it, or name another --out\n`,
    });
    expect(readFileSync(join(cwd, "mine.html"), "utf8")).toBe("mine");
    const replaced = await runInProcess(["report", "--out", "mine.html", "--overwrite"], { cwd });
    expect(replaced.stdout).toBe(`a report of 80 interactions is in ${join(cwd, "mine.html")}\n`);
    expect(readFileSync(join(cwd, "mine.html"), "utf8")).toContain("What your agents answered");
  });

  it("is printed with --out -", async () => {
    const run = await runInProcess(["report", "--out", "-"], { cwd: await tenDays() });
    expect(run).toMatchObject({ exitCode: ExitCode.done, stderr: "" });
    expect(run.stdout).toMatch(/^<!doctype html>/);
  });

  it.each([["missing/report.html"], ["folder"]])("cannot be %s, and nothing is left behind", async (out) => {
    const cwd = await tenDays();
    mkdirSync(join(cwd, "folder"));
    const run = await runInProcess(["report", "--out", out, "--overwrite"], { cwd });
    expect(run.exitCode).toBe(ExitCode.failed);
    expect(run.stderr).toMatch(/^whetstone: cannot write .+: it (does not exist|is a folder)\n$/);
    expect(readdirSync(cwd).sort()).toEqual([".whetstone", "folder"]);
  });

  it("is not written when the work is interrupted", async () => {
    const cwd = await tenDays();
    const run = await runInProcess(["report"], { cwd, signal: AbortSignal.abort("SIGINT") });
    expect(run).toEqual({ exitCode: ExitCode.interrupted, stdout: "", stderr: "whetstone: interrupted\n" });
    expect(readdirSync(cwd)).toEqual([".whetstone"]);
  });

  it("says so when there is nothing to tell of", async () => {
    const cwd = await tenDays();
    await runInProcess(["report", "--agent-type", "nobody"], { cwd });
    expect(readFileSync(join(cwd, "whetstone-report.html"), "utf8")).toContain("Nothing recorded yet");
  });

  it("tells of the time and the agents that are named", async () => {
    const cwd = await tenDays();
    expect(await runJson(["report", "--agent-type", "math", "--out", "a.html"], { cwd })).toMatchObject({
      interactions: 40,
    });
    const some = ["report", "--since", "2d", "--until", "1d", "--out", "b.html"];
    expect(await runJson(some, { cwd })).toMatchObject({ interactions: 8 });
  });

  it("holds nobody's words with --no-texts", async () => {
    const cwd = temporaryFolder();
    const told = { query: "my secret question", answer: "my secret answer", reference: "my secret reference" };
    await recorded(cwd, interaction({ ...told, interactionId: "low", qualityScores: { overall: 0.1 } }));
    await annotated(cwd, {
      interactionId: "low",
      kind: "feedback",
      source: "human:ada",
      at: NOW,
      feedback: { type: "comment", value: "my secret comment" },
    });
    await runInProcess(["report", "--out", "all.html"], { cwd });
    await runInProcess(["report", "--out", "none.html", "--no-texts"], { cwd });
    const [all, none] = ["all.html", "none.html"].map((name) => readFileSync(join(cwd, name), "utf8"));
    for (const word of ["question", "answer", "reference", "comment"]) expect(all).toContain(`my secret ${word}`);
    expect(none).not.toContain("secret");
    expect(none).toContain("low");
  });

  it("leaves no stored text unescaped", async () => {
    const cwd = temporaryFolder();
    await recorded(
      cwd,
      interaction({
        interactionId: "bad",
        query: HOSTILE,
        answer: HOSTILE,
        agentType: HOSTILE.slice(0, 200),
        variant: HOSTILE,
        reference: HOSTILE,
        errorOccurred: true,
        errorMessage: HOSTILE,
        qualityScores: { overall: 0 },
      }),
    );
    await annotated(cwd, {
      interactionId: "bad",
      kind: "score",
      source: `judge:${HOSTILE.slice(0, 150)}`,
      at: NOW,
      scores: { overall: 0 },
      rationale: HOSTILE,
    });
    await runInProcess(["report"], { cwd });
    const page = readFileSync(join(cwd, "whetstone-report.html"), "utf8");
    expect(page).not.toMatch(/<script|<img|<link|<iframe| on\w+=["']?document/i);
    expect(page).not.toMatch(/(?![\t\n])[\p{Cc}\p{Bidi_Control}]/u);
    expect(page).toContain("&#60;script&#62;");
  });
});

// Without Chromium these cannot run; where the whole suite runs by itself it has to be there.
describe.skipIf(chromiumPath === undefined && !process.env.CI)("the page in a browser", () => {
  it("shows its charts, in light and dark, wide and narrow, and asks nothing of the network", async () => {
    const cwd = await tenDays();
    await runInProcess(["report"], { cwd });
    const url = pathToFileURL(join(cwd, "whetstone-report.html")).href;
    const browser = await openBrowser();
    const backgrounds = new Set<string>();
    for (const [colorScheme, width] of [
      ["light", 1280],
      ["dark", 1280],
      ["light", 390],
    ] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      const [asked, said]: [string[], string[]] = [[], []];
      page.on("request", (request) => asked.push(request.url()));
      page.on("console", (message) => said.push(message.text()));
      page.on("pageerror", (error) => said.push(String(error)));
      await page.goto(url);
      const charts = await page.getByRole("img").all();
      const names = await Promise.all(charts.map((chart) => chart.getAttribute("aria-label")));
      expect(names).toEqual([
        "Interactions over time, by agent",
        "Mean score over time, by agent",
        "Mean score over time, by variant",
        "Mean score of every agent and variant",
        "How many answers have which score",
        "Whose score decides",
        "How many rows each kind of dataset would have",
      ]);
      for (const chart of charts) {
        const box = await chart.boundingBox();
        expect(box?.width).toBeGreaterThan(250);
        expect(box?.height).toBeGreaterThan(60);
      }
      // Ten days of two agents are twenty parts of bars; two agents and two variants of ten days are forty points.
      expect(await page.locator("#volume ~ figure rect[class^=fill]").count()).toBe(20 + 2);
      expect(await page.locator("#quality ~ .pair path.line").count()).toBe(4);
      expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
      backgrounds.add(String(await page.evaluate("getComputedStyle(document.body).backgroundColor")));
      expect({ asked, said }).toEqual({ asked: [url], said: [] });
      await page.close();
    }
    expect(backgrounds.size).toBe(2);
  });

  it("says in words and tables what the charts show", async () => {
    const cwd = await tenDays();
    await runInProcess(["report"], { cwd });
    const page = await (await openBrowser()).newPage();
    await page.goto(pathToFileURL(join(cwd, "whetstone-report.html")).href);
    expect(await page.locator("header .lead").textContent()).toBe(
      "80 interactions from 23 January 2026 to 1 February 2026. Of the 70 that are scored, 42.9 % are of high quality.",
    );
    const table = page.locator("figure", { hasText: "Agents and variants" }).locator("table");
    await page.locator("figure", { hasText: "Agents and variants" }).locator("summary").click();
    const rows = await Promise.all(
      (await table.locator("tr").all()).map(async (row) =>
        (await row.locator("th, td").allTextContents()).slice(0, 3).join(" "),
      ),
    );
    expect(rows).toEqual(["Agent Variant Mean", "code dpo 0.88", "code base 0.25", "math dpo 0.88", "math base 0.24"]);
    const [first] = await page.locator("article").allInnerTexts();
    expect(first).toContain("0.13 by human:ada");
    expect(first).toContain("math · base · 2026-02-01 12:00");
  });

  it("takes hostile texts for texts", async () => {
    const cwd = temporaryFolder();
    const given = { query: HOSTILE, answer: HOSTILE, variant: HOSTILE, qualityScores: { overall: 0 } };
    await recorded(cwd, interaction({ ...given, agentType: HOSTILE.slice(0, 200) }));
    await runInProcess(["report"], { cwd });
    const page = await (await openBrowser()).newPage();
    const url = pathToFileURL(join(cwd, "whetstone-report.html")).href;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(url);
    expect(await page.title()).toBe("Whetstone report, 1 February 2026");
    expect(await page.locator("script, img, link, iframe, object, embed").count()).toBe(0);
    expect(await page.locator("article dd").first().textContent()).toContain(`<script>document.title="pwned"</script>`);
    expect(asked).toEqual([url]);
  });
});
