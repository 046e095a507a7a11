/**
 * The random number generator: PyTorch's CPU numbers, bit for bit where arithmetic allows it.
 */
import {
  fillExponential,
  fillNormal,
  fillTruncNormal,
  fillUniform,
  type FloatArray,
  type NormalSource,
} from './continuous.js';
import {
  type BernoulliArray,
  fillBernoulli,
  fillRandint,
  permutation,
  random64,
  type RandintArray,
  sampleMultinomial,
} from './discrete.js';
import { dropoutKeys } from './dropout-keys.js';
import { Mt19937 } from './mt19937.js';
import { checkSeed, DEFAULT_SEED, randomSeed } from './seed.js';
import { decodeState, encodeState } from './state.js';

/**
 * A stream of random numbers: `torch.Generator('cpu')`.
 *
 * The same seed and the same calls give the numbers that PyTorch 1.13 gives on an x86 CPU: exactly for `uniform`,
 * `randint`, `randperm`, `bernoulli` and float32 `normal`; within 2e-15 for float64 `normal`, whose logarithm and sine
 * are the platform's. PyTorch builds with Intel's MKL draw `bernoulli` and `exponential` in another way; we follow the
 * others.
 *
 * The methods fill host arrays. An array of 15 normal numbers is drawn otherwise than one of 16, so what counts is the
 * size of each call, not their sum.
 *
 * @example
 * const g = new Generator().manualSeed(0);
 * const out = new Float32Array(2);
 * g.uniform(out); // [0.4962566, 0.7682218], torch.rand(2) after torch.manual_seed(0)
 */
export class Generator {
  private currentSeed: bigint;
  private readonly source: NormalSource;

  /** @param seed - From −2⁶³ to 2⁶⁴ − 1; PyTorch's default, 67280421310721, if left out. */
  constructor(seed: number | bigint = DEFAULT_SEED) {
    this.currentSeed = checkSeed('Generator', seed);
    this.source = { engine: new Mt19937(low32(this.currentSeed)), cachedNormal: undefined };
  }

  /**
   * Starts the stream of `seed` from its beginning. The engine uses the low 32 bits only, as in PyTorch: seeds that
   * are equal in them give equal numbers.
   *
   * @param seed - A whole number from −2⁶³ to 2⁶⁴ − 1 (a bigint beyond 2⁵³); negative ones are taken modulo 2⁶⁴.
   * @throws If `seed` is no whole number, or out of range.
   */
  manualSeed(seed: number | bigint): this {
    this.currentSeed = checkSeed('Generator.manualSeed', seed);
    this.source.engine.seed(low32(this.currentSeed));
    this.source.cachedNormal = undefined;
    return this;
  }

  /** Seeds from the platform's source of randomness, and returns that seed. */
  seed(): bigint {
    const seed = randomSeed();
    this.manualSeed(seed);
    return seed;
  }

  /** The seed that the stream started from. */
  initialSeed(): bigint {
    return this.currentSeed;
  }

  /** Where the stream stands, in the 5056 bytes of `torch.get_rng_state()`. A copy. */
  getState(): Uint8Array {
    return encodeState({ seed: this.currentSeed, ...this.source });
  }

  /**
   * Continues where the generator that gave `state` stood, here or in PyTorch.
   *
   * @throws If `state` is no such state; nothing is changed then.
   */
  setState(state: Uint8Array): this {
    const { seed, engine, cachedNormal } = decodeState(state);
    this.currentSeed = seed;
    this.source.engine.copyFrom(engine);
    this.source.cachedNormal = cachedNormal;
    return this;
  }

  /** A generator that stands at the same place and goes on by itself. */
  clone(): Generator {
    const copy = new Generator(this.currentSeed);
    copy.source.engine.copyFrom(this.source.engine);
    copy.source.cachedNormal = this.source.cachedNormal;
    return copy;
  }

  /** @internal Moves on as if `count` words of 32 bits had been drawn. */
  _skip(count: number): void {
    this.source.engine.skip(count);
  }

  /** 32 random bits, as a number from 0 to 2³² − 1. */
  random(): number {
    return this.source.engine.next();
  }

  /** 64 random bits, as a bigint from 0 to 2⁶⁴ − 1. */
  random64(): bigint {
    return random64(this.source.engine);
  }

  /**
   * 63 random bits: `torch.empty((), dtype=torch.int64).random_(generator=g)`, which PyTorch's `DataLoader` draws as
   * its base seed and `RandomSampler` as the seed of its shuffling.
   */
  randomInt64(): bigint {
    return BigInt.asUintN(63, this.random64());
  }

  /**
   * Uniform numbers in [low, high): `tensor.uniform_(low, high)`. In float32, rounding may give `high` itself.
   *
   * @param out - Filled in place; its type decides the precision, and how many bits are drawn.
   * @param low - Smallest value. Default 0.
   * @param high - Upper bound. Default 1.
   * @throws If low > high, or a bound or their difference is not finite in the precision of `out`.
   */
  uniform(out: FloatArray, low = 0, high = 1): void {
    fillUniform(this.source.engine, out, low, high);
  }

  /**
   * Normal numbers, x = mean + std · z: `tensor.normal_(mean, std)`.
   *
   * Fewer than 16 are drawn in pairs by Box–Muller, and the half of a pair that is left over is kept for the next such
   * call; 16 or more are drawn in blocks of 16.
   *
   * @param out - Filled in place; its type decides the precision.
   * @param mean - Default 0.
   * @param std - Standard deviation, ≥ 0. Default 1.
   */
  normal(out: FloatArray, mean = 0, std = 1): void {
    fillNormal(this.source, out, mean, std);
  }

  /**
   * Normal numbers cut to [a, b], by the inverse of the distribution function: `nn.init.trunc_normal_`.
   *
   * The bounds are absolute values, not multiples of `std`. Where the mean lies more than 2 std outside of [a, b], the
   * distribution of the values is wrong, as in PyTorch.
   *
   * @param out - Filled in place.
   * @param mean - Mean before the cut. Default 0.
   * @param std - Standard deviation before the cut, > 0. Default 1.
   * @param a - Smallest value. Default −2.
   * @param b - Largest value. Default 2.
   */
  truncNormal(out: FloatArray, mean = 0, std = 1, a = -2, b = 2): void {
    fillTruncNormal(this.source.engine, out, mean, std, a, b);
  }

  /**
   * Exponential numbers, x = −ln(1 − u) / lambda: `tensor.exponential_(lambda)`.
   *
   * @param lambda - Rate, > 0. Default 1.
   */
  exponential(out: FloatArray, lambda = 1): void {
    fillExponential(this.source.engine, out, lambda);
  }

  /**
   * Whole numbers from `low` to `high` − 1, each as likely: `torch.randint(low, high, …)`.
   *
   * @param out - Filled in place: int32, int64 (`BigInt64Array`), float32 or float64.
   * @param low - Smallest value; a bigint beyond 2⁵³.
   * @param high - One more than the largest value.
   * @throws If low ≥ high, a bound is no whole number, or the range does not fit the type of `out`.
   */
  randint(out: RandintArray, low: number | bigint, high: number | bigint): void {
    fillRandint(this.source.engine, out, low, high);
  }

  /** A random permutation of 0 … n − 1: `torch.randperm(n)`. */
  randperm(n: number): Int32Array {
    return permutation(this.source.engine, n);
  }

  /**
   * 1 with probability p, else 0.
   *
   * @param out - Filled in place; `Uint8Array` holds bool.
   * @param p - One probability for all elements, `tensor.bernoulli_(p)`, or one for each, `torch.bernoulli(p)`.
   */
  bernoulli(out: BernoulliArray, p: number | FloatArray): void {
    fillBernoulli(this.source.engine, out, p);
  }

  /**
   * Indices drawn in proportion to weights: `torch.multinomial(weights, count, replacement)`.
   *
   * @param weights - Finite and ≥ 0, not all zero; they need not sum to 1. Plain numbers are taken as float64.
   * @param count - How many to draw; without replacement at most the number of weights.
   * @param replacement - Whether an index may be drawn again. Default false.
   */
  multinomial(weights: FloatArray | readonly number[], count: number, replacement = false): Int32Array {
    return sampleMultinomial(this.source.engine, weights, count, replacement);
  }
}

function low32(seed: bigint): number {
  return Number(seed & 0xffffffffn);
}

/** What random functions draw from when no generator is passed. */
export const defaultGenerator: Generator = new Generator();

/**
 * Seeds the default generator and restarts the dropout masks: `torch.manual_seed`.
 *
 * @param seed - A whole number from −2⁶³ to 2⁶⁴ − 1 (a bigint beyond 2⁵³); negative ones are taken modulo 2⁶⁴.
 * @returns The default generator.
 * @throws If `seed` is no whole number, or out of range.
 * @example
 * manualSeed(0); // the same numbers as torch.manual_seed(0)
 */
export function manualSeed(seed: number | bigint): Generator {
  const value = checkSeed('manualSeed', seed);
  dropoutKeys.manualSeed(value);
  return defaultGenerator.manualSeed(value);
}

/** Seeds everything from the platform's source of randomness, and returns that seed: `torch.seed`. */
export function seed(): bigint {
  const value = randomSeed();
  manualSeed(value);
  return value;
}

/** The seed that the default generator started from: `torch.initial_seed`. */
export function initialSeed(): bigint {
  return defaultGenerator.initialSeed();
}
