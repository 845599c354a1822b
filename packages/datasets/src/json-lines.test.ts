import { execFileSync } from "node:child_process";
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { pythonLines, rowLine } from "./json-lines.js";

it("keeps a decimal point on scores, so that a column of them is never one of integers", () => {
  const row = {
    responses: [{ text: "4", reward: 1 }],
    metadata: { quality_score: 0, latency_ms: 12, latencies_ms: [1, 0.5], group_size: 4, tiny: null },
  };
  expect(rowLine(row)).toBe(
    '{"responses":[{"text":"4","reward":1.0}],"metadata":{"quality_score":0.0,"latency_ms":12.0,"latencies_ms":[1.0,0.5],"group_size":4,"tiny":null}}',
  );
});

it("replaces half a surrogate pair, and leaves whole ones and quoted escapes alone", () => {
  const prompt = ["lone \ud83d end", "pair \ud83d\ude00", "quoted \\ud83d"];
  expect(JSON.parse(written({ prompt }))).toEqual({ prompt: ["lone \ufffd end", "pair \u{1f600}", "quoted \\ud83d"] });
});

it("refuses a score that JSON cannot hold", () => {
  expect(() => rowLine({ metadata: { quality_score: Number.NaN } })).toThrow(/quality_score is NaN/);
});

it("writes rows that Python reads as the same rows, one a line for splitlines", () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom(...'\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\ud83d"\\'), fc.string({ unit: "binary" })),
  });
  const row = fc.record({
    prompt: fc.array(fc.record({ role: fc.constantFrom("user", "system"), content: text })),
    tools: fc.constant(null),
    metadata: fc.record({ interaction_id: text, quality_score: fc.double({ min: 0, max: 1, noNaN: true }) }),
  });
  const rows = fc.sample(row, 500);
  const input = `${rows.map(written).join("\n")}\n`;
  const script =
    "import json,sys\nlines=sys.stdin.buffer.read().decode('utf-8').splitlines()\n" +
    "rows=[json.loads(l) for l in lines]\n" +
    "assert all(isinstance(r['metadata']['quality_score'], float) for r in rows)\n" +
    "[json.dumps(r, ensure_ascii=False).encode('utf-8') for r in rows]\n" +
    "print(json.dumps(rows))";
  const seen = JSON.parse(execFileSync("python3", ["-c", script], { input, encoding: "utf8", maxBuffer: 64 << 20 }));
  expect(seen).toEqual(JSON.parse(JSON.stringify(rows), (_, value) => wellFormed(value)));
});

const written = (row: object) => pythonLines(Buffer.from(rowLine(row))).toString();

const wellFormed = (value: unknown) =>
  typeof value === "string" ? value.replace(/\p{Surrogate}/gu, "\ufffd") : Object.is(value, -0) ? 0 : value;
