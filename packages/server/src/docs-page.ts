import { createHash } from "node:crypto";
import type { JsonSchema, OpenApiDocument, Operation } from "./openapi-document.js";

/** The API for people to read: one page without a script, and the hash that lets its style pass a strict policy. */
export function renderDocsPage(document: OpenApiDocument): { readonly html: string; readonly styleHash: string } {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = (document.tags ?? []).map((tag) => ({
    ...tag,
    operations: operations.filter(({ operation }) => operation.tags?.includes(tag.name)),
  }));
  const schemas = Object.entries(document.components?.schemas ?? {});
  const { title, version, description = "" } = document.info;
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} API</title>
<style>${STYLE}</style>
</head>
<body>
<nav aria-label="Operations">
<p class="brand">${text(title)} <small>API ${text(version)}</small></p>
${tags.map(({ name, operations: of }) => `<h2>${text(name)}</h2>\n<ul>${of.map(navItem).join("")}</ul>`).join("\n")}
<h2>Shapes</h2>
<ul>${schemas.map(([name]) => `<li><a href="#shape-${text(name)}">${text(name)}</a></li>`).join("")}</ul>
</nav>
<main>
<h1>${text(title)} API</h1>
<p>${text(description)}</p>
<p>Every request but the public ones carries <code>Authorization: Bearer &lt;token&gt;</code>. Bodies are JSON of at most
1 MiB. The machine-readable form of this page is <a href="openapi.json">openapi.json</a>.</p>
${tags.map((tag) => `<section><h2 class="tag">${text(tag.name)}</h2><p>${text(tag.description ?? "")}</p>\n${tag.operations.map((entry) => operationCard(entry, document)).join("\n")}</section>`).join("\n")}
<section><h2 class="tag">Shapes</h2>
${schemas.map(([name, schema]) => `<article id="shape-${text(name)}"><h3>${text(name)}</h3>${paragraph(schema.description)}${shape(schema)}</article>`).join("\n")}
</section>
</main>
</body>
</html>
`;
  return { html, styleHash: `sha256-${createHash("sha256").update(STYLE).digest("base64")}` };
}

interface Entry {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

function navItem({ method, path, operation }: Entry): string {
  return `<li><a href="#${text(operation.operationId ?? "")}"><b class="${text(method)}">${text(method)}</b> ${text(operation.summary ?? path)}</a></li>`;
}

function operationCard({ path, method, operation }: Entry, { components }: OpenApiDocument): string {
  const scope = operation.security?.flatMap((scheme) => Object.values(scheme).flat()) ?? [];
  const who = scope.length > 0 ? `scope <code>${scope.map(text).join(", ")}</code>` : "public";
  const parameters = operation.parameters ?? [];
  const sent = Object.entries(operation.requestBody?.content ?? {});
  const answers = Object.entries(operation.responses);
  const problems = answers.filter(([, { content = {} }]) => "application/problem+json" in content);
  /** A body is shown where it stands, not behind a link. */
  const resolved = (schema: JsonSchema) => components?.schemas?.[schema.$ref?.split("/").at(-1) ?? ""] ?? schema;
  return `<article id="${text(operation.operationId ?? "")}">
<h3><b class="${text(method)}">${text(method)}</b> <code>${text(path)}</code></h3>
<p class="summary">${text(operation.summary ?? "")} <span class="scope">${who}</span></p>
${paragraph(operation.description)}
${parameters.length > 0 ? `<h4>Parameters</h4>${table(parameters.map(({ name, in: where, required, description, schema }) => ({ name, note: where, required: required === true, description, schema })))}` : ""}
${sent.map(([, { schema }]) => `<h4>Body${operation.requestBody?.required ? "" : " (may be left out)"}</h4>${shape(resolved(schema))}`).join("")}
<h4>Answers</h4>
<table><tbody>${answers
    .filter((answer) => !problems.includes(answer))
    .map(answerRow)
    .join("")}</tbody></table>
<details><summary>Problems: ${problems.map(([status]) => text(status)).join(", ")}</summary>
<table><tbody>${problems.map(answerRow).join("")}</tbody></table></details>
</article>`;
}

function answerRow([status, { description, content = {} }]: [string, Operation["responses"][string]]): string {
  const forms = Object.entries(content).map(
    ([type, { schema }]) => `<code>${text(type)}</code> ${schema.properties ? shape(schema) : typeOf(schema)}`,
  );
  return `<tr><th scope="row" class="s${text(status[0] ?? "")}">${text(status)}</th><td>${markdown(description)}<br>${forms.join("<br>")}</td></tr>`;
}

/** The fields of an object, or the type of anything else. */
function shape(schema: JsonSchema): string {
  if (schema.$ref) return `<p>${typeOf(schema)}</p>`;
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices && !schema.properties) return `<p>One of:</p>${choices.map(shape).join("")}`;
  if (!schema.properties) return `<p>${typeOf(schema)}</p>`;
  return table(
    Object.entries(schema.properties).map(([name, field]) => ({
      name,
      note: "",
      required: schema.required?.includes(name) === true,
      description: field.description,
      schema: field,
    })),
  );
}

interface Field {
  readonly name: string;
  readonly note: string;
  readonly required: boolean;
  readonly description: string | undefined;
  readonly schema: JsonSchema;
}

function table(fields: readonly Field[]): string {
  const rows = fields.map(
    ({ name, note, required, description, schema }) =>
      `<tr><th scope="row"><code>${text(name)}</code>${required ? '<sup title="required">*</sup>' : ""}${note ? ` <small>${text(note)}</small>` : ""}</th><td>${typeOf(schema)}</td><td>${markdown(description ?? "")}</td></tr>`,
  );
  return `<table><tbody>${rows.join("")}</tbody></table>`;
}

/** A schema in a few words, such as "integer 1 to 1000" or a link to a shape. */
function typeOf(schema: JsonSchema): string {
  if (schema.$ref) {
    const name = text(schema.$ref.split("/").at(-1) ?? "");
    return `<a href="#shape-${name}">${name}</a>`;
  }
  // Null is how a field may be left out, and goes without saying.
  const choices = (schema.anyOf ?? schema.oneOf ?? schema.allOf)?.filter(({ type }) => type !== "null");
  if (choices) return [...new Set(choices.map(typeOf))].join(" or ");
  const values = schema.enum?.filter((value) => value !== null);
  if (values) return values.map((value) => `<code>${text(JSON.stringify(value))}</code>`).join(" ");
  if (schema.const !== undefined) return `<code>${text(JSON.stringify(schema.const))}</code>`;
  if (schema.items) return `list of ${typeOf(schema.items)}`;
  if (typeof schema.additionalProperties === "object" && Object.keys(schema.additionalProperties).length > 0) {
    return `object of ${typeOf(schema.additionalProperties)}`;
  }
  const types = [schema.type ?? "any"].flat().filter((type) => type !== "null");
  return `${types.map(text).join(" or ")}${range(schema)}`;
}

function range(schema: JsonSchema): string {
  const least = schema.minimum ?? schema.exclusiveMinimum;
  const most = schema.maximum ?? schema.exclusiveMaximum;
  if (typeof least !== "number" && typeof most !== "number") return "";
  if (typeof most !== "number" || most >= Number.MAX_SAFE_INTEGER) return ` from ${least}`;
  return ` <small>${least ?? ""} to ${most.toLocaleString("en-US")}</small>`;
}

function paragraph(words: string | undefined): string {
  return words ? `<p>${markdown(words)}</p>` : "";
}

/** Our own descriptions use one mark of Markdown. */
function markdown(words: string): string {
  return text(words).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function text(words: string): string {
  return words.replace(/[&<>"']/g, (unit) => `&#${unit.charCodeAt(0)};`);
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6775; --paper: #fbfaf7; --card: #fff; --line: #e3e0d8; --steel: #2f5d7c; --good: #2c7a4b; --bad: #b3362b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e4de; --soft: #9aa4ae; --paper: #14181d; --card: #1b2128; --line: #2d353e; --steel: #8fc1e3; --good: #7cc79a; --bad: #ef9a8f; } }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: 19rem minmax(0, 1fr); font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1.25rem; border-right: 1px solid var(--line); font-size: .875rem; }
nav h2 { margin: 1.4rem 0 .3rem; font-size: .75rem; text-transform: uppercase; letter-spacing: .08em; color: var(--soft); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { margin: .3rem 0; }
nav a:has(b) { display: flex; align-items: baseline; }
.brand { margin: 0; font-size: 1.1rem; font-weight: 700; }
.brand small { font-weight: 400; color: var(--soft); }
main { padding: 2rem 3rem 6rem; max-width: 62rem; }
h1 { font-size: 2rem; margin: 0 0 .5rem; }
.tag { margin: 3rem 0 0; font-size: 1.4rem; }
a { color: var(--steel); text-decoration: none; }
a:hover { text-decoration: underline; }
article { margin: 1.2rem 0; padding: 1.2rem 1.5rem; background: var(--card); border: 1px solid var(--line); border-radius: 10px; scroll-margin-top: 1rem; }
article:target { border-color: var(--steel); }
h3 { margin: 0; font-size: 1.05rem; }
h4 { margin: 1.1rem 0 .3rem; font-size: .8rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); }
code { font: .875em ui-monospace, monospace; }
.summary { margin: .4rem 0; font-weight: 600; }
.scope { margin-left: .5rem; font-weight: 400; font-size: .85rem; color: var(--soft); }
table { width: 100%; border-collapse: collapse; font-size: .9rem; }
th, td { padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top; font-weight: 400; }
th { white-space: nowrap; width: 1%; }
sup { color: var(--bad); }
h3 b, nav b { display: inline-block; flex: none; min-width: 3.9rem; font: 700 .72rem ui-monospace, monospace; text-transform: uppercase; color: var(--soft); }
b.get { color: var(--good); } b.post { color: var(--steel); } b.delete { color: var(--bad); }
summary { margin-top: .6rem; cursor: pointer; color: var(--soft); font-size: .875rem; }
.s2 { color: var(--good); } .s4, .s5 { color: var(--bad); }
@media (max-width: 56rem) {
  body { display: block; overflow-wrap: anywhere; }
  nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); }
  main { padding: 1.25rem; }
  article { padding: 1rem; }
  tbody, tr, th, td { display: block; width: auto; white-space: normal; }
  td { padding: 0; border: 0; }
  td:last-child { padding-bottom: .5rem; }
}
`;
