import { count, percent } from "../counted.js";
import { type Combination, OTHERS, type Series, type Share, UNNAMED } from "./collect-report.js";
import { html, type Markup } from "./markup.js";
import { type Periods, periodLabel } from "./periods.js";

/** A chart, what its colours mean, and the same figures as a table for who cannot or would rather not look at it. */
export interface Chart {
  readonly svg: Markup;
  readonly legend: Markup | null;
  readonly table: Markup;
}

/** Colours that are told apart; what is beyond them is summed up. */
const MOST_SERIES = 5;
const FULL = 1040;
const HALF = 500;
const MARGIN = { left: 46, right: 14, top: 12, bottom: 30 };

/** How many interactions there were in each period, one bar of parts. */
export function volumeChart(all: readonly Series[], periods: Periods): Chart {
  const series = mostFrequent(all);
  const height = 250;
  const sums = Array.from({ length: periods.count }, (_, i) =>
    series.reduce((sum, { periods: cells }) => sum + (cells[i]?.count ?? 0), 0),
  );
  const ticks = roundTicks(Math.max(...sums));
  const top = ticks.at(-1) ?? 1;
  const { x, y, axes } = frame({ width: FULL, height, periods, ticks, top, format: count });
  const step = (FULL - MARGIN.left - MARGIN.right) / periods.count;
  const bar = Math.min(56, step * 0.78);
  const bars = sums.map((sum, period) => {
    let below = 0;
    const parts = series.map(({ periods: cells }, i) => {
      const value = cells[period]?.count ?? 0;
      const [from, to] = [y(below), y(below + value)];
      below += value;
      return (
        value > 0 &&
        html`<rect class="fill-${hue(series, i)}" x="${n(x(period) - bar / 2)}" y="${n(to)}" width="${n(bar)}" height="${n(from - to)}"/>`
      );
    });
    const told = series.flatMap(({ name, periods: cells }) => {
      const value = cells[period]?.count ?? 0;
      return value > 0 ? [`${name}: ${count(value)}`] : [];
    });
    return html`<g class="mark"><title>${periodLabel(periods, period)}: ${count(sum)}\n${told.join("\n")}</title>${parts}<rect class="hit" x="${n(x(period) - step / 2)}" y="${MARGIN.top}" width="${n(step)}" height="${height - MARGIN.top - MARGIN.bottom}"/></g>`;
  });
  return {
    svg: picture(FULL, height, "Interactions over time, by agent", [axes, ...bars]),
    legend: legendOf(series, "square"),
    table: tableOf(
      ["From (UTC)", ...series.map(({ name }) => name), "All"],
      sums.map((sum, period) => [
        periodLabel(periods, period),
        ...series.map(({ periods: cells }) => count(cells[period]?.count ?? 0)),
        count(sum),
      ]),
    ),
  };
}

/** The mean score in each period, a line for each series. Where nothing is scored the line is broken. */
export function qualityChart(all: readonly Series[], periods: Periods, of: string): Chart {
  const series = mostFrequent(all.filter(({ scored }) => scored > 0));
  const height = 250;
  const { x, y, axes } = frame({
    width: HALF,
    height,
    periods,
    ticks: [0, 0.2, 0.4, 0.6, 0.8, 1],
    top: 1,
    format: fixed(1),
  });
  const dense = periods.count > 32;
  const drawn = series.map(({ name, periods: cells }, i) => {
    const points = cells.flatMap(({ mean, scored }, period) => (mean === null ? [] : [{ period, mean, scored }]));
    const path = points
      .map(({ period, mean }, k) => `${points[k - 1]?.period === period - 1 ? "L" : "M"}${n(x(period))} ${n(y(mean))}`)
      .join("");
    const marks = points.map(({ period, mean, scored }) => {
      const isAlone = cells[period - 1]?.mean == null && cells[period + 1]?.mean == null;
      const title = `${name}, ${periodLabel(periods, period)}: ${mean.toFixed(2)} (${count(scored)} scored)`;
      const shape = marker(i, x(period), y(mean), dense && !isAlone ? 1.6 : 3.4, hue(series, i));
      return html`<g class="mark"><title>${title}</title>${shape}<circle class="hit" cx="${n(x(period))}" cy="${n(y(mean))}" r="9"/></g>`;
    });
    return html`<path class="line stroke-${hue(series, i)}" d="${path}"/>${marks}`;
  });
  const good = html`<line class="goal" x1="${MARGIN.left}" x2="${HALF - MARGIN.right}" y1="${n(y(0.8))}" y2="${n(y(0.8))}"/>`;
  return {
    svg: picture(HALF, height, `Mean score over time, by ${of}`, [axes, good, ...drawn]),
    legend: legendOf(series, "marker"),
    table: tableOf(
      ["From (UTC)", ...series.map(({ name }) => name)],
      Array.from({ length: periods.count }, (_, period) => [
        periodLabel(periods, period),
        ...series.map(({ periods: cells }) => cells[period]?.mean?.toFixed(2) ?? "–"),
      ]),
    ),
  };
}

/** Every agent and variant: the mean score, and where the true one lies with 95 % confidence. */
export function combinationsChart(all: readonly Combination[]): Chart {
  const shown = [...all].sort((a, b) => b.count - a.count).slice(0, MOST_ROWS);
  const rows = all.filter((row) => shown.includes(row));
  const [left, right, line, top] = [330, 190, 34, 26];
  const height = top + rows.length * line + 12;
  const x = (value: number) => left + value * (FULL - left - right);
  const grid = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (tick) =>
      html`<line class="${tick === 0.8 ? "goal" : "grid"}" x1="${n(x(tick))}" x2="${n(x(tick))}" y1="${top - 4}" y2="${height - 6}"/><text class="tick" x="${n(x(tick))}" y="${top - 11}" text-anchor="middle">${tick.toFixed(1)}</text>`,
  );
  let previous = "";
  const lines = rows.map(({ agentType, variant, mean, interval, count: all, scored, errors }, i) => {
    const middle = top + i * line + line / 2;
    const isNew = agentType !== previous;
    previous = agentType;
    const scores =
      mean === null
        ? "no score"
        : `${mean.toFixed(2)}${interval ? `, 95 % between ${interval[0].toFixed(2)} and ${interval[1].toFixed(2)}` : ""}`;
    const title = `${agentType}, ${variant}: ${scores}; ${count(all)} interactions, ${count(scored)} scored, ${count(errors)} failed`;
    return html`<g class="mark"><title>${title}</title>${isNew && i > 0 && html`<line class="grid" x1="0" x2="${FULL}" y1="${middle - line / 2}" y2="${middle - line / 2}"/>`}${isNew && html`<text class="strong" x="4" y="${middle + 5}">${cut(agentType, 18)}</text>`}<text class="${variant === UNNAMED ? "tick" : "label"}" x="150" y="${middle + 5}">${cut(variant, 24)}</text>${interval && html`<line class="interval" x1="${n(x(interval[0]))}" x2="${n(x(interval[1]))}" y1="${middle}" y2="${middle}"/>`}${mean === null ? html`<text class="tick" x="${n(x(0) + 6)}" y="${middle + 5}">nothing scored</text>` : html`<circle class="fill-0 dot" cx="${n(x(mean))}" cy="${middle}" r="5.5"/>`}<text class="figure" x="${FULL - right + 62}" y="${middle + 5}" text-anchor="end">${mean?.toFixed(2) ?? "–"}</text><text class="tick" x="${FULL - 4}" y="${middle + 5}" text-anchor="end">${count(scored)} of ${count(all)}</text><rect class="hit" x="0" y="${middle - line / 2}" width="${FULL}" height="${line}"/></g>`;
  });
  return {
    svg: picture(FULL, height, "Mean score of every agent and variant", [...grid, ...lines]),
    legend: null,
    table: tableOf(
      ["Agent", "Variant", "Mean", "95 % interval", "Scored", "All", "Failed"],
      all.map(({ agentType, variant, mean, interval, scored, count: all, errors }) => [
        agentType,
        variant,
        mean?.toFixed(2) ?? "–",
        interval ? `${interval[0].toFixed(2)} to ${interval[1].toFixed(2)}` : "–",
        count(scored),
        count(all),
        count(errors),
      ]),
    ),
  };
}

const MOST_ROWS = 24;

/** How many answers have which score. */
export function histogramChart(bins: readonly number[]): Chart {
  const height = 230;
  const ticks = roundTicks(Math.max(...bins));
  const top = ticks.at(-1) ?? 1;
  const step = (HALF - MARGIN.left - MARGIN.right) / bins.length;
  const y = scaleY(height, top);
  const bars = bins.map((value, i) => {
    const title = `${binName(i)}: ${count(value)}`;
    return html`<g class="mark"><title>${title}</title><rect class="${i >= 8 ? "fill-2" : "fill-0"}" x="${n(MARGIN.left + i * step + 2)}" y="${n(y(value))}" width="${n(step - 4)}" height="${n(y(0) - y(value))}"/><rect class="hit" x="${n(MARGIN.left + i * step)}" y="${MARGIN.top}" width="${n(step)}" height="${height - MARGIN.top - MARGIN.bottom}"/></g>`;
  });
  const marks = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
    (tick) =>
      html`<text class="tick" x="${n(MARGIN.left + tick * 10 * step)}" y="${height - 10}" text-anchor="middle">${tick.toFixed(1)}</text>`,
  );
  return {
    svg: picture(HALF, height, "How many answers have which score", [
      gridLines(HALF, y, ticks, count),
      ...bars,
      ...marks,
    ]),
    legend: html`<ul class="legend"><li><svg class="key" viewBox="0 0 12 12" aria-hidden="true"><rect class="fill-2" width="12" height="12"/></svg>high quality: 0.8 and above</li></ul>`,
    table: tableOf(
      ["Score", "Answers"],
      bins.map((value, i) => [binName(i), count(value)]),
    ),
  };
}

/** Parts of a whole as bars with their names. */
export function sharesChart(title: string, parts: readonly { readonly name: string; readonly count: number }[]): Chart {
  const whole = parts.reduce((sum, part) => sum + part.count, 0);
  const rest = parts.slice(MOST_PARTS).reduce((sum, part) => sum + part.count, 0);
  const rows = [...parts.slice(0, MOST_PARTS), ...(rest > 0 ? [{ name: OTHERS, count: rest }] : [])];
  const line = 46;
  const height = rows.length * line + 6;
  const longest = Math.max(1, ...rows.map((row) => row.count));
  const drawn = rows.map(({ name, count: value }, i) => {
    const y = i * line;
    return html`<g class="mark"><title>${name}: ${count(value)} (${percent(value, whole)})</title><text class="label" x="0" y="${y + 17}">${cut(name, 48)}</text><text class="figure" x="${HALF}" y="${y + 17}" text-anchor="end">${count(value)} · ${percent(value, whole)}</text><rect class="track" x="0" y="${y + 25}" width="${HALF}" height="9" rx="4.5"/><rect class="${name === "unscored" ? "fill-5" : "fill-0"}" x="0" y="${y + 25}" width="${n(Math.max(value > 0 ? 4 : 0, (value / longest) * HALF))}" height="9" rx="4.5"/></g>`;
  });
  return {
    svg: picture(HALF, height, title, drawn),
    legend: null,
    table: tableOf(
      ["Source", "Interactions", "Share"],
      parts.map(({ name, count: value }) => [name, count(value), percent(value, whole)]),
    ),
  };
}

const MOST_PARTS = 8;

/** How far it is to as many rows as training needs; `enough` is marked. */
export function potentialChart(
  rows: readonly { readonly name: string; readonly count: number }[],
  enough: number,
): Chart {
  const line = 58;
  const height = rows.length * line + 22;
  // As far as ten times enough, in powers: the step from nothing to enough is the one that matters.
  const most = Math.max(enough * 10, ...rows.map((row) => row.count));
  const x = (value: number) => (Math.log1p(value) / Math.log1p(most)) * FULL;
  const drawn = rows.map(({ name, count: value }, i) => {
    const y = i * line;
    return html`<g class="mark"><title>${name}: ${count(value)}</title><text class="label" x="0" y="${y + 22}">${name}</text><text class="figure big" x="${FULL}" y="${y + 22}" text-anchor="end">${count(value)}</text><rect class="track" x="0" y="${y + 31}" width="${FULL}" height="11" rx="5.5"/><rect class="${value >= enough ? "fill-2" : "fill-0"}" x="0" y="${y + 31}" width="${n(value > 0 ? Math.max(6, x(value)) : 0)}" height="11" rx="5.5"/></g>`;
  });
  const goal = html`<line class="goal" x1="${n(x(enough))}" x2="${n(x(enough))}" y1="28" y2="${height - 18}"/><text class="tick" x="${n(x(enough))}" y="${height - 3}" text-anchor="middle">about ${count(enough)} to begin with</text>`;
  return {
    svg: picture(FULL, height, "How many rows each kind of dataset would have", [...drawn, goal]),
    legend: null,
    table: tableOf(
      ["Dataset", "Rows"],
      rows.map(({ name, count: value }) => [name, count(value)]),
    ),
  };
}

/** The most frequent series, and the sum of all others. */
function mostFrequent(all: readonly Series[]): readonly Series[] {
  if (all.length <= MOST_SERIES) return all;
  const rest = all.slice(MOST_SERIES - 1);
  const periods = (rest[0]?.periods ?? []).map((_, i) => joined(rest.map((series) => series.periods[i] ?? NOTHING)));
  return [...all.slice(0, MOST_SERIES - 1), { name: OTHERS, ...joined(rest), periods }];
}

const NOTHING: Share = { count: 0, scored: 0, mean: null };

function joined(shares: readonly Share[]): Share {
  const scored = shares.reduce((sum, share) => sum + share.scored, 0);
  const total = shares.reduce((sum, share) => sum + share.scored * (share.mean ?? 0), 0);
  return {
    count: shares.reduce((sum, share) => sum + share.count, 0),
    scored,
    mean: scored === 0 ? null : total / scored,
  };
}

/** The colour of a series; what is summed up is grey. */
function hue(series: readonly Series[], i: number): number {
  return series[i]?.name === OTHERS ? MOST_SERIES : i;
}

interface Frame {
  readonly width: number;
  readonly height: number;
  readonly periods: Periods;
  readonly ticks: readonly number[];
  readonly top: number;
  readonly format: (value: number) => string;
}

/** The axes of a chart over time, and where a period and a value are in it. */
function frame({ width, height, periods, ticks, top, format }: Frame) {
  const step = (width - MARGIN.left - MARGIN.right) / periods.count;
  const x = (period: number) => MARGIN.left + (period + 0.5) * step;
  const y = scaleY(height, top);
  const every = Math.ceil(periods.count / Math.floor(width / 110));
  const dates = Array.from({ length: Math.ceil(periods.count / every) }, (_, i) => i * every).map(
    (period) =>
      html`<text class="tick" x="${n(x(period))}" y="${height - 9}" text-anchor="middle">${periodLabel(periods, period)}</text>`,
  );
  return { x, y, axes: html`${gridLines(width, y, ticks, format)}${dates}` };
}

function gridLines(
  width: number,
  y: (value: number) => number,
  ticks: readonly number[],
  format: (value: number) => string,
): Markup {
  const lines = ticks.map(
    (tick) =>
      html`<line class="${tick === 0 ? "base" : "grid"}" x1="${MARGIN.left}" x2="${width - MARGIN.right}" y1="${n(y(tick))}" y2="${n(y(tick))}"/><text class="tick" x="${MARGIN.left - 8}" y="${n(y(tick) + 4)}" text-anchor="end">${format(tick)}</text>`,
  );
  return html`${lines}`;
}

function scaleY(height: number, top: number): (value: number) => number {
  const [low, high] = [height - MARGIN.bottom, MARGIN.top];
  return (value) => low - (value / top) * (low - high);
}

/** Three to six round numbers from 0 to at least the highest value. */
function roundTicks(highest: number): readonly number[] {
  const rough = Math.max(1, highest) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(
    1,
    [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough && Number.isInteger(size)) ??
      power * 10,
  );
  return Array.from({ length: Math.ceil(highest / step) + 1 }, (_, i) => i * step);
}

/** Shapes that are told apart without colours. */
function marker(i: number, x: number, y: number, size: number, colour: number): Markup {
  const name = `fill-${colour}${size > 2 ? " dot" : ""}`;
  if (i % 4 === 0) return html`<circle class="${name}" cx="${n(x)}" cy="${n(y)}" r="${size}"/>`;
  if (i % 4 === 1)
    return html`<rect class="${name}" x="${n(x - size * 0.9)}" y="${n(y - size * 0.9)}" width="${n(size * 1.8)}" height="${n(size * 1.8)}"/>`;
  const s = size * 1.25;
  const points =
    i % 4 === 2
      ? [
          [x, y - s],
          [x + s, y],
          [x, y + s],
          [x - s, y],
        ]
      : [
          [x, y - s],
          [x + s, y + s * 0.8],
          [x - s, y + s * 0.8],
        ];
  return html`<polygon class="${name}" points="${points.map(([a = 0, b = 0]) => `${n(a)},${n(b)}`).join(" ")}"/>`;
}

function legendOf(series: readonly Series[], shape: "square" | "marker"): Markup {
  const items = series.map(({ name, count: all, mean }, i) => {
    const key =
      shape === "square"
        ? html`<rect class="fill-${hue(series, i)}" width="12" height="12"/>`
        : marker(i, 6, 6, 4, hue(series, i));
    const value = shape === "square" ? count(all) : (mean?.toFixed(2) ?? "–");
    return html`<li><svg class="key" viewBox="0 0 12 12" aria-hidden="true">${key}</svg><bdi>${name}</bdi> <b>${value}</b></li>`;
  });
  return html`<ul class="legend">${items}</ul>`;
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const cells = (row: readonly string[], tag: "td" | "th") =>
    row.map((cell) =>
      tag === "td" ? html`<td><bdi>${cell}</bdi></td>` : html`<th scope="col"><bdi>${cell}</bdi></th>`,
    );
  return html`<table><thead><tr>${cells(head, "th")}</tr></thead><tbody>${rows.map((row) => html`<tr>${cells(row, "td")}</tr>`)}</tbody></table>`;
}

function picture(width: number, height: number, label: string, content: readonly Markup[]): Markup {
  return html`<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${content}</svg>`;
}

function binName(i: number): string {
  return `${(i / 10).toFixed(1)} to ${((i + 1) / 10).toFixed(1)}`;
}

function fixed(digits: number): (value: number) => string {
  return (value) => value.toFixed(digits);
}

function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join("")}…`;
}

/** A coordinate, to a tenth. */
function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}
