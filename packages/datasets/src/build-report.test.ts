import { expect, it } from "vitest";
import { describeReport, tally } from "./build-report.js";

const books = (considered: number, rows: number, prompts: number | null) =>
  Object.assign(tally(prompts === null ? "sft" : "dpo"), { considered, rows, prompts });

it("counts one of a thing in the singular", () => {
  const one = books(1, 1, null);
  one.drop("error");
  expect(describeReport(one.report())).toBe("1 sft row from 1 interaction; left out: 1 ended in an error");
  const pair = books(1, 0, 1);
  pair.drop("singleAnswer");
  expect(describeReport(pair.report())).toBe("0 dpo rows from 1 interaction; of 1 prompt: 1 with a single answer");
});

it("counts several in the plural", () => {
  const several = books(2, 0, 2);
  several.drop("notPlainText", 2);
  several.drop("zeroVariance", 2);
  expect(describeReport(several.report())).toBe(
    "0 dpo rows from 2 interactions; left out: 2 that only message lists can hold; of 2 prompts: 2 with equal scores only",
  );
});

it("says of one repeated answer what it says of many", () => {
  const repeated = books(2, 1, null);
  repeated.drop("duplicateAnswer");
  expect(describeReport(repeated.report())).toContain("left out: 1 with a repeated answer to the same prompt");
});
