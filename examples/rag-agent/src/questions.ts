/** A question that the documentation answers, on which pages, and what an answer must mention. */
export interface Question {
  readonly question: string;
  readonly pages: readonly string[];
  readonly mentions: RegExp;
}

export const questions: readonly Question[] = [
  { question: "How do I turn recording off?", pages: ["wrappers.md", "privacy.md"], mentions: /WHETSTONE_DISABLED=1/ },
  { question: "What does openStore take when I give no URL?", pages: ["stores.md"], mentions: /WHETSTONE_URL/ },
  { question: "Is an unscored interaction the same as a score of 0?", pages: ["scoring.md"], mentions: /unscored/i },
  { question: "Can a store lie on a network file system?", pages: ["stores.md"], mentions: /network file system/i },
  { question: "Which score counts, that of a human or of a judge?", pages: ["scoring.md"], mentions: /human|rank/i },
  { question: "What does the error STORE_READ_ONLY mean?", pages: ["errors.md"], mentions: /permission/ },
  { question: "Does the decorator work on fields?", pages: ["wrappers.md"], mentions: /methods only|@logged/i },
  { question: "When is a streamed answer recorded?", pages: ["wrappers.md"], mentions: /once|ended/i },
  { question: "Which answers does DPO pair?", pages: ["datasets.md", "getting-started.md"], mentions: /best|worst/i },
  { question: "What is in the manifest of a dataset folder?", pages: ["datasets.md"], mentions: /manifest/i },
  { question: "Does loading core open a connection?", pages: ["architecture.md", "stores.md"], mentions: /open|load/i },
  { question: "How do I give calls a session id?", pages: ["wrappers.md"], mentions: /withSession|sessionId/ },
  // Typed in haste.
  { question: "networkk filesystems for a storre?", pages: ["stores.md"], mentions: /network file system/i },
  { question: "sesionId for wraped calls?", pages: ["wrappers.md"], mentions: /withSession|sessionId/ },
  { question: "is the recrod a streem at its end?", pages: ["wrappers.md"], mentions: /once|ended|stream/i },
  { question: "what is a verifer for mathematcs?", pages: ["scoring.md"], mentions: /mathVerifier/ },
];
