import { type Annotation, HIGH_QUALITY, type StoredInteraction } from "@whetstone/core";
import { count, counted, percent } from "../counted.js";
import {
  type Chart,
  combinationsChart,
  histogramChart,
  potentialChart,
  qualityChart,
  sharesChart,
  volumeChart,
} from "./charts.js";
import type { Report, WorstAnswer } from "./collect-report.js";
import { html, type Markup } from "./markup.js";
import { periodName } from "./periods.js";
import { REPORT_STYLE } from "./report-style.js";

export interface RenderOptions {
  /** Leaves out what was asked and answered, so that the page may be shown to others. */
  readonly withoutTexts?: boolean;
}

/** Renders a report as one HTML page that needs nothing else: no script, no font, no request. */
export function renderReport(report: Report, { withoutTexts = false }: RenderOptions = {}): string {
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>Whetstone report, ${day(report.generatedAt)}</title>
<style>${{ markup: REPORT_STYLE }}</style>
</head>
<body>
<main>
${header(report)}
${report.span ? sections(report, report.span, withoutTexts) : nothing()}
</main>
<footer>Written by <code>whetstone report</code> at ${minute(report.generatedAt)} from <bdi>${report.store}</bdi>. All times are UTC.</footer>
</body>
</html>
`;
  return page.markup;
}

function header({ span, totals, agents, agentTypes, store }: Report): Markup {
  const { count: all, scored, mean, highQuality, errors, toldByPeople } = totals;
  const when =
    span &&
    (day(span.first) === day(span.last) ? `on ${day(span.first)}` : `from ${day(span.first)} to ${day(span.last)}`);
  const of = agentTypes ? ` of ${agentTypes.join(", ")}` : "";
  const figures: readonly (readonly [string, string, string])[] = [
    ["interactions", count(all), `of ${counted(agents.length, "agent")}`],
    ["mean score", mean?.toFixed(2) ?? "–", `${percent(scored, all)} are scored`],
    ["high quality", percent(highQuality, scored), `${counted(highQuality, "answer")} of ${HIGH_QUALITY} and above`],
    ["failed", percent(errors, all), counted(errors, "error")],
    ["seen by people", count(toldByPeople), `${percent(toldByPeople, all)} of all`],
  ];
  return html`<header>
<p class="kicker">Whetstone report</p>
<h1>${when ? `What your agents answered${of}` : "Nothing recorded yet"}</h1>
<p class="lead">${when ? html`${sentence(totals, when)}` : html`There is no interaction in <bdi>${store}</bdi> that matches.`}</p>
</header>
${when && html`<dl class="figures">${figures.map(([name, value, note]) => html`<div><dt>${name}</dt><dd>${value}</dd><dd class="note">${note}</dd></div>`)}</dl>`}`;
}

function sentence({ count: all, scored, highQuality }: Report["totals"], when: string): string {
  const told = `${counted(all, "interaction")} ${when}.`;
  if (scored === 0) return `${told} None is scored yet: whetstone score tells the good from the bad.`;
  const share = percent(highQuality, scored);
  return `${told} Of ${scored === all ? "all of them" : `the ${count(scored)} that are scored`}, ${share} are of high quality.`;
}

function nothing(): Markup {
  return html`<section><p>Record or import interactions first, or ask for another time or agent.</p></section>`;
}

function sections(report: Report, { periods }: NonNullable<Report["span"]>, withoutTexts: boolean): Markup {
  const each = periodName(periods);
  const { agents, variants, totals, potential } = report;
  const hasVariants = variants.some(({ scored }) => scored > 0);
  const sources = report.sources.map(({ source, count: value }) => ({ name: source, count: value }));
  return html`
<section aria-labelledby="volume"><h2 id="volume">Volume</h2>
${figure("Interactions by agent", `Each bar is one ${each}.`, volumeChart(agents, periods))}
</section>
${
  totals.scored > 0 &&
  html`<section aria-labelledby="quality"><h2 id="quality">Quality</h2>
<div class="pair">
${figure("By agent", `Mean score of each ${each}; the dashed line is where high quality begins.`, qualityChart(agents, periods, "agent"))}
${hasVariants && figure("By variant", `The same by variant or, where none is named, by model.`, qualityChart(variants, periods, "variant"))}
</div>
${figure("Agents and variants", "Mean score over the whole time, with its 95 % confidence interval. Where intervals overlap, the order may be chance.", combinationsChart(report.combinations))}
</section>`
}
<section aria-labelledby="scores"><h2 id="scores">Scores</h2>
<div class="pair">
${totals.scored > 0 && figure("Distribution", "How many answers have which score.", histogramChart(report.histogram))}
${figure("Who decides", "People over verifiers over judges over what the agent logged.", sharesChart("Whose score decides", sources))}
</div>
${report.calibrations.length > 0 && calibrations(report)}
</section>
<section aria-labelledby="datasets"><h2 id="datasets">What it would train</h2>
<p class="lead">${potential.recommendation}</p>
${figure(
  "Dataset potential",
  "Rows that each builder would find with its default rules.",
  potentialChart(
    [
      { name: "SFT: good answers to imitate", count: potential.potentialDatasets.sftSamples },
      { name: "DPO: a better and a worse answer to one prompt", count: potential.potentialDatasets.dpoPairs },
      { name: "GRPO: groups of scored answers to one prompt", count: potential.potentialDatasets.grpoGroups },
    ],
    ENOUGH,
  ),
)}
${potential.recommended.method && html`<p>Next: <code>whetstone dataset ${potential.recommended.method}</code></p>`}
</section>
${
  report.worst.length > 0 &&
  html`<section aria-labelledby="worst"><h2 id="worst">Worst answers</h2>
<p class="note">The lowest scores, one of each question. <code>whetstone show</code> and the id show all that was said of one; <code>whetstone feedback</code> and the id take a corrected answer.</p>
<ol class="answers">${report.worst.map((answer) => card(answer, withoutTexts))}</ol>
</section>`
}`;
}

/** As in the recommendation of `datasetStats`: fewer rows than this rarely move a model. */
const ENOUGH = 100;

function figure(title: string, about: string, { svg, legend, table }: Chart): Markup {
  return html`<figure>
<figcaption><h3>${title}</h3><p>${about}</p></figcaption>
${legend}
<div class="scroll">${svg}</div>
<details><summary>As a table</summary><div class="scroll">${table}</div></details>
</figure>`;
}

function calibrations(report: Report): Markup {
  const rows = report.calibrations.map(
    ({ source, labelled, kappa, kappaInterval, verdict }) =>
      html`<tr><td><bdi>${source}</bdi></td><td>${kappa?.toFixed(2) ?? "–"}${kappaInterval && html` <span class="note">${kappaInterval[0].toFixed(2)} to ${kappaInterval[1].toFixed(2)}</span>`}</td><td>${count(labelled)}</td><td class="words">${verdict}</td></tr>`,
  );
  return html`<figure><figcaption><h3>How far to trust them</h3><p>Agreement of scorers with people, from <code>whetstone calibrate</code>.</p></figcaption>
<div class="scroll"><table><thead><tr><th scope="col">Scorer</th><th scope="col">Kappa</th><th scope="col">Labels</th><th scope="col">Verdict</th></tr></thead><tbody>${rows}</tbody></table></div></figure>`;
}

function card({ interaction, overall, source, rationale }: WorstAnswer, withoutTexts: boolean): Markup {
  const { interactionId, agentType, variant, model, timestamp, query, answer, errorOccurred, errorMessage, reference } =
    interaction;
  const facts = [agentType, variant ?? model, minute(timestamp)].filter((fact) => fact !== undefined).join(" · ");
  const texts = html`<dl class="texts">
<dt>Question</dt><dd>${excerpt(query)}</dd>
<dt>Answer</dt><dd>${answer === "" ? html`<em>empty</em>` : excerpt(answer)}</dd>
${errorOccurred && html`<dt>Error</dt><dd>${excerpt(errorMessage ?? "not told")}</dd>`}
${reference !== undefined && html`<dt>Right answer</dt><dd>${excerpt(reference)}</dd>`}
${rationale && html`<dt>Why</dt><dd>${excerpt(rationale)}</dd>`}
${comments(interaction).map((comment) => html`<dt>A person</dt><dd>${excerpt(comment)}</dd>`)}
</dl>`;
  return html`<li><article>
<p class="score"><b>${overall.toFixed(2)}</b> <span class="note">by <bdi>${source}</bdi></span></p>
<p class="note"><bdi>${facts}</bdi><br><code>${interactionId}</code></p>
${!withoutTexts && texts}
</article></li>`;
}

function comments({ annotations = [] }: StoredInteraction): string[] {
  return annotations.flatMap((said: Annotation) =>
    said.kind === "feedback" && said.feedback.type === "comment" ? [said.feedback.value] : [],
  );
}

const SHOWN = 280;
const MOST = 8_000;

/** A text, folded away behind its beginning when it is long. */
function excerpt(text: string): Markup {
  const characters = [...text.slice(0, MOST * 2)];
  if (characters.length <= SHOWN) return html`<bdi>${text}</bdi>`;
  const rest = characters.slice(SHOWN, MOST).join("");
  const cut = text.length > characters.slice(0, MOST).join("").length ? " … (cut)" : "";
  return html`<bdi>${characters.slice(0, SHOWN).join("")}</bdi><details><summary>more</summary><bdi>${rest}${cut}</bdi></details>`;
}

function day(time: number): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(time);
}

function minute(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace("T", " ")}`;
}
