import { renderDocsPage } from "./docs-page.js";
import type { ServerApp } from "./server-parts.js";

/** The document of the API at /openapi.json, and the same for people at /docs. */
export function docsRoutes(app: ServerApp): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "A token with the scope that the operation names: read, build, delete or log.",
  });
  let document: OpenApiDocument | undefined;
  // Made at the first request: by then every route is known.
  const made = () => {
    document ??= app.getOpenAPI31Document(INFO) as unknown as OpenApiDocument;
    return document;
  };
  app.get("/openapi.json", (context) => context.json(made()));
  app.get("/docs", (context) => {
    const { html, styleHash } = renderDocsPage(made());
    // No script, no picture, no address of anybody else: a page of text and one style.
    const policy = `default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
    return context.html(html, 200, { "content-security-policy": policy, "referrer-policy": "no-referrer" });
  });
}

const INFO = {
  openapi: "3.1.0",
  info: {
    title: "Whetstone",
    version: "1.0.0",
    description: "Record, score and turn the traffic of LLM agents into training data, over HTTP.",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: "/", description: "this server" }],
  tags: [
    { name: "Interactions", description: "What agents were asked and what they answered." },
    { name: "Datasets", description: "Rows to train on." },
    { name: "Scripts", description: "Programs that train." },
    { name: "Server", description: "The server itself." },
  ],
};

/** As much of an OpenAPI 3.1 document as the page shows. */
export interface OpenApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags?: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, JsonSchema>> };
}

export interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly [keyword: string]: unknown;
}
