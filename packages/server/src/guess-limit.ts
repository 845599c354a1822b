const PER_MINUTE = 10;
const MINUTE_MS = 60_000;
/** Addresses that are remembered; beyond it all are forgotten, which costs an attacker more than it gives. */
const MAX_ADDRESSES = 10_000;

/**
 * Counts wrong tokens by the address they come from. Returns the seconds that a client with too many of them should
 * wait, or 0. A right token is never held up: whoever shares the address with a guesser would be locked out.
 */
export function guessLimit(now: () => number = Date.now): (address: string) => number {
  const windows = new Map<string, { readonly start: number; count: number }>();
  return (address) => {
    const time = now();
    let window = windows.get(address);
    if (!window || time - window.start >= MINUTE_MS) {
      if (windows.size >= MAX_ADDRESSES) windows.clear();
      window = { start: time, count: 0 };
      windows.set(address, window);
    }
    window.count += 1;
    return window.count <= PER_MINUTE ? 0 : Math.ceil((window.start + MINUTE_MS - time) / 1000);
  };
}
