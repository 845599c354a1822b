/** A number as somebody wrote it: how much, how precisely, and of what. */
export interface Quantity {
  readonly value: number;
  /** The exact value, `over / under`, with `under` > 0. */
  readonly over: bigint;
  readonly under: bigint;
  /** Digits after the decimal point; Infinity for a fraction, which is exact. */
  readonly decimals: number;
  readonly percent: boolean;
  /** Null for none, and for nouns that are no unit of measure ("18 eggs"). */
  readonly unit: Unit | null;
}

/** A unit of measure: `kind` names what it measures, `factor` leads to the base unit of that kind. */
export interface Unit {
  readonly kind: string;
  readonly factor: number;
  /** The unit below "per", as in km per hour. */
  readonly per: Unit | null;
}

/**
 * Reads a plain-text quantity: `1,234.50`, `-3/4`, `2 1/2`, `$18`, `18 dollars`, `18 km/h`, `50 %`, `1.2e-3`,
 * `1.2 * 10^(-3)`, `1.5 million`. Null when the text is anything else.
 */
export function parseQuantity(text: string): Quantity | null {
  if (text.length > MAX_LENGTH) return null;
  return parseOne(text.trim()) ?? parseSum(text.trim());
}

/** `2 hours 30 minutes`: amounts of one kind, each of a smaller unit than the one before. */
function parseSum(text: string): Quantity | null {
  const parts = text.split(/(?:,? and|,)? (?=\d)/);
  if (parts.length < 2 || parts.length > MAX_PARTS) return null;
  let sum: Quantity | null = null;
  for (const part of parts) {
    const next = /^\d\S* [A-Za-z]+$/.test(part) ? parseOne(part) : null;
    if (!next?.unit) return null;
    sum = sum ? added(sum, next) : next;
    if (!sum) return null;
  }
  return sum;
}

function added(whole: Quantity, rest: Quantity): Quantity | null {
  if (!whole.unit || !rest.unit || whole.unit.kind !== rest.unit.kind) return null;
  const ratio = Math.round(whole.unit.factor / rest.unit.factor);
  if (ratio < 2) return null;
  const over = whole.over * rest.under * BigInt(ratio) + rest.over * whole.under;
  const under = whole.under * rest.under;
  return { ...rest, over, under, value: quotient(over, under) };
}

/** Days, hours, minutes and seconds. */
const MAX_PARTS = 4;

function parseOne(text: string): Quantity | null {
  const match = QUANTITY.exec(text);
  if (!match?.groups) return null;
  const { sign1, currency, sign2, whole, over, under, decimal, exponent, times, power, rest = "" } = match.groups;
  if (sign1 && sign2) return null;

  let exact: Exact | null;
  if (under !== undefined) exact = fraction(whole, over ?? "", under);
  else if (power !== undefined) exact = scaled({ over: 1n, under: 1n, decimals: 0 }, Number(power));
  else exact = scaled(digits(decimal ?? ""), Number(exponent ?? times ?? 0));
  const suffix = readSuffix(rest, currency);
  if (!exact || !suffix) return null;

  if (suffix.scale > 0) exact = scaled(exact, suffix.scale);
  if (!exact) return null;
  const numerator = sign1 === "-" || sign2 === "-" ? -exact.over : exact.over;
  const value = quotient(numerator, exact.under);
  if (!Number.isFinite(value)) return null;
  return { ...exact, over: numerator, value, percent: suffix.percent, unit: suffix.unit };
}

const MAX_LENGTH = 200;
/** Exponents beyond a double's are no answer to anything, and would make huge integers. */
const MAX_EXPONENT = 308;

const DECIMAL = [
  String.raw`\d{1,3}(?:[,'_ ]\d{3})+(?![\d,])(?:\.\d+)?`, // 1,234.5 and 1 234.5
  String.raw`\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])(?:\.\d+)?`, // 12,34,567
  String.raw`\d{1,3}(?:\.\d{3})+,\d+`, // 1.234,5
  String.raw`\d{1,3}(?:\.\d{3}){2,}(?![\d.])`, // 1.234.567
  String.raw`\d+(?:\.\d*)?`,
  String.raw`\.\d+`,
].join("|");

const SIMPLE = String.raw`\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?`;

const QUANTITY = new RegExp(
  [
    String.raw`^(?<sign1>[-+])? ?(?<currency>US\$|[$€£¥₹])? ?(?<sign2>[-+])?`,
    "(?:",
    String.raw`(?:(?<whole>\d{1,15})(?: | and ))?\(?(?<over>${SIMPLE}) ?/ ?(?<under>${SIMPLE})\)?`,
    String.raw`|10 ?\^ ?\(?(?<power>[-+]?\d{1,4})\)?`,
    `|(?<decimal>${DECIMAL})`,
    String.raw`(?:[eE](?<exponent>[-+]?\d{1,4})| ?[*x] ?10 ?(?:\^|\*\*) ?\(?(?<times>[-+]?\d{1,4})\)?)?`,
    ")",
    String.raw`(?<rest>(?![\d.,(])[^\n]*)$`,
  ].join(""),
  "u",
);

interface Exact {
  readonly over: bigint;
  readonly under: bigint;
  readonly decimals: number;
}

function digits(decimal: string): Exact {
  let plain = decimal.replace(/[ '_]/g, "");
  const [comma, dot] = [plain.lastIndexOf(","), plain.lastIndexOf(".")];
  const isEuropean = (comma > dot && dot >= 0) || plain.indexOf(".") !== dot;
  plain = isEuropean ? plain.replaceAll(".", "").replace(",", ".") : plain.replaceAll(",", "");
  const [whole = "", fractional = ""] = plain.split(".");
  return {
    over: BigInt(`${whole}${fractional}` || "0"),
    under: 10n ** BigInt(fractional.length),
    decimals: fractional.length,
  };
}

function fraction(whole: string | undefined, over: string, under: string): Exact | null {
  const [top, bottom] = [digits(over), digits(under)];
  if (bottom.over === 0n) return null;
  const exact = { over: top.over * bottom.under, under: top.under * bottom.over, decimals: Infinity };
  return whole === undefined ? exact : { ...exact, over: exact.over + BigInt(whole) * exact.under };
}

function scaled(exact: Exact, exponent: number): Exact | null {
  if (Math.abs(exponent) > MAX_EXPONENT) return null;
  const decimals = Math.max(0, exact.decimals - exponent);
  const power = 10n ** BigInt(Math.abs(exponent));
  if (exponent < 0) return { over: exact.over, under: exact.under * power, decimals };
  return { over: exact.over * power, under: exact.under, decimals };
}

/** The nearest double, also where both integers are too large for one. */
function quotient(over: bigint, under: bigint): number {
  const [top, bottom] = [Number(over), Number(under)];
  if (Number.isFinite(top) && Number.isFinite(bottom)) return top / bottom;
  const shift = BigInt(Math.max(over.toString(2).length, under.toString(2).length) - 1000);
  return Number(over >> shift) / Number(under >> shift);
}

const SCALES: Readonly<Record<string, number>> = {
  hundred: 2,
  thousand: 3,
  million: 6,
  billion: 9,
  trillion: 12,
  mn: 6,
  bn: 9,
};

/** Letters that are mathematics, not a unit, when they follow a number. */
const MATHS = new Set(
  "pi e i x y z n sqrt sin cos tan log ln exp abs mod infinity nthroot frac theta alpha".split(" "),
);

const MONEY: Readonly<Record<string, string>> = {
  $: "usd",
  US$: "usd",
  "€": "eur",
  "£": "gbp",
  "¥": "jpy",
  "₹": "inr",
};

function readSuffix(
  rest: string,
  currency: string | undefined,
): { readonly scale: number; readonly percent: boolean; readonly unit: Unit | null } | null {
  let unit: Unit | null = null;
  if (currency) unit = { kind: `money:${MONEY[currency]}`, factor: 1, per: null };
  let scale = 0;
  let words = rest.trim();
  const first = /^[A-Za-z]+(?![\w^(])/.exec(words)?.[0] ?? "";
  if (first in SCALES) {
    scale = SCALES[first] ?? 0;
    words = words.slice(first.length).trim();
  } else if (/^[kK]$/.test(words) && rest === words) {
    return { scale: 3, percent: false, unit };
  }
  if (words === "") return { scale, percent: false, unit };
  const percent = /^(?:%|percent(?:age)?\b|per ?cent\b|pct\b)/.exec(words);
  if (percent) {
    const after = words.slice(percent[0].length).trim();
    return after === "" || PHRASE.test(after) ? { scale, percent: true, unit } : null;
  }
  const attached = !rest.startsWith(" ");
  // Degrees are angles or temperatures; which, the question says.
  if (/^(?:°|deg|degrees?)$/.test(words)) return { scale, percent: false, unit };
  const measured = readUnit(words, attached);
  if (measured) return { scale, percent: false, unit: unit ?? measured };
  // A noun needs the space, or 2x would be two of something.
  const noun = (!attached || scale > 0) && PHRASE.test(words) && !MATHS.has(words.toLowerCase());
  return noun && !/^[A-Za-z](?![A-Za-z'])/.test(words) ? { scale, percent: false, unit } : null;
}

/** Words without a digit or an operator. */
const PHRASE = /^[\p{L}"'][\p{L} ,.'’"/-]{0,150}$/u;

/** name or names → [kind, factor]. Nouns with two meanings ("pounds", "ounces") are left out on purpose. */
const UNITS = new Map<string, readonly [string, number]>(
  (
    [
      ["mm millimeter millimetre", "length", 0.001],
      ["cm centimeter centimetre", "length", 0.01],
      ["m meter metre", "length", 1],
      ["km kilometer kilometre", "length", 1000],
      ["in inch inche", "length", 0.0254],
      ["ft foot feet", "length", 0.3048],
      ["yd yard", "length", 0.9144],
      ["mi mile", "length", 1609.344],
      ["mg milligram", "mass", 1e-6],
      ["g gram", "mass", 0.001],
      ["kg kilogram kilo", "mass", 1],
      ["lb", "mass", 0.45359237],
      ["ms millisecond", "time", 0.001],
      ["s sec second", "time", 1],
      ["min minute", "time", 60],
      ["h hr hour", "time", 3600],
      ["day", "time", 86_400],
      ["week", "time", 604_800],
      ["month", "months", 1],
      ["yr year", "months", 12],
      ["ml milliliter millilitre", "volume", 0.001],
      ["l L liter litre", "volume", 1],
      ["usd USD dollar buck", "money:usd", 1],
      ["cent ¢", "money:usd", 0.01],
      ["€ eur EUR euro", "money:eur", 1],
      ["£ gbp GBP", "money:gbp", 1],
      ["¥ jpy JPY yen", "money:jpy", 1],
      ["₹ inr INR rupee", "money:inr", 1],
      ["$", "money:usd", 1],
      ["°C celsius", "celsius", 1],
      ["°F fahrenheit", "fahrenheit", 1],
    ] as const
  ).flatMap(([names, kind, factor]) => names.split(" ").map((name) => [name, [kind, factor] as const])),
);

const ALIASES: Readonly<Record<string, string>> = {
  mph: "mile/hour",
  kph: "km/hour",
  kmh: "km/hour",
  "degrees celsius": "°C",
  "degrees fahrenheit": "°F",
  "° C": "°C",
  "° F": "°F",
};

/** The unit at the end of an expression, as in `10 sqrt(2) cm`, and what stands in front of it. */
export function trailingUnit(text: string): { readonly text: string; readonly unit: Unit } | null {
  const match = /^(.*[\d)]) ([A-Za-z]+(?:\^\(?[23]\)?)?)$/.exec(text);
  const unit = match && readUnit(match[2] ?? "", false);
  return unit ? { text: match[1] ?? "", unit } : null;
}

function readUnit(words: string, attached: boolean): Unit | null {
  const text = (ALIASES[words.toLowerCase()] ?? ALIASES[words] ?? words).replace(/\.$/, "");
  const [above = "", below, ...more] = text.split(/ ?\/ ?| (?:per|an?|each|every) /);
  if (more.length > 0) return null;
  const unit = readTerm(above, attached);
  if (!unit || below === undefined) return unit;
  return { ...unit, per: readTerm(below, false) };
}

const TERM =
  /^(?<adjective>square |sq |cubic )?(?<name>[\p{L}°$€£¥₹¢]+)(?: ?\^ ?\(?(?<power>[23])\)?| (?<adverb>squared|cubed))?$/u;

function readTerm(text: string, attached: boolean): Unit | null {
  const groups = TERM.exec(text.trim())?.groups;
  if (!groups?.name) return null;
  // 5m may be algebra; 5 m is metres.
  if (attached && /^[A-Za-z]$/.test(groups.name)) return null;
  const entry = UNITS.get(groups.name) ?? UNITS.get(groups.name.toLowerCase().replace(/s$/, ""));
  if (!entry) return null;
  const [kind, factor] = entry;
  const { adjective = "", adverb, power } = groups;
  let dimension = Number(power ?? 1);
  if (adjective.startsWith("sq") || adverb === "squared") dimension = 2;
  if (adjective === "cubic " || adverb === "cubed") dimension = 3;
  return { kind: dimension === 1 ? kind : `${kind}^${dimension}`, factor: factor ** dimension, per: null };
}
