import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { dataFolder, savePath } from "../data-folder.js";
import { attackedServer } from "../testing/attacked-server.js";
import { API, temporaryFolder } from "../testing/server-fixture.js";
import { problemCode } from "./problem-answer.js";

const HOSTILE: readonly string[] = [
  "../x.jsonl",
  "../../../../tmp/x.jsonl",
  "a/../../x.jsonl",
  "a/./x.jsonl",
  "./x.jsonl",
  "/etc/x.jsonl",
  "//host/share/x.jsonl",
  "~/x.jsonl",
  "~root/x.jsonl",
  "C:\\x.jsonl",
  "C:x.jsonl",
  "\\\\host\\share\\x.jsonl",
  "a\\..\\..\\x.jsonl",
  "..%2fx.jsonl",
  "%2e%2e/x.jsonl",
  "..／x.jsonl",
  "․․/x.jsonl",
  "x.jsonl\0.txt",
  "a\0/x.jsonl",
  "x\n.jsonl",
  "x\r\nSet-Cookie: a.jsonl",
  "\u202ex.jsonl",
  "x.jsonl ",
  " x.jsonl",
  "x.jsonl.",
  "a./x.jsonl",
  "a /x.jsonl",
  "a//x.jsonl",
  "a/x.jsonl/",
  "",
  ".",
  "..",
  ".hidden.jsonl",
  "-rf.jsonl",
  "a/-rf.jsonl",
  "con.jsonl",
  "CON.jsonl",
  "nul",
  "NUL.jsonl",
  "aux.jsonl",
  "com1.jsonl",
  "LPT9.jsonl",
  "a/prn.tar.jsonl",
  "x.jsonl::$DATA",
  "x:y.jsonl",
  "$(id).jsonl",
  "`id`.jsonl",
  "x;id.jsonl",
  "x|id.jsonl",
  "file:///etc/x.jsonl",
  "http://example.com/x.jsonl",
  "x.py",
  "x.json",
  "x.sh",
  "a/b/c/d/e/f/g/h/i.jsonl",
  `${"a".repeat(300)}.jsonl`,
  `${Array(8).fill("b".repeat(120)).join("/")}.jsonl`,
  `${"../".repeat(170)}x.jsonl`,
  "x".repeat(100_000),
];

describe("hostile names in save_to_file", () => {
  it("are all refused, and nothing appears anywhere", async () => {
    const { dataRoot, send, cost, printed } = await attackedServer();
    const parent = readdirSync(join(dataRoot, ".."));
    for (const path of HOSTILE) {
      const dataset = await send("POST", `${API}/dataset/sft`, { body: JSON.stringify({ save_to_file: path }) });
      expect(["SAVE_PATH_INVALID", "REQUEST_INVALID"]).toContain(problemCode(dataset, 400, JSON.stringify(path)));
      const script = { script_type: "sft", dataset_path: "d", save_to_file: path.replace("x.jsonl", "x.py") };
      if (script.save_to_file === "x.py") continue;
      const answer = await send("POST", `${API}/script/generate`, { body: JSON.stringify(script) });
      expect(["SAVE_PATH_INVALID", "REQUEST_INVALID"]).toContain(problemCode(answer, 400, JSON.stringify(path)));
    }
    for (const value of [1, true, [], {}, ["a.jsonl"]]) {
      const answer = await send("POST", `${API}/dataset/sft`, { body: JSON.stringify({ save_to_file: value }) });
      problemCode(answer, 400, JSON.stringify(value));
    }
    expect(readdirSync(dataRoot)).toEqual([]);
    expect(
      readdirSync(join(dataRoot, "..")).filter((name) => /^x|jsonl|\.py$/.test(name) && !parent.includes(name)),
    ).toEqual([]);
    expect(printed()).toBe("");
    await cost(`${HOSTILE.length} hostile paths, twice each`);
  });

  it("are refused where links, pipes and files stand in the way", async () => {
    const { dataRoot, send, printed } = await attackedServer();
    const outside = temporaryFolder();
    writeFileSync(join(outside, "precious.jsonl"), "precious\n");
    symlinkSync(outside, join(dataRoot, "linked"));
    symlinkSync(join(outside, "precious.jsonl"), join(dataRoot, "link.jsonl"));
    symlinkSync(join(outside, "new.jsonl"), join(dataRoot, "dangling.jsonl"));
    symlinkSync(outside, join(dataRoot, "folder-link"));
    symlinkSync(join(outside, "nowhere"), join(dataRoot, "dangling-folder"));
    symlinkSync("/dev/null", join(dataRoot, "device.jsonl"));
    symlinkSync(".", join(dataRoot, "loop"));
    execFileSync("mkfifo", [join(dataRoot, "pipe.jsonl"), join(dataRoot, "pipe.py")]);
    writeFileSync(join(dataRoot, "there.jsonl"), "there\n");
    mkdirSync(join(dataRoot, "folder.jsonl"));
    mkdirSync(join(dataRoot, "full"));
    writeFileSync(join(dataRoot, "full", "mine.txt"), "mine\n");
    mkdirSync(join(dataRoot, "piped"));
    execFileSync("mkfifo", [join(dataRoot, "piped", "requirements.txt")]);
    // What is written beside a script, one by one as a link, a dangling one, a pipe and a folder.
    const companions = ["requirements.txt", "x.yaml", "SERVE.md", "accelerate", "accelerate/ddp.yaml"];
    const obstacles = companions.flatMap((companion, i) =>
      Object.entries(OBSTACLES).map(([kind, make]) => {
        if (companion === "accelerate" && kind === "folder") return [];
        const folder = `beside-${i}-${kind}`;
        mkdirSync(join(dataRoot, folder, dirname(companion)), { recursive: true });
        make(join(dataRoot, folder, companion), outside);
        return [`${folder}/x.py`];
      }),
    );
    const before = listing(dataRoot);

    const save = (path: string, overwrite: boolean) =>
      path.endsWith(".py")
        ? send("POST", `${API}/script/generate`, {
            body: JSON.stringify({ script_type: "sft", dataset_path: "d", save_to_file: path, overwrite }),
          })
        : send("POST", `${API}/dataset/sft`, { body: JSON.stringify({ save_to_file: path, overwrite }) });
    const always = [
      "linked/x.jsonl",
      "linked/x.py",
      "linked/sub/x.jsonl",
      "link.jsonl",
      "dangling.jsonl",
      "folder-link",
    ];
    always.push("dangling-folder", "dangling-folder/x.jsonl", "device.jsonl", "loop/x.jsonl", "pipe.jsonl", "pipe.py");
    always.push("folder.jsonl", "full", "there.jsonl/x.jsonl", "piped/x.py");
    always.push(...obstacles.flat());
    for (const path of always) {
      for (const overwrite of [false, true]) problemCode(await save(path, overwrite), 409, `${path} ${overwrite}`);
    }
    expect(problemCode(await save("there.jsonl", false), 409)).toBe("SAVE_EXISTS");
    expect(listing(dataRoot)).toEqual(before);
    expect(listing(outside)).toEqual(["precious.jsonl: precious"]);

    expect((await save("there.jsonl", true)).status).toBe(200);
    expect(readFileSync(join(dataRoot, "there.jsonl"), "utf8")).toContain('"messages"');
    expect((await save("folder", false)).status).toBe(200);
    problemCode(await save("folder", false), 409);
    expect((await save("folder", true)).status).toBe(200);
    expect(printed()).toBe("");
  });

  it.each(["real", "real/accelerate"])(
    "write nothing outside while the folder %s is swapped for a link all the time",
    async (name) => {
      const { dataRoot, send, cost } = await attackedServer();
      const outside = temporaryFolder();
      const real = join(dataRoot, name);
      mkdirSync(dirname(real), { recursive: true });
      let swaps = 0;
      let isOver = false;
      const swapping = (async () => {
        while (!isOver) {
          attempt(() => renameSync(real, `${real}-${swaps}`));
          // The server may have made the folder anew in this very moment.
          attempt(() => (swaps % 2 === 0 ? symlinkSync(outside, real) : mkdirSync(real)));
          swaps += 1;
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      const statuses = new Map<number, number>();
      for (let i = 0; i < 80; i += 1) {
        const body = { script_type: "sft", dataset_path: "d", save_to_file: `real/train-${i}.py`, overwrite: true };
        const { status } = await send("POST", `${API}/script/generate`, { body: JSON.stringify(body) });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      isOver = true;
      await swapping;
      console.info(`${swaps} swaps while 80 scripts were saved:`, Object.fromEntries(statuses));
      expect(readdirSync(outside)).toEqual([]);
      expect([...statuses.keys()].toSorted()).toEqual([200, 409]);
      await cost("swaps");
    },
  );
});

describe("a folder that is swapped for a link between the check and the write", () => {
  it.runIf(existsSync("/proc/self/fd"))("is written to all the same, not what the link names", async () => {
    const [root, outside] = [temporaryFolder(), temporaryFolder()];
    await dataFolder(root).write(savePath("a/b/x.jsonl", /\.jsonl$/, ""), async (path) => {
      renameSync(join(root, "a", "b"), join(root, "moved"));
      symlinkSync(outside, join(root, "a", "b"));
      writeFileSync(path, "row\n");
      unlinkSync(join(root, "a", "b"));
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(readFileSync(join(root, "moved", "x.jsonl"), "utf8")).toBe("row\n");
  });
});

/** What may stand where a file is to be written; `outside` is a folder that nobody may write into. */
const OBSTACLES: Readonly<Record<string, (path: string, outside: string) => void>> = {
  link: (path, outside) => symlinkSync(path.endsWith("accelerate") ? outside : join(outside, "precious.jsonl"), path),
  dangling: (path, outside) => symlinkSync(join(outside, "new"), path),
  pipe: (path) => execFileSync("mkfifo", [path]),
  folder: (path) => mkdirSync(path),
};

function attempt(step: () => void): void {
  try {
    step();
  } catch {}
}

/** Each entry with what it is: contents, where it points, its kind. */
function listing(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const stat = lstatSync(join(folder, name));
      if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(join(folder, name))}`;
      if (stat.isFile()) return `${name}: ${readFileSync(join(folder, name), "utf8").trim()}`;
      return `${name} (${stat.isFIFO() ? "pipe" : "folder"})`;
    });
}
