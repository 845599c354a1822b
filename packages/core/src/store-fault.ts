import type { ErrorCode, StoreError } from "./errors.js";

/**
 * What a failed write means for the one who tries again. `temporary`: the same batch later; `permanent`: somebody has
 * to change something first, so try seldom and keep the data; `records`: some record of the batch cannot be stored as
 * it is, the others can.
 */
export type StoreFault = "temporary" | "permanent" | "records";

/** Tells what a store's error means for a retry. A failed write may have been stored all the same: ids make it safe. */
export function storeFault({ code }: Pick<StoreError, "code">): StoreFault {
  return FAULTS[code] ?? "temporary";
}

const FAULTS: Partial<Record<ErrorCode, StoreFault>> = {
  CONFIG_INVALID: "permanent",
  STORE_CLOSED: "permanent",
  STORE_NOT_A_STORE: "permanent",
  STORE_REFUSED: "permanent",
  STORE_RECORD_REFUSED: "records",
};
