import { newInteractionId, type Source } from "@whetstone/core";
import type { InteractionHandle } from "./interaction-context.js";
import { type Fields, layFields } from "./record-fields.js";

/** What the code inside an agent says of its call, until the call is recorded. */
export interface CallRemarks {
  readonly handle: InteractionHandle;
  addTo(input: Fields): void;
  /** The call is recorded under this id: what is said from now on comes too late. */
  close(interactionId: string): void;
}

/** Opens the remarks on a call. `onError` hears of fields that cannot be read. */
export function openRemarks(onError: (error: unknown) => void): CallRemarks {
  const tools: string[] = [];
  const sources: Source[] = [];
  const said: Fields = {};
  let closed = false;

  const handle: InteractionHandle = {
    get id() {
      if (said.interactionId === undefined) {
        // The id tells the day of the record, so both must come from one reading of the clock.
        said.timestamp ??= Date.now();
        said.interactionId = newInteractionId(said.timestamp);
      }
      return said.interactionId;
    },
    addTool(name) {
      if (!closed) tools.push(name);
    },
    addSource(source) {
      if (!closed) sources.push(source);
    },
    set(fields) {
      if (closed) return;
      try {
        layFields(said, fields);
      } catch (error) {
        onError(error);
      }
    },
  };

  return {
    handle,
    addTo(input) {
      layFields(input, said);
      if (tools.length > 0) input.toolsUsed = [...(input.toolsUsed ?? []), ...tools];
      if (sources.length > 0) input.sources = [...(input.sources ?? []), ...sources];
    },
    close(interactionId) {
      closed = true;
      said.interactionId = interactionId;
    },
  };
}
