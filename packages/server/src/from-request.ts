import { ConfigError } from "@whetstone/core";
import { RequestProblem } from "./problem.js";

/**
 * Does what takes its options from the request. What it then says about a wrong one is for the client to read: such a
 * message names the request's own value and the remedy, and nothing of this machine.
 */
export async function fromRequest<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!ConfigError.isInstance(error)) throw error;
    throw new RequestProblem({ status: 400, code: error.code, detail: error.message });
  }
}
