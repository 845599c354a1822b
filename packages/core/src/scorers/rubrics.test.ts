import { describe, expect, it } from "vitest";
import { parseRubric, rubrics } from "./rubrics.js";

describe("a rubric from a file", () => {
  it("is taken as it is when it is one", () => {
    expect(parseRubric(JSON.parse(JSON.stringify(rubrics.math)))).toEqual(rubrics.math);
  });

  it.each([
    [null, "the rubric's value is missing or wrong: its type has to be object"],
    [{ task: "t", criteria: [] }, "the rubric's id is missing or wrong: its type has to be string"],
    [{ id: "a", task: "t", criteria: [{ id: 1 }] }, "the rubric's criteria.0.id is missing or wrong"],
    [{ id: "a", task: "t", criteria: [{ id: "x", description: "d", weight: "2" }] }, "criteria.0.weight is missing"],
  ])("tells what is wrong with %j", (given, message) => {
    expect(() => parseRubric(given)).toThrow(message);
  });
});
