import type { Skill, Step } from "../plan.js";
import { singular } from "../reading.js";

/**
 * Adds up a bill from a list of prices and an order, then applies what comes on top: discount, voucher, tax, tip,
 * delivery, sharing, change from a note. "A pen costs $1.20. How much do 5 pens cost with a 10% discount?"
 */
export const shopping: Skill = (question) => {
  const prices = new Map<string, string>();
  let rest = question;
  for (const pattern of PRICES) {
    rest = rest.replace(pattern, (all: string, ...match: unknown[]) => {
      const { item = "", price = "" } = (match.at(-1) ?? {}) as Record<string, string>;
      const name = itemName(item);
      if (!name) return all;
      prices.set(name, price);
      return " ";
    });
  }
  if (prices.size === 0) return null;

  const steps: Step[] = [];
  const result = (what: string, expression: string) => {
    steps.push({ what, expression });
    return `#${steps.length}`;
  };
  const affordable = /how many ([a-z ]+?) (?:can|could) .*?\$(\d+(?:\.\d+)?)/i.exec(rest);
  if (affordable?.[1] && prices.size === 1) {
    const [price] = prices.values();
    const share = result("How often the price fits into the money", `${affordable[2]} / ${price}`);
    result("Whole ones only", `floor(${share})`);
    return { steps, unit: itemName(affordable[1]) };
  }

  const parts: string[] = [];
  const left = rest.replace(ORDER, (all: string, count: string, item: string) => {
    const name = itemName(item);
    const price = prices.get(name);
    if (!price) return all;
    const number = /^\d/.test(count) ? count : "1";
    parts.push(
      number === "1"
        ? price
        : result(
            `Price of ${number} ${item.split(" ").find((word) => singular(word) === name) ?? name}`,
            `${number} * ${price}`,
          ),
    );
    return " ";
  });
  const [first] = parts;
  if (!first || !/\bhow much|what (?:is|does|do|will)\b/i.test(question)) return null;
  let total = parts.length === 1 ? first : result("Add up the bill", parts.join(" + "));

  const discount = /(\d+(?:\.\d+)?)\s?% (?:discount|off|reduction)|discount of (\d+(?:\.\d+)?)\s?%/i.exec(left);
  if (discount) {
    const saved = result("The discount", `${total} * ${discount[1] ?? discount[2]}%`);
    total = result("Take the discount off", `${total} - ${saved}`);
  }
  const voucher = /\$(\d+(?:\.\d+)?) (?:off|voucher|coupon)/i.exec(left);
  if (voucher) total = result("Take the voucher off", `${total} - ${voucher[1]}`);
  const extra = /(\d+(?:\.\d+)?)\s?% (?:sales )?(?:tax|tip)/i.exec(left);
  if (extra) {
    const added = result("What comes on top", `${total} * ${extra[1]}%`);
    total = result("Add it", `${total} + ${added}`);
  }
  const delivery =
    /(?:delivery|shipping|postage)[a-z ]*? \$(\d+(?:\.\d+)?)|\$(\d+(?:\.\d+)?) (?:for )?(?:delivery|shipping|postage)/i.exec(
      left,
    );
  if (delivery) total = result("Add the delivery", `${total} + ${delivery[1] ?? delivery[2]}`);
  const sharers =
    /\b(?:split|shared?|divided?)\b.*?\b(?:by|among|between) (?:the )?(\d+)\b|(\d+) friends (?:share|split)/i.exec(
      left,
    );
  if (sharers) total = result("Each one's share", `${total} / ${sharers[1] ?? sharers[2]}`);
  const paid =
    /\$(\d+(?:\.\d+)?) (?:note|bill)|pays? with \$(\d+(?:\.\d+)?)|from \$(\d+(?:\.\d+)?)|has \$(\d+(?:\.\d+)?)/i.exec(
      left,
    );
  if (paid && /\b(?:change|left)\b/i.test(left)) {
    total = result("The change", `${paid[1] ?? paid[2] ?? paid[3] ?? paid[4]} - ${total}`);
  }
  return steps.length > 0 ? { steps, unit: "$" } : null;
};

const PRICES = [
  /\b(?:an?|one|each|every|the) (?<item>[a-z]+(?: [a-z]+)?) (?:costs?|is|sells for) \$(?<price>\d+(?:\.\d+)?)/gi,
  /\b(?<item>[a-z]+) (?:cost|are|sell for) \$(?<price>\d+(?:\.\d+)?) (?:each|apiece)/gi,
  /\$(?<price>\d+(?:\.\d+)?) (?:for (?:each |an? )?|per |an? )(?<item>[a-z]+)/gi,
];

const ORDER = /\b(\d+|an?|one) ([a-z]+(?: [a-z]+)?)\b/gi;

// The last word says what it is; "one pencil case" and "3 pencil cases" share it.
function itemName(words: string): string {
  const [first = "", second] = words.trim().split(" ");
  if (!second || /^(?:and|cost|costs|each|is|in|at|with|for|together|altogether|if|can|would|buy|pay)$/i.test(second)) {
    return singular(first);
  }
  return singular(second);
}
