import Handlebars from "handlebars";
import { describe, expect, it } from "vitest";
import { scriptTemplate } from "./script-template.js";
import { trainingKinds } from "./training-kind.js";

type Statement = { type: string } & Record<string, unknown>;

const SWITCHES = ["reward", "grpo", "vllm", "bitsandbytes", "wandb", "trackio", "tensorboard", "mlflow"];

/** Lists everything in a template that is neither plain text nor allowed. */
function strangers(statements: readonly Statement[], mustaches: string[]): string[] {
  return statements.flatMap((statement) => {
    if (statement.type === "ContentStatement") return [];
    const path = (statement.path as { original?: string } | undefined)?.original;
    const params = (statement.params ?? []) as { type: string; original: string }[];
    if (statement.type === "MustacheStatement" && path === "config" && params.length === 0) {
      mustaches.push(path);
      return [];
    }
    const [condition] = params;
    if (statement.type === "BlockStatement" && path === "if" && params.length === 1) {
      if (condition?.type !== "PathExpression" || !SWITCHES.includes(condition.original))
        return [`if ${condition?.original}`];
      const { program, inverse } = statement as { program?: { body: Statement[] }; inverse?: { body: Statement[] } };
      return [...strangers(program?.body ?? [], mustaches), ...strangers(inverse?.body ?? [], mustaches)];
    }
    return [`${statement.type} ${path}`];
  });
}

describe.each(trainingKinds)("the %s template", (kind) => {
  it("holds one value, in one place, and no other expression but conditions on switches", () => {
    const mustaches: string[] = [];
    const { body } = Handlebars.parse(scriptTemplate(kind)) as unknown as { body: Statement[] };
    expect(strangers(body, mustaches)).toEqual([]);
    expect(mustaches).toEqual(["config"]);
    expect(scriptTemplate(kind)).toContain('CONFIG = json.loads(r"""\n{{{config}}}\n""")');
  });

  it("keeps to 120 columns and printable ASCII", () => {
    const lines = scriptTemplate(kind).split("\n");
    expect(lines.filter((line) => line.length > 120 || /[^ -~]/.test(line))).toEqual([]);
  });
});

it("has one source for each step that kinds share", () => {
  const kinds = trainingKinds.map((kind) => functions(scriptTemplate(kind)));
  const own = ["main", "row_problem", "show_loss"];
  const texts = new Map<string, Set<string>>();
  for (const [name, text] of kinds.flatMap((kind) => [...kind])) {
    texts.set(name, (texts.get(name) ?? new Set()).add(text));
  }
  expect([...texts].filter(([name, versions]) => versions.size > 1 && !own.includes(name))).toEqual([]);
  const everywhere = [...texts.keys()].filter((name) => kinds.every((kind) => kind.has(name)));
  expect(everywhere.length).toBeGreaterThan(20);
});

function functions(script: string): Map<string, string> {
  const found = script.split(/\n(?=def |async def |class )/).slice(1);
  return new Map(found.map((text) => [/^(?:async )?(?:def|class) (\w+)/.exec(text)?.[1] ?? "", text.trimEnd()]));
}
