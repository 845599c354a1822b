import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ConfigError } from "../errors.js";
import type { RedactedKind } from "./finding.js";
import { createPlaceholders } from "./placeholders.js";
import { redactor } from "./redactor.js";

const redact = redactor();
const redacted = (text: string) => redact(text).text;

/** Spelled in two parts, so that no scanner of this repository takes a made-up key for a lost one. */
const secret = (prefix: string, rest: string) => `${prefix}${rest}`;
const RANDOM = "a8Kq3ZxP0vLm5RtY7wBn2CdE9fGh4JkS6uVi1XoQ";
const JWT = `${Buffer.from('{"alg":"HS256","typ":"JWT"}').toString("base64url")}.${Buffer.from('{"sub":"1234567890"}').toString("base64url")}.${RANDOM}`;
const PEM = `-----BEGIN ${"RSA PRIVATE"} KEY-----\n${`${RANDOM}${RANDOM.slice(0, 24)}\n`.repeat(4)}-----END RSA PRIVATE KEY-----`;

const SECRETS: readonly (readonly [name: string, value: string])[] = [
  ["OpenAI", secret("sk-", RANDOM)],
  ["OpenAI, of a project", secret("sk-proj-", `${RANDOM}_${RANDOM}-x`)],
  ["Anthropic", secret("sk-ant-api03-", `${RANDOM}-${RANDOM}`)],
  ["AWS", secret("AKIA", "IOSFODNN7EXAMPLE")],
  ["AWS, temporary", secret("ASIA", "IOSFODNN7EXAMPLE")],
  ["GitHub", secret("ghp_", RANDOM.slice(0, 36))],
  ["GitHub, of an app", secret("ghs_", RANDOM.slice(0, 36))],
  ["GitHub, fine-grained", secret("github_pat_", `11ABCDEFG0abcdefghijkl_${RANDOM}`)],
  ["Slack", secret("xoxb-", `123456789012-123456789012-${RANDOM.slice(0, 24)}`)],
  ["Google", secret("AIza", `Sy${RANDOM.slice(0, 33)}`)],
  ["GitLab", secret("glpat-", RANDOM.slice(0, 20))],
  ["npm", secret("npm_", RANDOM.slice(0, 36))],
  ["Hugging Face", secret("hf_", "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH")],
  ["Stripe", secret("sk_live_", RANDOM.slice(0, 24))],
  ["Groq", secret("gsk_", RANDOM)],
  ["SendGrid", secret("SG.", `${RANDOM.slice(0, 22)}.${RANDOM}`)],
  ["a JSON Web Token", JWT],
  ["a private key", PEM],
  ["a private key with escaped line ends", PEM.replaceAll("\n", "\\n")],
];

describe("secrets", () => {
  it.each(SECRETS)("%s: gone from any sentence around it", (_name, value) => {
    for (const around of ["?", "use ? please", '{"key": "?"}', "KEY=?\nNEXT=1", "(?)", "line\\n?\\nline", "x: '?'."]) {
      expect(redacted(around.replace("?", () => value))).not.toContain(value.slice(-12));
    }
  });

  it.each([
    ["https://ada:hunter2@example.com/x", "https://<SECRET_1>@example.com/x"],
    ["redis://:p@ss@10.0.0.1:6379/0", "redis://<SECRET_1>@10.0.0.1:6379/0"],
    ["Authorization: Bearer abcdef123456", "Authorization: Bearer <SECRET_1>"],
    ["-H 'Authorization: Basic dXNlcjpwYXNz' -d", "-H 'Authorization: Basic <SECRET_1>' -d"],
    ['"authorization":"Token 0123456789abcdef"', '"authorization":"Token <SECRET_1>"'],
    ["password: hunter22", "password: <SECRET_1>"],
    ["my password is hunter22.", "my password is <SECRET_1>."],
    ['{"db_password": "Tr0ub4dor&3"}', '{"db_password": "<SECRET_1>"}'],
    [`aws_secret_access_key = ${RANDOM}`, "aws_secret_access_key = <SECRET_1>"],
    [`My API key is ${RANDOM}, thanks`, "My API key is <SECRET_1>, thanks"],
    [`?token=${RANDOM.slice(0, 20)}&page=2`, "?token=<SECRET_1>&page=2"],
    [`-----BEGIN ${"PRIVATE"} KEY-----\nMIIEvQIBADANBgkqhkiG9w0B`, "<SECRET_1>"], // cut off
  ])("%s", (text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  it("500 made-up keys in 10 sentences: every one is gone", () => {
    const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let state = 42;
    const next = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 16) % below;
    };
    const draw = (length: number) => Array.from({ length }, () => alphabet[next(62)]).join("");
    const forms = ["sk-", "sk-proj-", "ghp_", "glpat-", "npm_", "hf_", "gsk_", "sk_live_", "api_key=", 'secret: "'];
    const sentences = ["?", "it is ?.", "set ?;", "see\n?\n", "`?`", "(?)", "a, ?, b", "X ?", "? and so on", "[?]"];
    let missed = 0;
    for (let i = 0; i < 500; i++) {
      const body = draw(36);
      const text = (sentences[i % 10] ?? "?").replace("?", `${forms[Math.floor(i / 50)]}${body}`);
      if (redacted(text).includes(body)) missed += 1;
    }
    console.log(`planted keys: 500, missed ${missed}`);
    expect(missed).toBe(0);
  });
});

describe("personal data", () => {
  it.each([
    ["write to Ada.Lovelace+x@mail.example.co.uk.", "write to <EMAIL_1>."],
    ["josé@exämple.es", "<EMAIL_1>"],
    ["邮箱是foo@bar.com。", "邮箱是<EMAIL_1>。"],
    ["4242 4242 4242 4242", "<CARD_1>"],
    ["3782-822463-10005 is mine", "<CARD_1> is mine"],
    ["my card 4242424242424242", "my card <CARD_1>"],
    ["IBAN DE89 3704 0044 0532 0130 00, thanks", "IBAN <IBAN_1>, thanks"],
    ["gb82west12345698765432", "<IBAN_1>"],
    ["call +1 (415) 555-2671 or +442079460958", "call <PHONE_1> or <PHONE_2>"],
    ["tel:+33 6 12 34 56 78", "tel:<PHONE_1>"],
  ])("%s", (text, expected) => {
    expect(redacted(text)).toBe(expected);
  });

  it("social security numbers are an option", () => {
    expect(redacted("SSN 460-89-9847")).toBe("SSN 460-89-9847");
    expect(redactor({ ssn: true })("SSN 460-89-9847, not 000-12-3456").text).toBe("SSN <SSN_1>, not 000-12-3456");
  });

  it("each kind can be left in; secrets cannot", () => {
    const key = secret("sk-", RANDOM);
    const text = `a@b.co +442079460958 4242 4242 4242 4242 DE89370400440532013000 ${key}`;
    const all = redactor({ email: false, phone: false, card: false, iban: false });
    expect(all(text).text).toBe(text.replace(key, "<SECRET_1>"));
  });

  it("the same value has the same placeholder in all texts that share a numbering", () => {
    const placeholders = createPlaceholders();
    const first = redact("ada@x.org, bob@x.org, card 4242 4242 4242 4242", { placeholders });
    expect(first).toEqual({ text: "<EMAIL_1>, <EMAIL_2>, card <CARD_1>", counts: { email: 2, card: 1 } });
    expect(redact("card 4242424242424242 of BOB@x.org", { placeholders }).text).toBe("card <CARD_1> of <EMAIL_2>");
  });
});

describe("what is no secret stays", () => {
  it.each([
    "4242424242424242 * 2 = 8484848484848484",
    "The product is 4111111111111111.",
    "1234 5678 9012 3456 + 1",
    "12345678 + 87654321 = 99999999, 5 +12345678",
    "a change of +25 000 000",
    "550e8400-e29b-41d4-a716-446655440000",
    "primary key 550e8400-e29b-41d4-a716-446655440000",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 5bd5e16a0f9d7c3e2b1a4f6d8c9e0a1b2c3d4e5f",
    "ISBN 978-3-16-148410-0 and 9783161484100",
    "npm install lodash@4.17.21 @types/node",
    "git@github.com:owner/repo.git",
    "@app.route('/x')\ndef f(x): return x @ w.T",
    "y = x@w.dot(z)",
    "const token = tokenizer.next(); const key = keys[0]; max_tokens: 4096",
    "password = os.environ['DB_PASSWORD_1']",
    "password=get_password2()",
    `Authorization: Bearer \${TOKEN}`,
    "Authorization: Bearer YOUR_API_KEY",
    `postgres://user:\${PASSWORD}@host/db`,
    "class='sk-fading-circle12 sk-estimator-doc-link-1'",
    "2026-03-01T00:00:00+01:00, 1e+10, UTC+5",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUBase64\n-----END CERTIFICATE-----",
    'if (text.includes("-----BEGIN PRIVATE KEY-----")) return;',
    "<EMAIL_1> paid <CARD_2> with password=<SECRET_1>",
  ])("%s", (text) => {
    expect(redacted(text)).toBe(text);
  });
});

describe("any text", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom(
      ...SECRETS.map(([, value]) => value),
      ...["ada@example.com", "4242 4242 4242 4242", "4242424242424242", "DE89 3704 0044 0532 0130 00", "+442079460958"],
      ...[
        "password: ",
        "token=",
        "card ",
        "key is ",
        "Authorization: ",
        "Bearer ",
        "://",
        "a:b@",
        "@",
        "<EMAIL_1>",
        "<",
      ],
      ...["0049", "-", "_", " ", ".", "\n", "+", "sk-", "eyJ", "x", "9", '"', "\\n", "-----BEGIN ", "PRIVATE KEY-----"],
    ),
  );
  const text = fc.array(part, { maxLength: 14 }).map((parts) => parts.join(""));

  it("is the same when it is redacted again, and stays well-formed", () => {
    fc.assert(
      fc.property(text, (given) => {
        const once = redacted(given.toWellFormed());
        expect(redact(once)).toEqual({ text: once, counts: {} });
        expect(once.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("takes linear time", () => {
    const units = [
      ...["a", "@", "a@", "a.", "a@b.", "a@bc.de ", "eyJ", "eyJ.", `eyJ${RANDOM}.`, "://", "://a@", "://a:b", "1", "-"],
      ...[
        "1-",
        "1 ",
        "4111 ",
        "4242 4242 4242 4241 ",
        "sk-",
        "sk-a1B2-",
        "_",
        "AKIA",
        "SG.",
        "GB82 WEST ",
        "GB82",
        "+",
        "+1",
      ],
      ...["-----BEGIN ", "-----BEGIN PRIVATE KEY-----", `-----BEGIN PRIVATE KEY-----${RANDOM}`, "token:", "password:a"],
      ...[
        "token=a1b2c3d4e5f6g7h8 ",
        "authorization: ",
        "authorization:a",
        "Bearer ",
        "key is ",
        "=",
        ":",
        "+4 4",
        "\\n",
      ],
    ];
    const rows = units.map((unit) => {
      const [short, middle, long] = [50_000, 100_000, 200_000].map((length) => {
        const evil = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
        let best = Infinity;
        for (let i = 0; i < 3; i++) best = Math.min(best, millisecondsOf(evil));
        return best;
      }) as [number, number, number];
      return { unit: unit.slice(0, 30), short, middle, long };
    });
    const slowest = rows.toSorted((a, b) => b.middle - a.middle).slice(0, 5);
    console.log(
      "slowest per 100,000 characters:",
      slowest.map(({ unit, middle }) => `${JSON.stringify(unit)} ${middle.toFixed(1)} ms`).join(", "),
    );
    console.log(`1,400 characters of prose: ${proseMicroseconds().toFixed(1)} microseconds`);
    // Four times the text in a quadratic detector is sixteen times the time; below 20 ms noise decides.
    for (const { unit, short, long } of rows) expect(long, unit).toBeLessThan(Math.max(12 * short, 200));
  });
});

function proseMicroseconds(): number {
  const prose = "The library stays open in winter, and everyone agrees that it has to. ".repeat(20);
  let best = Infinity;
  for (let i = 0; i < 20; i++) {
    const started = performance.now();
    for (let k = 0; k < 1_000; k++) redact(prose);
    best = Math.min(best, performance.now() - started);
  }
  return best;
}

function millisecondsOf(text: string): number {
  const started = performance.now();
  try {
    redact(text);
  } catch {
    // More finds than a record may have: what it took until then counts.
  }
  return performance.now() - started;
}

const data = process.env.WHETSTONE_REAL_DATA ?? resolve(import.meta.dirname, "../../../../../shared/data");

describe.skipIf(!existsSync(data))(
  `real texts${existsSync(data) ? "" : ": skipped, there is no ../shared/data"}`,
  () => {
    it("20,000 lines of arithmetic and 6,000 lines of code pass unchanged", () => {
      const arithmetic = textsOf(jsonLines(readFileSync(join(data, "gsm8k-solutions.jsonl"))));
      const code = textsOf(jsonLines(gunzipSync(readFileSync(join(data, "HumanEval.jsonl.gz")))));
      const lines = [...arithmetic, ...code].flatMap((text) => text.split("\n"));
      const changed = [...lines, ...arithmetic, ...code].filter((text) => redacted(text) !== text);
      console.log(`lines ${lines.length}, changed ${changed.length}`);
      expect(lines.length).toBeGreaterThan(26_000);
      expect(changed).toEqual([]);
    });

    it("finds what is labelled in 1,000 texts", () => {
      const rows = JSON.parse(readFileSync(join(data, "presidio-synth.json"), "utf8")) as readonly LabelledText[];
      const withSsn = redactor({ ssn: true });
      const table = Object.entries(LABELS).map(([type, kind]) => {
        let [labelled, gone, found, right] = [0, 0, 0, 0];
        for (const { full_text: text, spans } of rows) {
          const result = withSsn(text);
          const ours = spans.filter((span) => span.entity_type === type);
          const goneHere = ours.filter(({ entity_value }) => !result.text.includes(entity_value)).length;
          labelled += ours.length;
          gone += goneHere;
          found += result.counts[kind] ?? 0;
          right += Math.min(goneHere, result.counts[kind] ?? 0);
        }
        return { type, labelled, gone, found, right };
      });
      console.table(
        table.map(({ type, labelled, gone, found, right }) => ({
          type,
          labelled,
          found,
          precision: (right / found).toFixed(3),
          recall: (gone / labelled).toFixed(3),
        })),
      );
      expect(table.map(({ type, labelled, found, right }) => [type, labelled, found, right])).toEqual([
        ["EMAIL_ADDRESS", 33, 33, 33],
        ["CREDIT_CARD", 97, 97, 97],
        ["IBAN_CODE", 16, 16, 16],
        ["PHONE_NUMBER", 59, 10, 10],
        ["US_SSN", 12, 12, 12],
      ]);
    });
  },
);

interface LabelledText {
  readonly full_text: string;
  readonly spans: readonly { readonly entity_type: string; readonly entity_value: string }[];
}

const LABELS: Readonly<Record<string, RedactedKind>> = {
  EMAIL_ADDRESS: "email",
  CREDIT_CARD: "card",
  IBAN_CODE: "iban",
  PHONE_NUMBER: "phone",
  US_SSN: "ssn",
};

function jsonLines(bytes: Buffer): unknown[] {
  const lines = bytes.toString("utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as unknown);
}

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

describe("wrong use", () => {
  it("wrong options are refused at once", () => {
    expect(() => redactor({ mail: true } as never)).toThrow(ConfigError);
    expect(() => redactor({ email: "yes" } as never)).toThrow("redact.email");
  });

  it("a detector that is async is told so", () => {
    const later = redactor({ also: (async (text: string) => text) as never });
    expect(() => later("text")).toThrow("not a string");
  });

  it("more than 10,000 values in one record are refused", () => {
    const many = Array.from({ length: 10_001 }, (_, i) => `u${i}@x.org`).join(" ");
    expect(() => redact(many)).toThrow("10000");
  });
});
