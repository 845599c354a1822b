/** A first-in-first-out queue of at most `capacity` entries that never moves what it holds. */
export interface Ring<T> {
  readonly size: number;
  /** False when it is full; the entry is then not taken. */
  push(entry: T): boolean;
  peek(): T | undefined;
  shift(): T | undefined;
}

export function ring<T>(capacity: number): Ring<T> {
  let slots: (T | undefined)[] = new Array(Math.min(capacity, 64));
  let head = 0;
  let size = 0;
  return {
    get size() {
      return size;
    },
    push(entry) {
      if (size === capacity) return false;
      if (size === slots.length) grow();
      slots[(head + size) % slots.length] = entry;
      size += 1;
      return true;
    },
    peek: () => (size === 0 ? undefined : slots[head]),
    shift() {
      if (size === 0) return undefined;
      const entry = slots[head];
      slots[head] = undefined;
      head = (head + 1) % slots.length;
      size -= 1;
      return entry;
    },
  };

  function grow(): void {
    const larger: (T | undefined)[] = new Array(Math.min(capacity, slots.length * 2));
    for (let i = 0; i < size; i++) larger[i] = slots[(head + i) % slots.length];
    slots = larger;
    head = 0;
  }
}
