import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { type Bundle, bundle } from "./bundle-size.js";
import { packed } from "./pack.js";
import { publishedPackages, root } from "./workspace.js";

const version = publishedPackages[0]?.manifest.version;
const folder = realpathSync(mkdtempSync(join(tmpdir(), "whetstone-consumer-")));
const CAPTURE = 'export { createInteractionLogger, openStore } from "@whetstone/core";';
const WRAPPERS = 'export * from "@whetstone/agent-wrappers";';
const WRAPPING = 'export { wrapAgent } from "@whetstone/agent-wrappers";';
const PEERS = [
  "@cfworker/json-schema",
  "@huggingface/jinja",
  "@huggingface/tokenizers",
  "hyparquet-writer",
  "ioredis",
  "mathjs",
  "openai",
  "quickjs-emscripten",
];

// An empty project, the tarballs as its dependencies, and npm as a user has it: this is what publishing would give.
beforeAll(async () => {
  const tarballs = Object.entries(packed(inject("tarballs"))).map(([name, path]) => [name, `file:${path}`] as const);
  const installedTypes = readFileSync(join(root, "node_modules/@types/node/package.json"), "utf8");
  write("package.json", {
    name: "consumer",
    private: true,
    dependencies: Object.fromEntries(tarballs),
    devDependencies: { "@types/node": (JSON.parse(installedTypes) as { version: string }).version },
    overrides: Object.fromEntries(tarballs.map(([name]) => [name, `$${name}`])),
  });
  cpSync(join(root, ".ci", "consumer"), folder, { recursive: true });
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("what an installation brings", () => {
  it("is of a size that is told", () => {
    for (const [name, path] of Object.entries(packed(inject("tarballs")))) {
      const packedKb = statSync(path).size / 1000;
      console.log(`${name}: ${packedKb.toFixed(0)} kB packed`);
      expect(packedKb, name).toBeLessThan(name === "@whetstone/core" ? 700 : 300);
    }
  });

  it("is one copy of every package of ours", () => {
    const copies = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
      /node_modules\/(@whetstone\/[\w-]+|whetstone)\/package\.json$/.test(path),
    );
    const expected = publishedPackages.map(({ manifest }) => join("node_modules", manifest.name, "package.json"));
    expect(copies.sort()).toEqual(expected.sort());
  });

  it("is no optional peer and nothing that runs during the installation", () => {
    expect(["mathjs", "openai", "ioredis"].filter((name) => existsSync(join(folder, "node_modules", name)))).toEqual(
      [],
    );
    const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")) as {
      readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
    };
    expect(Object.keys(lock.packages).filter((path) => lock.packages[path]?.hasInstallScript)).toEqual([]);
  });
});

describe("a program", () => {
  it("runs the whole line as an ES module", async () => {
    expect((await run(process.execPath, ["program.mjs"])).stdout).toBe("ok\n");
  });

  it("runs the whole line through require", async () => {
    expect((await run(process.execPath, ["program.cjs"])).stdout).toBe("ok\n");
  });

  it.each(["22", "24"])("runs the whole line on Node %s, both ways, and so does the command", async (major) => {
    const on = (...args: readonly string[]) => run("npx", ["-y", `node@${major}`, ...args]);
    expect((await on("-p", "process.versions.node")).stdout).toMatch(new RegExp(`^${major}\\.`));
    expect((await on("program.mjs")).stdout).toBe("ok\n");
    expect((await on("program.cjs")).stdout).toBe("ok\n");
    expect((await on("node_modules/whetstone/bin/whetstone.js", "--version")).stdout.trim()).toBe(version);
  });

  it.each([
    ["node16", { module: "node16", moduleResolution: "node16" }],
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext" }],
    ["bundler", { module: "esnext", moduleResolution: "bundler" }],
  ])("type-checks in a strict project that resolves like %s, our declarations included", async (name, settings) => {
    write("package.json", { ...read("package.json"), type: "module" });
    const config = `tsconfig.${name}.json`;
    write(config, {
      compilerOptions: {
        ...settings,
        target: "es2022",
        lib: ["es2023", "esnext.disposable"],
        types: ["node"],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: false,
        noEmit: true,
      },
      files: ["program.ts"],
    });
    await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config]);
  });
});

describe("a bundle", () => {
  it("holds what the program uses, and nothing else of ours", async () => {
    writeFileSync(
      join(folder, "entry.mjs"),
      'import { memoryStore } from "@whetstone/core";\nconsole.log(memoryStore());\n',
    );
    const output = await build({
      root: folder,
      configFile: false,
      logLevel: "error",
      ssr: { noExternal: true },
      build: { ssr: "entry.mjs", write: false, minify: false },
    });
    const chunks = "output" in output ? output.output : [];
    const code = chunks.map((chunk) => ("code" in chunk ? chunk.code : "")).join("\n");
    expect(code).toContain("function memoryStore(");
    for (const unused of ["mathVerifier", "fileStore", "createInteractionLogger"]) {
      expect(code).not.toContain(`function ${unused}(`);
    }
  });

  /** Bounds in kB, minified and gzipped, everything that is installed included but optional peers. */
  it.each([
    { of: "the record's key", text: 'export { promptKey } from "@whetstone/core";', atStart: 5, inAll: 5 },
    { of: "redaction", text: 'export { redactor } from "@whetstone/core";', atStart: 11, inAll: 11 },
    { of: "a verifier", text: 'export { mathVerifier } from "@whetstone/core";', atStart: 5, inAll: 17 },
    { of: "capture", text: CAPTURE, atStart: 55, inAll: 68 },
    { of: "all of core", text: 'export * from "@whetstone/core";', atStart: 60, inAll: 120 },
    { of: "capture of wrapped agents", text: WRAPPING, atStart: 60, inAll: 75 },
    { of: "all of datasets, core excepted", text: 'export * from "@whetstone/datasets";', atStart: 60, inAll: 60 },
    { of: "all of trainers, core excepted", text: 'export * from "@whetstone/trainers";', atStart: 80, inAll: 80 },
    { of: "all of agent-wrappers, core excepted", text: WRAPPERS, atStart: 25, inAll: 25 },
  ])("of $of stays small", async ({ of, text, atStart, inAll }) => {
    const external = of.endsWith("core excepted") ? ["@whetstone/core", ...PEERS] : PEERS;
    const start = await bundle(folder, text, { external, atStart: true });
    const all = await bundle(folder, text, { external });
    const told = ({ minifiedBytes, gzippedBytes }: Bundle) => `${kb(minifiedBytes)} kB, gzipped ${kb(gzippedBytes)} kB`;
    console.log(`${of}: at start ${told(start)} of ${atStart}; with what may be loaded later ${told(all)} of ${inAll}`);
    expect(start.gzippedBytes).toBeLessThanOrEqual(atStart * 1000);
    expect(all.gzippedBytes).toBeLessThanOrEqual(inAll * 1000);
  });

  it("of capture starts without Redis, judges and what runs code", async () => {
    const { code } = await bundle(folder, CAPTURE, { external: PEERS, atStart: true });
    // Words of theirs that outlast the minifier.
    const traces = ["clusterRetryStrategy", "xautoclaim", "SCORING_QUARANTINED", "class CannotSay"];
    expect(traces.filter((trace) => code.includes(trace))).toEqual([]);
  });

  it("of what needs no schema and no Redis holds neither", async () => {
    for (const name of ["promptKey", "redactor", "mathVerifier", "exactMatch", "newInteractionId"]) {
      const { code } = await bundle(folder, `export { ${name} } from "@whetstone/core";`, { external: PEERS });
      // The names by which zod knows its schemas, and ours the client, outlast the minifier.
      for (const trace of ["ZodObject", "ZodDiscriminatedUnion", "ioredis"]) expect(code, name).not.toContain(trace);
    }
  });
});

const kb = (bytes: number) => (bytes / 1000).toFixed(1);

describe("the command", () => {
  const whetstone = join(folder, "node_modules", ".bin", "whetstone");

  it("tells what it can do", async () => {
    const { stdout } = await run(whetstone, ["--help"]);
    expect(stdout).toContain("Usage: whetstone");
    for (const command of ["init", "import", "stats", "query", "score", "dataset", "script", "cleanup"]) {
      expect(stdout).toMatch(new RegExp(`^ +${command}\\b`, "m"));
    }
  });

  it("says which version it is", async () => {
    expect((await run(whetstone, ["--version"])).stdout.trim()).toBe(version);
  });
});

describe("whetstone init in an empty project", () => {
  const empty = join(folder, "empty");

  it("writes a config and a sample, and the way goes on from there", async () => {
    // The packages of the folder above serve this one, as a workspace's would.
    mkdirSync(empty);
    writeFileSync(join(empty, "package.json"), '{ "name": "empty", "private": true }\n');
    const steps: (readonly [program: string, ...args: string[]])[] = [
      ["npx", "--no-install", "whetstone", "init", "--yes"],
      [process.execPath, "whetstone-sample.mjs"],
      ["npx", "--no-install", "whetstone", "score", "--scorer", "math"],
      ["npx", "--no-install", "whetstone", "stats"],
      ["npx", "--no-install", "whetstone", "dataset", "dpo", "--out", "data/dpo"],
      ["npx", "--no-install", "whetstone", "script", "dpo", "--dataset", "data/dpo"],
    ];
    const transcript: string[] = [];
    for (const [program, ...args] of steps) {
      const { stdout } = await run(program, args, empty);
      transcript.push(`$ ${program === process.execPath ? "node" : program} ${args.join(" ")}\n${stdout}`);
    }
    console.log(transcript.join("\n"));
    expect(JSON.parse(readFileSync(join(empty, "whetstone.config.json"), "utf8"))).toEqual({
      store: "file:./.whetstone",
    });
    expect(readFileSync(join(empty, ".whetstone", ".gitignore"), "utf8")).toBe("*\n");
    expect(transcript[3]).toMatch(/\b6\b/);
    const rows = readFileSync(join(empty, "data", "dpo", "train.jsonl"), "utf8")
      .trim()
      .split("\n");
    expect(rows).toHaveLength(3);
    expect(rows.every((row) => JSON.parse(row).chosen && JSON.parse(row).rejected)).toBe(true);
    expect(readdirSync(empty).some((name) => /\.py$/.test(name))).toBe(true);
  });
});

function read(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>;
}

function write(file: string, content: unknown): void {
  writeFileSync(join(folder, file), `${JSON.stringify(content, null, 2)}\n`);
}

/** Runs a program in the consumer's folder; when it fails, the error tells all that it printed. */
async function run(program: string, args: readonly string[], cwd = folder): Promise<{ readonly stdout: string }> {
  // What npm tells the scripts of this workspace is not the consumer's.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(npm_(package|lifecycle|config_local)|INIT_CWD$|VITEST)/.test(name),
    ),
  );
  try {
    return await promisify(execFile)(program, args, { cwd, env });
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as { stdout?: string; stderr?: string; message: string };
    throw new Error(`${message}\n${stdout}${stderr}`, { cause: error });
  }
}
