import { type Plan, plan, type Skill } from "../plan.js";
import { phrase } from "../reading.js";

/** Area, perimeter, missing sides and volume of the usual shapes, and what fence, tiles or paint they take. */
export const geometry: Skill = (question) => {
  for (const shape of [box, tiles, border, rectangle, square, triangle, trapezium, circle]) {
    const found = shape(question);
    if (found) return found;
  }
  return null;
};

const LENGTH = "(?:cm|m|km|mm|metres?|centimetres?)";
const UNITS: Record<string, string> = { metre: "m", metres: "m", centimetre: "cm", centimetres: "cm" };

function unitOf(question: string): string {
  const unit = new RegExp(`\\d (?:square )?(${LENGTH})\\b`, "i").exec(question)?.[1] ?? "";
  return UNITS[unit] ?? unit;
}

const sides = phrase(`{length}(?: ${LENGTH})?(?: long)?,? (?:by|and|wide and) {width} ${LENGTH}(?: (?:wide|long))?`);
const rectangular = /\b(?:rectang|garden|field|room|floor|lawn|wall|plot|yard|pool|picture)/i;

function rectangle(question: string): Plan | null {
  if (!rectangular.test(question)) return null;
  const unit = unitOf(question);
  const fromArea = phrase(`area of {area} square ${LENGTH}.* {side} ${LENGTH}`)(question);
  if (fromArea) {
    const other: [string, string] = ["The other side", `${fromArea.area} / ${fromArea.side}`];
    if (/what is (?:its|the) perimeter/i.test(question)) {
      return plan(unit, other, ["Both sides", `${fromArea.side} + #1`], ["Twice that", "2 * #2"]);
    }
    return plan(unit, other);
  }
  const fromPerimeter = phrase(`perimeter of {perimeter} ${LENGTH}.* {side} ${LENGTH}`)(question);
  if (fromPerimeter) {
    const half: [string, string] = ["Half the perimeter", `${fromPerimeter.perimeter} / 2`];
    const other: [string, string] = ["The other side", `#1 - ${fromPerimeter.side}`];
    return /\barea\b/i.test(question)
      ? plan(`square ${unit}`, half, other, ["Side times side", `${fromPerimeter.side} * #2`])
      : plan(unit, half, other);
  }
  const found = sides(question);
  if (!found) return null;
  const both: [string, string] = ["Both sides", `${found.length} + ${found.width}`];
  const around: [string, string] = ["All the way round", "2 * #1"];
  const area: [string, string] = ["The area", `${found.length} * ${found.width}`];
  const price = /\$(\d+(?:\.\d+)?)/.exec(question)?.[1];
  if (price && /fenc|hedge|frame|border/i.test(question))
    return plan("$", both, around, ["Metres times price", `#2 * ${price}`]);
  if (price) return plan("$", area, ["Area times price", `#1 * ${price}`]);
  const walks = phrase("(?:walks|runs) round it {times} times")(question);
  if (walks) return plan(unit, both, around, ["That many rounds", `#2 * ${walks.times}`]);
  if (/perimeter|fenc|round|how long/i.test(question)) return plan(unit, both, around);
  return /\barea\b|square/i.test(question) ? plan(`square ${unit}`, area) : null;
}

function square(question: string): Plan | null {
  if (!/\bsquare\b/i.test(question)) return null;
  const unit = unitOf(question);
  const perimeter = phrase(`perimeter of {perimeter} ${LENGTH}`)(question);
  if (perimeter && /\barea\b/i.test(question)) {
    return plan(`square ${unit}`, ["One side", `${perimeter.perimeter} / 4`], ["Side times side", "#1 * #1"]);
  }
  const area = phrase(`area of {area} square ${LENGTH}`)(question);
  if (area) {
    const side: [string, string] = ["One side", `sqrt(${area.area})`];
    return /perimeter/i.test(question) ? plan(unit, side, ["Four sides", "4 * #1"]) : plan(unit, side);
  }
  const side = phrase(`(?:side|sides|edge)s?(?: of| are)? {side} ${LENGTH}`)(question);
  if (!side) return null;
  if (/perimeter/i.test(question)) return plan(unit, ["Four sides", `4 * ${side.side}`]);
  return plan(`square ${unit}`, ["Side times side", `${side.side} * ${side.side}`]);
}

function triangle(question: string): Plan | null {
  if (!/triang/i.test(question)) return null;
  const unit = unitOf(question);
  const angles = phrase("angles? [a-z ]*?(?:of|are|measure) {first}(?: degrees)? and {second} degrees")(question);
  if (angles) {
    return plan(
      "degrees",
      ["The two angles together", `${angles.first} + ${angles.second}`],
      ["What is left of 180", "180 - #1"],
    );
  }
  const found = phrase(`base (?:of|is) {base} ${LENGTH}.*?height (?:of|is) {height}`)(question);
  if (found)
    return plan(`square ${unit}`, ["Base times height", `${found.base} * ${found.height}`], ["Half of it", "#1 / 2"]);
  const legs = phrase(`(?:legs|short sides)[a-z ]*? {a}(?: ${LENGTH})? and {b} ${LENGTH}`)(question);
  if (legs && /hypotenuse|longest side/i.test(question)) {
    return plan(
      unit,
      ["First leg squared", `${legs.a} ^ 2`],
      ["Second leg squared", `${legs.b} ^ 2`],
      ["Their sum", "#1 + #2"],
      ["Its root", "sqrt(#3)"],
    );
  }
  return null;
}

function trapezium(question: string): Plan | null {
  const found = phrase(`trapez.*?parallel sides[a-z ]*? {a}(?: ${LENGTH})? and {b} ${LENGTH}.*? {height} ${LENGTH}`)(
    question,
  );
  return (
    found &&
    plan(
      `square ${unitOf(question)}`,
      ["Parallel sides together", `${found.a} + ${found.b}`],
      ["Times the height", `#1 * ${found.height}`],
      ["Half of it", "#2 / 2"],
    )
  );
}

function circle(question: string): Plan | null {
  const pi = phrase("{pi} for pi|pi (?:as|=|to be) {other}")(question);
  if (!pi || !/circ|round/i.test(question)) return null;
  const unit = unitOf(question);
  const value = pi.pi ?? pi.other;
  const diameter = phrase(`diameter of {d}`)(question)?.d;
  const radius = phrase(`radius of {r}`)(question)?.r;
  const steps: [string, string][] = [];
  if (!radius && !diameter) return null;
  if (!radius) steps.push(["The radius", `${diameter} / 2`]);
  const r = radius ?? "#1";
  if (/circumference|round the edge|perimeter/i.test(question)) {
    return plan(unit, ...steps, ["The diameter", `2 * ${r}`], ["Times pi", `#${steps.length + 1} * ${value}`]);
  }
  return plan(
    `square ${unit}`,
    ...steps,
    ["The radius squared", `${r} ^ 2`],
    ["Times pi", `#${steps.length + 1} * ${value}`],
  );
}

function box(question: string): Plan | null {
  const found = phrase(`{a}(?: ${LENGTH})?(?: long)?(?:,| by) {b}(?: ${LENGTH})?(?: wide)?,? (?:and|by) {c} ${LENGTH}`)(
    question,
  );
  if (found && /volume|how many (?:litres|cubic)|hold/i.test(question)) {
    const unit = unitOf(question);
    const base: [string, string] = ["Length times width", `${found.a} * ${found.b}`];
    return plan(`cubic ${unit}`, base, ["Times height", `#1 * ${found.c}`]);
  }
  const cube = phrase(`cube.*?(?:edge|side)s?(?: of| are)? {a} ${LENGTH}`)(question);
  if (!cube) return null;
  if (/surface/i.test(question))
    return plan(`square ${unitOf(question)}`, ["One face", `${cube.a} ^ 2`], ["Six faces", "6 * #1"]);
  return plan(`cubic ${unitOf(question)}`, ["The edge to the third", `${cube.a} ^ 3`]);
}

function tiles(question: string): Plan | null {
  if (!/tile|slab/i.test(question)) return null;
  const floor = sides(question);
  const tile =
    phrase(`(?:tiles?|slabs?)[a-z ]*? {side} cm`)(question) ??
    phrase(`{side} cm (?:square )?(?:tiles|slabs)`)(question);
  if (!floor || !tile) return null;
  return plan(
    "tiles",
    ["A tile's side in metres", `${tile.side} / 100`],
    ["Tiles along one side", `${floor.length} / #1`],
    ["Tiles along the other", `${floor.width} / #1`],
    ["All tiles", "#2 * #3"],
  );
}

function border(question: string): Plan | null {
  const found = sides(question);
  const path = phrase(`(?:path|border|frame)[a-z ]*? {width} ${LENGTH} wide (?:runs |goes )?(?:all )?(?:a?round)`)(
    question,
  );
  if (!found || !path || !/area of the (?:path|border|frame)/i.test(question)) return null;
  return plan(
    `square ${unitOf(question)}`,
    ["Twice the width", `2 * ${path.width}`],
    ["Outer length", `${found.length} + #1`],
    ["Outer width", `${found.width} + #1`],
    ["Outer area", "#2 * #3"],
    ["Inner area", `${found.length} * ${found.width}`],
    ["What lies between", "#4 - #5"],
  );
}
