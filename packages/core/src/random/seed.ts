/**
 * Seeds: checking them, and drawing unpredictable ones.
 */
import { OutOfRangeError } from '../errors.js';

/** PyTorch's seed of a generator that nobody seeded (`c10::detail::default_rng_seed_val`). */
export const DEFAULT_SEED = 67280421310721n;

/**
 * A seed as an unsigned 64-bit integer. Negative ones are taken modulo 2⁶⁴, as in PyTorch: −1 is 2⁶⁴ − 1.
 *
 * @param op - The function named in errors.
 * @throws If `seed` is no whole number, is a number beyond 2⁵³, or needs more than 64 bits.
 */
export function checkSeed(op: string, seed: number | bigint): bigint {
  if (typeof seed !== 'bigint' && !Number.isSafeInteger(seed)) {
    const remedy = Number.isInteger(seed) ? 'a bigint, as numbers beyond 2^53 are not exact' : 'a whole number';
    throw new OutOfRangeError(
      `${op}: expected ${remedy}, got seed=${typeof seed === 'string' ? `'${String(seed)}'` : String(seed)}`,
    );
  }
  const value = BigInt(seed);
  if (value < -(1n << 63n) || value >= 1n << 64n) {
    throw new OutOfRangeError(`${op}: expected a seed from -2^63 to 2^64 - 1, got seed=${value}`);
  }
  return BigInt.asUintN(64, value);
}

/** An unpredictable seed of 53 bits, from the platform's source of randomness. */
export function randomSeed(): bigint {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2));
  return (BigInt(high & 0x1fffff) << 32n) | BigInt(low);
}
