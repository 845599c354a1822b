import { expect } from "vitest";
import type { Answer } from "../testing/attacked-server.js";

/** Expects problem JSON of a status, and gives its code. */
export function problemCode({ status, headers, text }: Answer, expected: number, what = ""): string {
  expect(`${what} ${status} ${headers["content-type"]}`).toBe(`${what} ${expected} application/problem+json`);
  const problem = JSON.parse(text) as { status: number; code: string; detail: string };
  expect(problem).toMatchObject({ type: "about:blank", status: expected, code: expect.any(String) });
  expect(text).not.toMatch(/\/tmp\/|\/home\/|\/proc\/|node_modules|\bat .*:\d+:\d+|wst_/);
  return problem.code;
}
