import { addUsage, chatModel, type TokenUsage } from "@whetstone/example-shared/chat-model";
import type OpenAI from "openai";
import type { ChatCompletionMessageParam, ChatCompletionTool } from "openai/resources/chat/completions";
import { calculate, calculatorTool } from "./calculator.js";
import { type MathAnswer, type Solve, SYSTEM_PROMPT, type WorkedStep } from "./math-answer.js";

export interface LiveModelOptions {
  readonly client: OpenAI;
  readonly model: string;
  /** A model that still calls the calculator after so many turns gets an error. Default 12. */
  readonly maxTurns?: number;
}

/** Lets a model behind an OpenAI-compatible endpoint answer, with the calculator as its tool. */
export function liveModel({ client, model, maxTurns = 12 }: LiveModelOptions): Solve {
  const ask = chatModel(client, model);
  return async (question) => {
    const messages: ChatCompletionMessageParam[] = [
      { role: "system", content: SYSTEM_PROMPT },
      { role: "user", content: question },
    ];
    const steps: WorkedStep[] = [];
    let usage: TokenUsage = { inputTokens: 0, outputTokens: 0 };
    for (let turn = 0; turn < maxTurns; turn++) {
      const reply = await ask(messages, TOOLS);
      usage = addUsage(usage, reply.usage);
      const { content, tool_calls: calls = [] } = reply.message;
      messages.push({ role: "assistant", content, ...(calls.length > 0 && { tool_calls: calls }) });
      if (calls.length === 0) return answered(messages, content ?? "", { steps, model: reply.model, usage });
      for (const call of calls) {
        const { expression, result } =
          call.type === "function" ? useCalculator(call.function) : { expression: "", result: "error: unknown tool" };
        if (expression !== "") steps.push({ what: "calculator", expression, result });
        messages.push({ role: "tool", tool_call_id: call.id, content: result });
      }
    }
    throw new Error(`${model} gave no answer within ${maxTurns} turns`);
  };
}

const TOOLS = [calculatorTool] as unknown as ChatCompletionTool[];

// What a model writes into a tool call may be anything; it is told what was wrong and can try again.
function useCalculator({ name, arguments: text }: { readonly name: string; readonly arguments: string }) {
  if (name !== calculatorTool.function.name) return { expression: "", result: `error: there is no tool ${name}` };
  let expression = "";
  try {
    const given: unknown = JSON.parse(text);
    if (typeof given === "object" && given !== null && "expression" in given) expression = String(given.expression);
    if (expression === "") throw new Error("give an object with an expression");
    return { expression, result: calculate(expression) };
  } catch (error) {
    return { expression, result: `error: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function answered(
  messages: readonly ChatCompletionMessageParam[],
  answer: string,
  { steps, model, usage }: Pick<MathAnswer, "steps" | "model" | "usage">,
): MathAnswer {
  return {
    answer,
    steps,
    verification: null,
    toolsUsed: steps.length > 0 ? [calculatorTool.function.name] : [],
    messages,
    tools: [calculatorTool],
    model,
    usage,
  };
}
