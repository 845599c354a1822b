import { type Annotation, annotationKey, type StoredInteraction } from "./annotation.js";
import { cursorAfter, type InteractionStore } from "./store.js";

export interface CopyOptions {
  /** Goes on behind this place, as `onBatch` told it: what lies before it is taken as copied. */
  readonly cursor?: string | undefined;
  /** Called after each batch that the other store has taken. */
  readonly onBatch?: ((progress: CopyProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CopyReport {
  /** Records that the other store did not have. */
  readonly copied: number;
  /** Records that it had already. */
  readonly present: number;
  /** Scores and words of feedback that were brought over. */
  readonly annotations: number;
}

export interface CopyProgress extends CopyReport {
  /** Where to go on after an interruption, and the last record before that place. */
  readonly cursor: string;
  readonly lastId: string;
}

/**
 * Copies all interactions of one store into another with what was said of them, oldest first. Copying again changes
 * nothing: known records stay as they are, and of annotations only those are brought that are missing or newer there.
 * User ids are pseudonyms of the first store by then, and stay so.
 */
export async function copyStore(
  from: InteractionStore,
  to: InteractionStore,
  { cursor, onBatch, signal }: CopyOptions = {},
): Promise<CopyReport> {
  let [copied, present, annotations] = [0, 0, 0];
  for await (const batch of from.query({ cursor, signal })) {
    const statuses = await to.append(batch.map(({ annotations: _, ...record }) => record));
    const late: Annotation[] = [];
    for (const [i, interaction] of batch.entries()) {
      const isNew = statuses[i] === "stored";
      if (isNew) copied += 1;
      else present += 1;
      if (interaction.annotations) late.push(...(isNew ? interaction.annotations : await missing(interaction, to)));
    }
    if (late.length > 0) await to.annotate(late);
    annotations += late.length;
    const last = batch.at(-1);
    if (last) onBatch?.({ copied, present, annotations, cursor: cursorAfter(last), lastId: last.interactionId });
  }
  signal?.throwIfAborted();
  for (const calibration of await from.calibrations()) await to.saveCalibration(calibration);
  return { copied, present, annotations };
}

/** The annotations that the other store does not have, or has an older one of. */
async function missing(
  { interactionId, annotations = [] }: StoredInteraction,
  to: InteractionStore,
): Promise<Annotation[]> {
  const there = await to.get(interactionId);
  const times = new Map((there?.annotations ?? []).map((annotation) => [annotationKey(annotation), annotation.at]));
  return annotations.filter((annotation) => (times.get(annotationKey(annotation)) ?? -1) < annotation.at);
}
