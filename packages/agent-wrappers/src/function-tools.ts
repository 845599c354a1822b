import { readField, readText } from "./read-field.js";

/** The tools that a model was told of, in function form. Those that run at the provider have no name and no schema. */
export function functionTools(tools: readonly unknown[]): readonly object[] | undefined {
  const known = tools.flatMap((tool) => {
    const named = readField(tool, "function") ?? readField(tool, "custom") ?? tool;
    const name = readText(named, "name");
    if (name === undefined) return [];
    const parameters = readField(named, "parameters") ?? readField(named, "inputSchema");
    return [{ type: "function", function: { name, description: readText(named, "description"), parameters } }];
  });
  return known.length > 0 ? known : undefined;
}
