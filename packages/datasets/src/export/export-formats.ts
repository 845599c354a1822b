import type { RowType } from "./export-source.js";

/** Why a row has no place in an export; each is explained in docs/datasets.md. */
export type LeftOut = "turnOrder" | "toolTurns" | "textBesideCall" | "noForm";

/** What becomes of a row. */
export type Exported = { readonly row: object } | { readonly leftOut: LeftOut };

/** What settings files are made of. */
export interface ExportFacts {
  /** Of the folder. */
  readonly name: string;
  readonly type: RowType;
  /** Of conversations: whether the last assistant turn alone is learnt. */
  readonly lossOn: "all" | "last";
  /** Pairs with margins, for a reward model. */
  readonly isReward: boolean;
  readonly hasTest: boolean;
  readonly model: string;
}

/** YAML of settings: texts are quoted as JSON, numbers below one have a point and no exponent that YAML misreads. */
export function yamlLines(settings: Readonly<Record<string, unknown>>, indent = ""): string {
  let yaml = "";
  for (const [name, value] of Object.entries(settings)) {
    if (!Array.isArray(value)) yaml += `${indent}${name}: ${scalar(value)}\n`;
    else if (typeof value[0] === "string") yaml += `${indent}${name}: ${JSON.stringify(value)}\n`;
    else {
      yaml += `${indent}${name}:\n`;
      for (const item of value) yaml += yamlLines(item, `${indent}    `).replace(`${indent}    `, `${indent}  - `);
    }
  }
  return yaml;
}

function scalar(value: unknown): string {
  // JavaScript writes 5e-6 as 0.000005 and 1e-7 as an exponent that YAML 1.1 takes for a text.
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
