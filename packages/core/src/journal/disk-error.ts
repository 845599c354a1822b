import { StoreError } from "../errors.js";

/** A failure of the file system as a StoreError that names the path and the remedy. A StoreError stays as it is. */
export function diskError(cause: unknown, path: string, doing: "read" | "written" = "written"): StoreError {
  if (StoreError.isInstance(cause)) return cause;
  const { code } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new StoreError("STORE_FULL", `no space left to write ${path}: free some, or clean up old days`, { cause });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    const remedy = `give ${doing === "read" ? "read" : "write"} permission, or name another folder`;
    const kind = doing === "read" ? "STORE_UNAVAILABLE" : "STORE_READ_ONLY";
    return new StoreError(kind, `${path} cannot be ${doing} (${code}): ${remedy}`, { cause });
  }
  const reason = code ?? (cause instanceof Error ? cause.message : String(cause));
  return new StoreError("STORE_UNAVAILABLE", `${path} cannot be ${doing} (${reason})`, { cause });
}
