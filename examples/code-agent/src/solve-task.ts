import { addUsage, type ChatModel, chatModel, type TokenUsage } from "@whetstone/example-shared/chat-model";
import type OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import { type CodeAnswer, SYSTEM_PROMPT } from "./code-answer.js";
import { lastCodeBlock } from "./code-block.js";
import { writeFromLibrary } from "./pattern-library.js";
import { type ExecutionResult, runCode } from "./run-code.js";
import type { Task } from "./tasks.js";

/** Answers a task: with a library of our own, or with a model. */
export type Solve = (task: Task) => Promise<CodeAnswer>;

/** Writes the next turn of a conversation. */
type Write = (messages: readonly ChatCompletionMessageParam[]) => Promise<Turn> | Turn;

interface Turn {
  readonly content: string;
  readonly model?: string | undefined;
  readonly usage?: TokenUsage | undefined;
}

/**
 * Three ways to use the same library: `careful` minds the edges, `hurried` makes the slip that each kind of function
 * invites, `retrying` is just as hurried, but reads what the tests said and writes it again.
 */
export const policies: Readonly<Record<PolicyName, Solve>> = {
  careful: solveWith(fromLibrary({ hurried: false }), 1),
  hurried: solveWith(fromLibrary({ hurried: true }), 1),
  retrying: solveWith(fromLibrary({ hurried: true }), 2),
};

export type PolicyName = "careful" | "hurried" | "retrying";

/** Lets a model behind an OpenAI-compatible endpoint write the code; it may mend it once. */
export function liveSolver(client: OpenAI, model: string, { rounds = 2 }: { rounds?: number } = {}): Solve {
  return solveWith(fromModel(chatModel(client, model)), rounds);
}

/** The agent itself: write, run against the tests, and show what went wrong, for so many rounds. */
function solveWith(write: Write, rounds: number): Solve {
  return async (task) => {
    const messages: ChatCompletionMessageParam[] = [
      { role: "system", content: SYSTEM_PROMPT },
      { role: "user", content: task.question },
    ];
    let usage: TokenUsage | undefined;
    for (let round = 1; ; round++) {
      const turn = await write(messages);
      if (turn.usage) usage = usage ? addUsage(usage, turn.usage) : turn.usage;
      messages.push({ role: "assistant", content: turn.content });
      const block = lastCodeBlock(turn.content);
      const language = block?.language ?? task.language;
      const executionResult = block ? await runCode(language, { ...task, code: block.code }) : null;
      if (round >= rounds || executionResult?.passed !== false) {
        const code = block?.code ?? "";
        const { content: answer, model } = turn;
        return { answer, code, language, codeLength: code.length, executionResult, messages, model, usage };
      }
      messages.push({ role: "user", content: complaint(executionResult) });
    }
  };
}

function fromLibrary({ hurried }: { readonly hurried: boolean }): Write {
  return (messages) => {
    const [first, ...later] = messages.filter(({ role }) => role === "user");
    const wasTold = later.length > 0;
    const written = writeFromLibrary(String(first?.content), hurried && !wasTold);
    if (!written) return { content: "I have no pattern for this function, so I cannot write it." };
    const { language, how, code } = written;
    return {
      content: `${wasTold ? "That was a slip; here it is mended. " : ""}${how}\n\n\`\`\`${language}\n${code}\n\`\`\``,
    };
  };
}

function fromModel(ask: ChatModel): Write {
  return async (messages) => {
    const { message, model, usage } = await ask(messages);
    return { content: message.content ?? "", model, usage };
  };
}

function complaint({ passedTests, totalTests, problems }: ExecutionResult): string {
  return [
    `It passes ${passedTests} of ${totalTests} tests:`,
    ...problems.map((problem) => `- ${problem}`),
    "Mend the function and give it again, whole.",
  ].join("\n");
}
