import { WhetstoneError } from "@whetstone/core";
import { HTTPException } from "hono/http-exception";
import { type Problem, RequestProblem } from "./problem.js";

/**
 * The problem that an error is for a client. An error's own message may name paths and hosts, so of what is not the
 * request's fault the answer carries the code and a fixed sentence; `onError` is told the rest.
 */
export function problemOf(error: unknown, onError: (error: unknown) => void): Problem {
  if (error instanceof RequestProblem) return error.problem;
  if (error instanceof HTTPException && error.status < 500) {
    return { status: 400, code: "REQUEST_INVALID", detail: "The request cannot be read." };
  }
  onError(error);
  if (WhetstoneError.isInstance(error)) {
    if (error.code.startsWith("STORE_")) {
      return { status: 503, code: error.code, detail: "The store did not answer. Look at GET /health and try again." };
    }
    if (error.code === "CONFIG_INVALID") {
      return { status: 400, code: error.code, detail: "A value in the request is not one that this path takes." };
    }
    return { status: 500, code: error.code, detail: "Something went wrong inside. The server's log has the details." };
  }
  return { status: 500, code: "INTERNAL", detail: "Something went wrong inside. The server's log has the details." };
}
