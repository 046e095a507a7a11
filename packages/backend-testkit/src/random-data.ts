/**
 * Repeatable random numbers for samples that no golden holds.
 */

/** Mulberry32: uniform in [0, 1). Source: Tommy Ettinger, 2017, public domain. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A seed from a name (FNV-1a), so that a new sample changes no other. */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash;
}

/** `count` numbers of [low, high), rounded to float32, so that both precisions hold the same. */
export function uniform(random: () => number, count: number, low = -2, high = 2): number[] {
  return Array.from({ length: count }, () => Math.fround(low + (high - low) * random()));
}
