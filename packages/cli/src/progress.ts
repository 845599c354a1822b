import type { CliIo } from "./cli-io.js";
import { count } from "./counted.js";
import { cutToWidth, terminalText } from "./terminal-text.js";

/** A line on standard error that tells how far long work has come. */
export interface Progress {
  /** Takes the line away until it is drawn again, to make room for another one. */
  clear(): void;
  /** Takes the line away. */
  stop(): void;
}

/** How far work is: so many of its unit, which share of the whole, 0..1, where that is known, and what else there is to say. */
export interface Measure {
  readonly done: number;
  readonly share?: number | undefined;
  readonly more?: string | undefined;
}

const FIRST_SHOWN_MS = 1_000;
const REDRAW_MS = 100;

/** Shows progress on a terminal once work has lasted a second; elsewhere it shows nothing. */
export function createProgress(io: CliIo, label: string, unit: string, measure: () => Measure): Progress {
  if (!io.stderr.isTTY || io.env.TERM === "dumb") return { clear() {}, stop() {} };
  let shown = false;
  const draw = () => {
    const { done, share, more } = measure();
    const percent = share === undefined ? "" : ` (${Math.floor(Math.min(1, share) * 100)} %)`;
    const line = terminalText(`${label}: ${count(done)} ${unit}${percent}${more ? `, ${more}` : ""}`);
    io.stderr.write(`\r${CLEAR_LINE}${cutToWidth(line, (io.stderr.columns || 80) - 1)}`);
    shown = true;
  };
  let redraw: NodeJS.Timeout | undefined;
  const first = setTimeout(() => {
    draw();
    redraw = setInterval(draw, REDRAW_MS).unref();
  }, FIRST_SHOWN_MS).unref();
  const clear = () => {
    if (shown) io.stderr.write(`\r${CLEAR_LINE}`);
    shown = false;
  };
  return {
    clear,
    stop() {
      clearTimeout(first);
      clearInterval(redraw);
      clear();
    },
  };
}

const CLEAR_LINE = "\u001b[2K";
