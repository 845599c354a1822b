import { cutToWidth, terminalText, textWidth } from "./terminal-text.js";

/** A column of a table. `right` is for numbers. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Wider cells are cut. */
  readonly maxWidth?: number;
}

/** Renders rows as aligned lines, the titles first. Cells are made safe to show. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  emphasise: (text: string) => string = (text) => text,
): string[] {
  const cells = rows.map((row) =>
    columns.map(({ maxWidth = Number.POSITIVE_INFINITY }, i) => cutToWidth(terminalText(row[i] ?? ""), maxWidth)),
  );
  const widths = columns.map(({ title }, i) =>
    Math.max(textWidth(title), ...cells.map((row) => textWidth(row[i] ?? ""))),
  );
  const render = (row: readonly string[]) =>
    columns
      .map(({ align = "left" }, i) => pad(row[i] ?? "", widths[i] ?? 0, align))
      .join("  ")
      .trimEnd();
  return [emphasise(render(columns.map(({ title }) => title))), ...cells.map(render)];
}

function pad(text: string, width: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, width - textWidth(text)));
  return align === "right" ? space + text : text + space;
}
