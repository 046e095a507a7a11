/**
 * The Mersenne Twister as PyTorch's CPU generator runs it (`at::mt19937`).
 *
 * Source: Matsumoto and Nishimura, "Mersenne Twister: a 623-dimensionally equidistributed uniform pseudo-random number
 * generator", 1998; PyTorch 1.13, `aten/src/ATen/core/MT19937RNGEngine.h`.
 */

/** Words of state. */
export const MT19937_WORDS = 624;

const SHIFT = 397;
const MATRIX_A = 0x9908b0df;
const UPPER_BIT = 0x80000000;
const LOWER_BITS = 0x7fffffff;

/**
 * 32-bit words from a seed of 32 bits.
 *
 * @example
 * new Mt19937(5489).next(); // 3499211612, the first word of the reference implementation
 */
export class Mt19937 {
  readonly words = new Uint32Array(MT19937_WORDS);
  /** The same memory. Half of all unsigned words are no small integers to an engine, and slow. */
  private readonly signed = new Int32Array(this.words.buffer);
  // `left` and `position` are both kept, though one follows from the other after the first draw, because PyTorch's
  // serialized state holds both.
  /** Draws until the next block of words is made, plus one. */
  left = 1;
  /** Index of the next word. */
  position = 0;

  /** Only the low 32 bits of `seed` are used, as in PyTorch. */
  constructor(seed: number) {
    this.seed(seed);
  }

  seed(seed: number): void {
    const words = this.words;
    words[0] = seed >>> 0;
    for (let i = 1; i < MT19937_WORDS; i++) {
      const previous = words[i - 1] ^ (words[i - 1] >>> 30);
      words[i] = Math.imul(1812433253, previous) + i;
    }
    this.left = 1;
    this.position = 0;
  }

  /** The next word, from 0 to 2³² − 1. */
  next(): number {
    if (--this.left === 0) this.twist();
    let y = this.words[this.position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** As `count` calls of {@link Mt19937.next}, a few times as fast. */
  skip(count: number): void {
    for (let rest = count; rest > 0;) {
      if (this.left === 1) {
        this.twist();
        this.left++; // no word of the block is drawn yet
      }
      const words = Math.min(rest, this.left - 1);
      this.left -= words;
      this.position += words;
      rest -= words;
    }
  }

  copyFrom(other: Mt19937): void {
    this.words.set(other.words);
    this.left = other.left;
    this.position = other.position;
  }

  private twist(): void {
    const words = this.signed;
    let k = 0;
    for (; k < MT19937_WORDS - SHIFT; k++) words[k] = words[k + SHIFT] ^ mix(words[k], words[k + 1]);
    for (; k < MT19937_WORDS - 1; k++) words[k] = words[k + SHIFT - MT19937_WORDS] ^ mix(words[k], words[k + 1]);
    words[k] = words[k + SHIFT - MT19937_WORDS] ^ mix(words[k], words[0]);
    this.left = MT19937_WORDS;
    this.position = 0;
  }
}

function mix(u: number, v: number): number {
  return (((u & UPPER_BIT) | (v & LOWER_BITS)) >>> 1) ^ (-(v & 1) & MATRIX_A);
}
