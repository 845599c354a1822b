/**
 * Rewrites LaTeX and typographic mathematics as plain ASCII: `\frac{1}{2}` → `(1/2)`, `1½` → `1 1/2`, `x²` → `x^(2)`,
 * `−5` → `-5`. What it does not know stays as it is. Never throws; meant for answers, so for some thousand characters.
 */
export function plainMath(text: string): string {
  let plain = "";
  for (const char of text) plain += TYPOGRAPHY[char] ?? vulgarFraction(char);
  // Two neighbours such as ¹² belong to one exponent.
  plain = plain.replaceAll(")^(", "");
  if (plain.includes("\\") || plain.includes("^{")) plain = reader(plain).rest(0);
  return plain
    .replaceAll("{,}", ",")
    .replace(/\^ ?°/g, "°")
    .replace(/[^\S\n]+/g, " ")
    .trim();
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const TYPOGRAPHY: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...SUPERSCRIPTS].map((char, digit) => [char, `^(${digit})`])),
  "⁻": "^(-)",
  "−": "-",
  "–": "-",
  "—": "-",
  "﹣": "-",
  "‐": "-",
  "‑": "-",
  "×": "*",
  "·": "*",
  "⋅": "*",
  "∗": "*",
  "∙": "*",
  "÷": "/",
  "⁄": "/",
  "∕": "/",
  "√": " sqrt ",
  π: "pi",
  "∞": "Infinity",
  "≤": "<=",
  "≥": ">=",
  "’": "'",
  "\u00a0": " ",
  "\u2007": " ",
  "\u2009": " ",
  "\u200a": " ",
  "\u202f": " ",
  "\u200b": "",
  "\ufeff": "",
};

function vulgarFraction(char: string): string {
  if (!/[¼-¾⅐-⅞]/.test(char)) return char;
  // The space makes 2½ the mixed number "2 1/2".
  return ` ${char.normalize("NFKC").replace("⁄", "/")}`;
}

const MAX_DEPTH = 20;

/** Commands that stand for a text of their own. */
const WORDS: Readonly<Record<string, string>> = {
  cdot: "*",
  times: "*",
  ast: "*",
  div: "/",
  infty: "Infinity",
  circ: "°",
  degree: "°",
  pm: "±",
  le: "<=",
  leq: "<=",
  ge: ">=",
  geq: ">=",
  quad: " ",
  qquad: " ",
  approx: "=",
  left: "",
  right: "",
  big: "",
  Big: "",
  bigl: "",
  bigr: "",
  displaystyle: "",
};

const TRANSPARENT = new Set(
  "text textrm textbf textit mathrm mathbf mathit mathsf operatorname mbox boxed fbox emph".split(" "),
);
const FRACTIONS = new Set("frac dfrac tfrac cfrac".split(" "));
const PLAIN_NUMBER = /^\d+(?:\.\d+)?$/;

/** One pass over LaTeX. Each method reads from `at` on and moves it. */
function reader(source: string): { rest(depth: number): string } {
  let at = 0;

  /** Everything up to the brace that closes this level. */
  function rest(depth: number): string {
    let out = "";
    while (at < source.length) {
      const char = source[at] as string;
      at += 1;
      if (char === "}") {
        if (depth > 0) return out;
      } else if (char === "\\") out += command(out, depth);
      else if (char === "{") out += grouped(depth, out.at(-1));
      else if (char === "~") out += " ";
      else out += char;
    }
    return out;
  }

  function grouped(depth: number, before: string | undefined): string {
    if (depth >= MAX_DEPTH) return "(";
    const inner = rest(depth + 1);
    if (inner === "°" && before === "^") return inner;
    if (inner === "," || inner === "") return inner; // 1{,}234
    return before !== "^" && /^[\w.]*$/.test(inner) ? inner : `(${inner})`;
  }

  /** A braced group, or the single character or command that LaTeX takes in its place. */
  function argument(depth: number): string {
    while (source[at] === " ") at += 1;
    const char = source[at];
    if (char === undefined || depth >= MAX_DEPTH) return "";
    at += 1;
    if (char === "{") return rest(depth + 1);
    return char === "\\" ? command("", depth + 1) : char;
  }

  function command(before: string, depth: number): string {
    const start = at;
    while (at < source.length && /[A-Za-z]/.test(source[at] as string)) at += 1;
    const name = source.slice(start, at);
    if (name === "") {
      const char = source[at] ?? "";
      at += 1;
      if (char === "!") return "";
      return ",;: \\\n".includes(char) ? " " : char;
    }
    if (FRACTIONS.has(name)) return fraction(before, depth);
    if (name === "sqrt") return root(depth);
    if (TRANSPARENT.has(name)) return argument(depth);
    if ((name === "left" || name === "right") && source[at] === ".") at += 1;
    return WORDS[name] ?? (/\w$/.test(before) ? ` ${name}` : name);
  }

  function fraction(before: string, depth: number): string {
    const [over, under] = [argument(depth).trim(), argument(depth).trim()];
    const size = over.replace(/^-/, "");
    if (!PLAIN_NUMBER.test(size) || !PLAIN_NUMBER.test(under)) return `((${over})/(${under}))`;
    const isMixed = /\d\s*$/.test(before.slice(-8)) && size === over;
    if (isMixed) return ` ${over}/${under}`;
    return before === "" && size !== over ? `-(${size}/${under})` : `(${over}/${under})`;
  }

  function root(depth: number): string {
    let degree = "";
    if (source[at] === "[") {
      const end = source.indexOf("]", at);
      if (end > at && end - at < 20) {
        degree = source.slice(at + 1, end);
        at = end + 1;
      }
    }
    const radicand = argument(depth);
    return degree === "" ? ` sqrt(${radicand})` : ` nthRoot(${radicand}, ${degree})`;
  }

  return { rest };
}
