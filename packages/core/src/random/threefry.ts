/**
 * Threefry-2x32 with 20 rounds: a counter-based generator. Element i of a stream is a function of the key and i alone,
 * so any backend computes any part of it in any order and gets the same numbers.
 *
 * Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011, section 4.2, and their
 * library Random123, whose known-answer vectors are our tests.
 */

/** Skein's key-schedule parity constant for 32-bit words. */
const PARITY = 0x1bd11bda;

// The result of `block`: module state instead of a returned pair, which would allocate for every element.
let word0 = 0;
let word1 = 0;

/** Rotates y left and mixes it with x: the second half of a round, whose first half is x += y. */
function rotate(y: number, bits: number, x: number): number {
  return ((y << bits) | (y >>> (32 - bits))) ^ x;
}

/** 20 rounds over the counter (c0, c1); after every fourth, two of the three key words and the count are added. */
function block(k0: number, k1: number, c0: number, c1: number): void {
  const k2 = PARITY ^ k0 ^ k1;
  let x = (c0 + k0) | 0;
  let y = (c1 + k1) | 0;

  y = rotate(y, 13, (x = (x + y) | 0));
  y = rotate(y, 15, (x = (x + y) | 0));
  y = rotate(y, 26, (x = (x + y) | 0));
  y = rotate(y, 6, (x = (x + y) | 0));
  x = (x + k1) | 0;
  y = (y + k2 + 1) | 0;

  y = rotate(y, 17, (x = (x + y) | 0));
  y = rotate(y, 29, (x = (x + y) | 0));
  y = rotate(y, 16, (x = (x + y) | 0));
  y = rotate(y, 24, (x = (x + y) | 0));
  x = (x + k2) | 0;
  y = (y + k0 + 2) | 0;

  y = rotate(y, 13, (x = (x + y) | 0));
  y = rotate(y, 15, (x = (x + y) | 0));
  y = rotate(y, 26, (x = (x + y) | 0));
  y = rotate(y, 6, (x = (x + y) | 0));
  x = (x + k0) | 0;
  y = (y + k1 + 3) | 0;

  y = rotate(y, 17, (x = (x + y) | 0));
  y = rotate(y, 29, (x = (x + y) | 0));
  y = rotate(y, 16, (x = (x + y) | 0));
  y = rotate(y, 24, (x = (x + y) | 0));
  x = (x + k1) | 0;
  y = (y + k2 + 4) | 0;

  y = rotate(y, 13, (x = (x + y) | 0));
  y = rotate(y, 15, (x = (x + y) | 0));
  y = rotate(y, 26, (x = (x + y) | 0));
  y = rotate(y, 6, (x = (x + y) | 0));
  word0 = (x + k2) | 0;
  word1 = (y + k0 + 5) | 0;
}

/**
 * One block: two random words from a key and a counter of two words each. For a fixed key it is a bijection of the
 * counters.
 *
 * @param k0 - First key word; any integer, taken modulo 2³², as are the others.
 * @param k1 - Second key word.
 * @param c0 - First counter word.
 * @param c1 - Second counter word.
 * @returns Two words from 0 to 2³² − 1.
 * @example
 * threefry2x32(0, 0, 0, 0); // [0x6b200159, 0x99ba4efe]
 */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  block(k0 | 0, k1 | 0, c0 | 0, c1 | 0);
  return [word0 >>> 0, word1 >>> 0];
}

/**
 * Fills `out` with uniform numbers in [0, 1): element i is the high 24 bits of word `i & 1` of the block with counter
 * (i >> 1, 0), times 2⁻²⁴. Both precisions hold the same values.
 *
 * @param out - Filled in place.
 * @param key0 - First key word; any integer, taken modulo 2³².
 * @param key1 - Second key word.
 * @returns `out`.
 * @example
 * const u = new Float32Array(4);
 * threefryUniform(u, 0, 0); // u[0] = (0x6b200159 >>> 8) / 2 ** 24
 */
export function threefryUniform<T extends Float32Array | Float64Array>(out: T, key0: number, key1: number): T {
  const k0 = key0 | 0;
  const k1 = key1 | 0;
  const pairs = Math.floor(out.length / 2);
  for (let pair = 0; pair < pairs; pair++) {
    block(k0, k1, pair, 0);
    out[2 * pair] = (word0 >>> 8) * 2 ** -24;
    out[2 * pair + 1] = (word1 >>> 8) * 2 ** -24;
  }
  if (out.length % 2 === 1) {
    block(k0, k1, pairs, 0);
    out[out.length - 1] = (word0 >>> 8) * 2 ** -24;
  }
  return out;
}
