/** What the redactor tells apart; `<EMAIL_1>` stands for the first e-mail address of a record. */
export type RedactedKind = "secret" | "email" | "card" | "iban" | "phone" | "ssn";

/** A stretch of a text that must not be stored. */
export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: RedactedKind;
}

/**
 * Adds what it finds in a text. Each detector jumps from anchor to anchor with `indexOf`, looks at a bounded window
 * around each and never steps back, so that no text takes more than linear time.
 */
export type Detector = (text: string, found: Finding[]) => void;
