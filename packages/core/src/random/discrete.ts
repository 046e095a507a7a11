/**
 * Discrete distributions over host arrays, drawing from a generator as PyTorch's CPU kernels do.
 *
 * Source: PyTorch 1.13, `aten/src/ATen/native/DistributionTemplates.h`, `native/cpu/DistributionTemplates.h`,
 * `native/TensorFactories.cpp` (`randperm_cpu`), `native/cpu/MultinomialKernel.cpp`.
 */
import { OutOfRangeError } from '../errors.js';
import { type FloatArray, fillExponential, uniform24, uniform53 } from './continuous.js';
import type { Mt19937 } from './mt19937.js';

/** What `randint` fills. */
export type RandintArray = Int32Array | Float32Array | Float64Array | BigInt64Array;

/** What `bernoulli` fills; `Uint8Array` is bool. */
export type BernoulliArray = Uint8Array | Int32Array | FloatArray;

const TWO_32 = 1n << 32n;
const INT64_MAX = (1n << 63n) - 1n;

/** 64 bits of two words, the high one first. */
export function random64(engine: Mt19937): bigint {
  const high = BigInt(engine.next());
  return (high << 32n) | BigInt(engine.next());
}

export function fillRandint(
  engine: Mt19937,
  out: RandintArray,
  lowBound: number | bigint,
  highBound: number | bigint,
): void {
  let low = toInt64('low', lowBound);
  let high = toInt64('high', highBound);
  if (low >= high) {
    throw new OutOfRangeError(`randint: expected low < high (high is exclusive), got low=${low}, high=${high}`);
  }
  if (out instanceof Float32Array) [low, high] = representable(low, high, 24);
  else if (out instanceof Float64Array) [low, high] = representable(low, high, 53);
  else if (out instanceof Int32Array && (low < -(1n << 31n) || high > 1n << 31n)) {
    throw new OutOfRangeError(`randint: [${low}, ${high}) does not fit int32, which holds −2³¹ to 2³¹ − 1; use int64`);
  }
  const range = high - low;
  // int32 draws 32 bits even at its full range of 2³²; the other types draw 64 from there on.
  if (range < TWO_32 || out instanceof Int32Array) {
    if (out instanceof BigInt64Array) {
      for (let i = 0; i < out.length; i++) out[i] = (BigInt(engine.next()) % range) + low;
    } else {
      const [size, base] = [Number(range), Number(low)];
      for (let i = 0; i < out.length; i++) out[i] = (engine.next() % size) + base;
    }
  } else if (out instanceof BigInt64Array) {
    for (let i = 0; i < out.length; i++) out[i] = (random64(engine) % range) + low;
  } else {
    for (let i = 0; i < out.length; i++) out[i] = Number((random64(engine) % range) + low);
  }
}

function toInt64(name: string, value: number | bigint): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    const remedy = Number.isInteger(value) ? 'a bigint, as numbers beyond 2^53 are not exact' : 'a whole number';
    throw new OutOfRangeError(`randint: expected ${remedy}, got ${name}=${value}`);
  }
  const integer = BigInt(value);
  if (integer < -INT64_MAX - 1n || integer > INT64_MAX) {
    throw new OutOfRangeError(`randint: ${name}=${integer} is out of range for int64`);
  }
  return integer;
}

/**
 * The bounds moved inwards to what a float of `digits` bits can hold, so that rounding never gives `high`
 * (`update_from` and `update_to` in PyTorch).
 */
function representable(low: bigint, high: bigint, digits: 24 | 53): [bigint, bigint] {
  const cast = (x: bigint) => BigInt(digits === 24 ? Math.fround(Number(x)) : Number(x));
  const spacing = (x: bigint) => 1n << BigInt((x < 0n ? -x : x).toString(2).length - digits);
  const lowCast = cast(low + 1n);
  const highCast = cast(high - 1n);
  const newLow = lowCast < low ? lowCast + spacing(low + 1n) : low;
  const newHigh = highCast >= high ? highCast - spacing(high - 1n) : high;
  if (newLow >= newHigh) {
    throw new OutOfRangeError(
      `randint: no float${digits === 24 ? 32 : 64} value lies in [${low}, ${high}); use an integer type`,
    );
  }
  return [newLow, newHigh];
}

/** A random permutation of 0 … n − 1: swap i with i + r mod (n − i), for i < n − 1. */
export function permutation(engine: Mt19937, n: number): Int32Array {
  if (!Number.isInteger(n) || n < 0 || n > 0x7fffffff) {
    throw new OutOfRangeError(`randperm: expected a whole number from 0 to 2^31 − 1, got n=${n}`);
  }
  const out = new Int32Array(n);
  for (let i = 0; i < n; i++) out[i] = i;
  for (let i = 0; i < n - 1; i++) {
    const j = i + (engine.next() % (n - i));
    const swapped = out[i];
    out[i] = out[j];
    out[j] = swapped;
  }
  return out;
}

export function fillBernoulli(engine: Mt19937, out: BernoulliArray, p: number | FloatArray): void {
  if (typeof p === 'number') {
    checkProbability(p);
    for (let i = 0; i < out.length; i++) out[i] = uniform53(engine) < p ? 1 : 0;
    return;
  }
  if (p.length !== out.length) {
    throw new OutOfRangeError(
      `bernoulli: expected one probability for each of ${out.length} elements, got ${p.length}`,
    );
  }
  p.forEach(checkProbability);
  // With a tensor of probabilities PyTorch draws in the precision of that tensor.
  const draw = p instanceof Float32Array ? uniform24 : uniform53;
  for (let i = 0; i < out.length; i++) out[i] = draw(engine) < p[i] ? 1 : 0;
}

function checkProbability(p: number): void {
  if (!(p >= 0 && p <= 1)) throw new OutOfRangeError(`bernoulli: expected a probability from 0 to 1, got p=${p}`);
}

export function sampleMultinomial(
  engine: Mt19937,
  weights: FloatArray | readonly number[],
  count: number,
  replacement: boolean,
): Int32Array {
  const w = weights instanceof Float32Array || weights instanceof Float64Array ? weights : Float64Array.from(weights);
  if (!Number.isInteger(count) || count <= 0) {
    throw new OutOfRangeError(`multinomial: expected a whole number of samples from 1 up, got ${count}`);
  }
  if (!replacement && count > w.length) {
    throw new OutOfRangeError(
      `multinomial: cannot draw ${count} samples from ${w.length} weights without replacement; pass replacement: true`,
    );
  }
  let sum = 0;
  for (let i = 0; i < w.length; i++) {
    if (!(w[i] >= 0 && w[i] < Infinity)) {
      throw new OutOfRangeError(`multinomial: expected finite weights ≥ 0, got ${w[i]} at index ${i}`);
    }
    sum += w[i];
  }
  if (!(sum > 0)) throw new OutOfRangeError('multinomial: expected weights with a sum > 0, got only zeros or none');
  return replacement ? byInversion(engine, w, count) : byExponentials(engine, w, count);
}

/** With replacement: binary search in the normalised cumulative weights, in the precision of the weights. */
function byInversion(engine: Mt19937, weights: FloatArray, count: number): Int32Array {
  const cumulative = weights.slice();
  for (let i = 1; i < cumulative.length; i++) cumulative[i] += cumulative[i - 1];
  const total = cumulative[cumulative.length - 1];
  for (let i = 0; i < cumulative.length; i++) cumulative[i] /= total;
  cumulative[cumulative.length - 1] = 1;
  const out = new Int32Array(count);
  for (let k = 0; k < count; k++) {
    const u = uniform53(engine);
    let left = 0;
    let right = cumulative.length;
    while (left < right) {
      const middle = (left + right) >>> 1;
      if (cumulative[middle] < u) left = middle + 1;
      else right = middle;
    }
    out[k] = left;
  }
  return out;
}

/**
 * Without replacement: the largest of wᵢ / eᵢ with eᵢ exponential, which draws in proportion to the weights
 * (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
 */
function byExponentials(engine: Mt19937, weights: FloatArray, count: number): Int32Array {
  const score = weights.slice();
  fillExponential(engine, score, 1);
  for (let i = 0; i < score.length; i++) score[i] = weights[i] / score[i];
  const order = Int32Array.from(score, (_, i) => i).sort((i, j) => score[j] - score[i] || i - j);
  return order.slice(0, count);
}
