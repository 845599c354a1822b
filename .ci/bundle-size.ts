import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** A bundle as a user's build would make it. */
export interface Bundle {
  readonly code: string;
  readonly minifiedBytes: number;
  readonly gzippedBytes: number;
}

interface BundleOptions {
  /** Packages that are left out: optional peers, which a program brings itself. */
  readonly external?: readonly string[];
  /** Leaves out what `import()` loads later: what remains is what the program loads when it starts. */
  readonly atStart?: boolean;
}

/** Bundles a module's text for Node, minified, into one file, with all dependencies that are installed in `folder`. */
export async function bundle(
  folder: string,
  contents: string,
  { external = [], atStart = false }: BundleOptions = {},
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
    plugins: atStart ? [laterIsExternal] : [],
    logLevel: "error",
  });
  const bytes = outputFiles[0]?.contents ?? new Uint8Array();
  return {
    code: new TextDecoder().decode(bytes),
    minifiedBytes: bytes.length,
    gzippedBytes: gzipSync(bytes).length,
  };
}

const laterIsExternal: Plugin = {
  name: "later-is-external",
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : undefined));
  },
};
