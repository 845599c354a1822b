/** How far a training is, as its own output tells. */
export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  /** What the trainer expects to need for the rest, such as `12:30`; null while it does not know. */
  readonly left: string | null;
}

/** What the trainer logged at a step: loss, reward, learning rate and so on. */
export interface TrainingMetrics {
  readonly step: number;
  readonly [name: string]: number;
}

/** Something that a training said. */
export type TrainingEvent =
  | { readonly kind: "progress"; readonly progress: TrainingProgress }
  | { readonly kind: "metrics"; readonly metrics: TrainingMetrics }
  | { readonly kind: "text"; readonly text: string };

/** Reads one stream of a training's output, in pieces of any size. */
export interface OutputReader {
  read(piece: string): TrainingEvent[];
  end(): TrainingEvent[];
}

/**
 * Reads the output of a Hugging Face trainer as it comes: its progress bar, the lines in which it logs metrics, and
 * everything else. Progress bars of other work (reading a dataset, saving) say nothing. The trainer draws its bar on one
 * stream and logs on the other, so each stream has a reader, and the step is common to them.
 */
export function trainingOutput(): { reader(): OutputReader } {
  let step = 0;
  let evaluating = false;
  const progressOf = (line: string): TrainingEvent[] => {
    const [, name = "", done = "", all = "", left = ""] = BAR.exec(line) ?? [];
    // An unnamed bar is the trainer's own; while it evaluates, a second one runs.
    if (all === "" || name.trim() !== "") return [];
    if (Number(done) < step) evaluating = true;
    if (evaluating) return [];
    step = Number(done);
    const known = /^[\d:]+$/.test(left) ? left : null;
    return [{ kind: "progress", progress: { step, steps: Number(all), left: known } }];
  };
  const saidIn = (text: string): TrainingEvent[] => {
    if (text.trim() === "") return [];
    const metrics = metricsIn(text);
    if (metrics === null) return [{ kind: "text", text }];
    evaluating = false;
    return [{ kind: "metrics", metrics: { step, ...metrics } }];
  };
  const eventsOf = (line: string): TrainingEvent[] => {
    // What is printed behind a bar shares its line.
    return [...progressOf(line), ...saidIn(line.replace(ANY_BAR, ""))];
  };
  return {
    reader() {
      let rest = "";
      return {
        read(piece) {
          const lines = (rest + piece).split(/\r\n|\n|\r/);
          rest = lines.pop() ?? "";
          // A bar ends its line only when the next one begins.
          return [...lines, ...(WHOLE_BAR.test(rest) ? [rest] : [])].flatMap(eventsOf);
        },
        end() {
          const last = rest;
          rest = "";
          return eventsOf(last);
        },
      };
    },
  };
}

// `  3%|▎         | 3/120 [00:05<03:10,  1.63s/it]`, with a name and a colon in front for other work.
const BAR = /^(.*?)\s*\d{1,3}%\|[^|]*\|\s*(\d+)\/(\d+) \[[\d:]+<([\d:?]+)/;
const WHOLE_BAR = /\d{1,3}%\|[^|]*\|[^\]]*\]$/;
// A bar of unknown length has neither a share nor a frame: `Generating train split: 201 examples [00:00, 3640.83 examples/s]`.
const ANY_BAR = /^.*?(?:\d{1,3}%\|[^|]*\|[^\]]*|\d+ \S+ \[[\d:?]+, [^\]]*)\]/;
const PAIR = /'([\w/.-]+)': '?(-?(?:\d[\d.]*(?:e[-+]?\d+)?|inf|nan))'?(?=[,}])/gi;

/** The numbers of a line such as `{'loss': '1.2', 'epoch': '0.5'}`; null for any other line. */
function metricsIn(line: string): Record<string, number> | null {
  const object = /\{'[^{}]*\}/.exec(line)?.[0];
  if (object === undefined) return null;
  const pairs = [...object.matchAll(PAIR)].map(([, name = "", value]) => [name, Number(value)] as const);
  const numbers = pairs.filter(([, value]) => Number.isFinite(value));
  return numbers.length > 0 ? Object.fromEntries(numbers) : null;
}
