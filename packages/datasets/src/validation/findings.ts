/**
 * How bad a finding is: an error fails, or trains something else than was meant; a warning is worth a look; a note says
 * something of the validation, and nothing of the dataset.
 */
export type Severity = "error" | "warning" | "note";

/** Where something was found. */
export interface FindingExample {
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** What exactly, where there is more to say; null otherwise. */
  readonly detail: string | null;
}

/** One kind of trouble, with all its cases counted. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Rows, unless the message says otherwise. */
  readonly count: number;
  /** What it leads to, and what to do. */
  readonly message: string;
  /** The first few. */
  readonly examples: readonly FindingExample[];
}

/** Collects what is found, in constant memory. */
export interface Findings {
  /** Counts one case. `at` is left out where it concerns the whole dataset. */
  add(code: FindingCode, detail?: string | null, at?: { readonly file: string; readonly line: number }): void;
  /** States something of the whole dataset, with the number that it concerns. */
  state(code: FindingCode, count: number, detail: string): void;
  count(code: FindingCode): number;
  /** Errors first, notes last, each in the order of the table below. */
  list(): readonly Finding[];
}

const EXAMPLES = 3;

export function findings(): Findings {
  const found = new Map<FindingCode, { count: number; readonly examples: FindingExample[]; detail: string | null }>();
  const entry = (code: FindingCode) => {
    let known = found.get(code);
    if (!known) {
      known = { count: 0, examples: [], detail: null };
      found.set(code, known);
    }
    return known;
  };
  return {
    add(code, detail = null, at) {
      const known = entry(code);
      known.count += 1;
      if (at && known.examples.length < EXAMPLES) known.examples.push({ ...at, detail: detail && cut(detail) });
      else if (!at) known.detail = detail;
    },
    state(code, count, detail) {
      const known = entry(code);
      known.count = count;
      known.detail = detail;
    },
    count: (code) => found.get(code)?.count ?? 0,
    list() {
      const codes = (Object.keys(KINDS) as FindingCode[]).filter((code) => found.has(code));
      const all = codes.map((code): Finding => {
        const [severity, words] = KINDS[code];
        const { count, examples, detail } = entry(code);
        return { code, severity, count, message: detail === null ? words : `${detail}: ${words}`, examples };
      });
      return [...all.filter(isError), ...all.filter((finding) => !isError(finding))];
    },
  };
}

/** Whether it is worth a look before training. */
export const isWarning = ({ severity }: Pick<Finding, "severity">): boolean => severity === "warning";

export const isError = ({ severity }: Pick<Finding, "severity">): boolean => severity === "error";

const cut = (detail: string): string => (detail.length > 200 ? `${detail.slice(0, 200)}…` : detail).toWellFormed();

const KINDS = {
  // The file
  noRows: ["error", "there is no row to train on"],
  notUtf8: ["error", "a line is not UTF-8, and loaders stop there: write the file as UTF-8"],
  notJson: ["error", "a line is no JSON object, and loaders stop there: write one object a line"],
  nonFiniteNumber: ["error", "NaN and Infinity are no JSON: leave the row out, or write null"],
  repeatedKey: ["error", "an object has one key twice, which loaders refuse"],
  loneSurrogate: [
    "error",
    "a text holds half a character (a lone surrogate), which loaders refuse: use toWellFormed()",
  ],
  lineTooLong: ["error", "a line is longer than 64 MiB: write one row a line"],
  // The columns
  unknownColumns: ["error", "the columns fit no training method: rename them, see docs/datasets.md"],
  missingColumn: ["error", "a column that the method needs is missing or null"],
  reservedColumn: [
    "error",
    "trainers take a column of this name for something else: rename it, or put it into metadata",
  ],
  agentTraceColumns: ["error", "loaders take these columns together for a recorded agent trace: rename one of them"],
  undeclaredColumn: ["error", "the dataset card does not declare this column, and loaders stop there"],
  mixedForms: ["error", "a column holds plain texts and message lists: use one form in all rows"],
  lateType: [
    "error",
    "loaders guess the types from the first 10 MiB and stop here: declare the features in a dataset card (writeDataset writes one)",
  ],
  // The turns
  emptyMessages: ["error", "a message list is empty, and trainers stop there"],
  notATurn: ["error", "a turn is no object with a role"],
  unknownRole: [
    "error",
    "the role is none of system, user, assistant, tool: templates drop such a turn or stop (developer is system)",
  ],
  noContent: ["error", 'the content of a turn is null or missing, and templates stop or print "None": write ""'],
  noAssistantTurn: ["error", "no assistant turn: there is nothing to learn"],
  lastTurnNotAssistant: [
    "error",
    "the last turn is not the assistant's: the model would be trained to speak as the user",
  ],
  promptEndsWrong: ["error", "the prompt does not end with a user's or a tool's turn"],
  emptyPrompt: ["error", "the prompt is empty"],
  emptyCompletion: ["error", "the answer is empty: it would teach to stop at once"],
  completionNotAssistant: ["error", "the answer begins with a turn that is not the assistant's"],
  toolWithoutCall: ["error", "a tool's turn follows no call that it answers"],
  unknownToolCallId: ["error", "a tool's turn answers a call id that no call before it has"],
  textArguments: ["error", "the arguments of a tool call are no object: templates encode a text twice, or stop"],
  badToolCall: ["error", "a tool call has no function with a name"],
  unknownTool: ["error", "a tool is called that the row's tools do not have"],
  templateError: ["error", "the chat template refuses the row"],
  noChatTemplate: ["error", "the tokenizer has no chat template: message lists need one; counts are estimated"],
  promptTooLong: ["error", "the prompt alone fills max_length: nothing of the answer is left to learn"],
  // The signal
  identicalPair: ["error", "chosen and rejected are the same text: nothing to learn"],
  badLabel: ["error", "the label is neither true nor false"],
  oneClassOnly: ["error", "all labels are the same: KTO needs wanted and unwanted answers"],
  badReward: ["error", "a reward is no finite number"],
  badResponse: ["error", "a response has no text"],
  groupTooSmall: ["error", "a group has fewer than two responses: nothing to compare"],
  equalRewards: ["error", "all rewards of a group are equal: its advantages are 0, and so is what it teaches"],
  batchTooSmall: ["error", "KTO estimates its reference from the batch: use a batch size of 2 or more"],
  batchNotDivisible: ["error", "the batch size is no multiple of the generations of a prompt, and the trainer stops"],
  // Warnings
  truncatedRows: ["warning", "rows are longer than max_length, and what is beyond it is cut off"],
  noGenerationMarks: [
    "warning",
    "the chat template does not mark the assistant's turns: with assistant_only_loss a trainer masks everything, unless it brings a template of its own; rows of prompt and completion need no marks",
  ],
  templateRewritesTurns: [
    "warning",
    "the template writes earlier turns in another way once others follow (as templates for thinking do): what is trained differs from what is asked at inference; build with perTurn",
  ],
  systemNotFirst: ["warning", "a system turn stands behind others: some templates refuse it, some drop it"],
  rolesDoNotAlternate: ["warning", "user and assistant do not take turns: templates such as Gemma's refuse that"],
  callsWithoutTools: ["warning", "tools are called that the row does not declare: the model is not told of them"],
  nullInTools: ["warning", "a tool's schema holds null, as a loader fills it in: templates print it"],
  implicitPrompt: [
    "warning",
    "pairs without a prompt column: trainers look for what both begin with; state the prompt",
  ],
  mixedTypes: [
    "warning",
    "a column holds values of several types, which loaders read differently from version to version",
  ],
  changingColumns: [
    "warning",
    "rows differ in their columns: loaders fill in null, which some trainers take for a value",
  ],
  dateTexts: ["warning", "all texts of a column look like dates, and loaders make dates of them: declare the features"],
  repeatedRows: ["warning", "rows repeat earlier ones word for word, and weigh more for it"],
  similarPrompts: ["warning", "prompts are nearly the same as an earlier one"],
  promptInTest: ["warning", "training prompts are also in the test part: the test measures memory"],
  similarPromptInTest: [
    "warning",
    "training prompts are nearly the same as one in the test part: the test measures memory",
  ],
  contradictions: ["warning", "rows contradict an earlier one about the same answers"],
  dominantPrompt: ["warning", "one prompt makes up a large share of the rows"],
  dominantAgent: ["warning", "one agent type makes up nearly all rows, beside others"],
  lengthBias: ["warning", "chosen answers are longer than rejected ones as a rule: the model may learn length"],
  smallGaps: ["warning", "score gaps are below 0.1, within the noise of most judges"],
  classImbalance: ["warning", "wanted and unwanted answers are out of balance: set the weights of KTO"],
  fewSteps: ["warning", "an epoch has fewer than 10 steps: use a smaller batch, or more rows"],
  fewTrainedTokens: ["warning", "less than a twentieth of all tokens is trained on: the rest is only read"],
  controlTokens: ["warning", "texts hold control tokens of chat templates, which a tokenizer takes for real ones"],
  personalData: [
    "warning",
    "texts hold what looks like secrets or personal data: a model repeats what it was trained on",
  ],
  poorAnswers: ["warning", "answers to learn from look like refusals, loops or cut-off texts"],
  // Notes
  estimatedTokens: [
    "note",
    "token counts are estimated: give the model's tokenizer folder to count and render for real",
  ],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

/** What can be found; each is explained in docs/datasets.md. */
export type FindingCode = keyof typeof KINDS;
