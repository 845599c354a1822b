import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** A bundle as a user's build would make it. */
export interface Bundle {
  readonly code: string;
  readonly minifiedBytes: number;
  readonly gzippedBytes: number;
}

/**
 * Bundles a module's text for Node, minified, with all dependencies that are installed in `folder` but for `external`:
 * optional peers, which a program brings itself.
 */
export async function bundle(
  folder: string,
  contents: string,
  { external = [] as readonly string[] } = {},
): Promise<Bundle> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node20",
    external: [...external],
    logLevel: "error",
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    code: new TextDecoder().decode(bytes),
    minifiedBytes: bytes.length,
    gzippedBytes: gzipSync(bytes).length,
  };
}
