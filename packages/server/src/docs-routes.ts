import { renderDocsPage } from "./docs-page.js";
import type { OpenApiDocument } from "./openapi-document.js";
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
