/**
 * Continuous distributions over host arrays, drawing from a generator as PyTorch's CPU kernels do.
 *
 * Where two roundings are possible these follow PyTorch's x86 builds, which fuse the final `x * scale + shift`.
 *
 * Source: PyTorch 1.13, `aten/src/ATen/native/cpu/DistributionTemplates.h`, `aten/src/ATen/core/DistributionsHelper.h`.
 */
import { OutOfRangeError } from '../errors.js';
import { logFloat32, sincosFloat32 } from './cephes.js';
import { erf } from './erf.js';
import { erfinv, erfinvFloat32 } from './erfinv.js';
import type { Mt19937 } from './mt19937.js';

/** A host array of a floating-point tensor. */
export type FloatArray = Float32Array | Float64Array;

/** What the distributions draw from: the engine, and the second value of the last pair of normal numbers. */
export interface NormalSource {
  readonly engine: Mt19937;
  /** PyTorch keeps the sine half of a Box–Muller pair for the next call; undefined when there is none. */
  cachedNormal: number | undefined;
}

const fround = Math.fround;
const MAX_FLOAT32 = 3.4028234663852886e38;

/** 24 bits in [0, 1): PyTorch's float32 uniform. One word. */
export function uniform24(engine: Mt19937): number {
  return (engine.next() & 0xffffff) * 2 ** -24;
}

/** 53 bits in [0, 1): PyTorch's float64 uniform. Two words, the high one first. */
export function uniform53(engine: Mt19937): number {
  const high = engine.next() & 0x1fffff;
  return (high * 2 ** 32 + engine.next()) * 2 ** -53;
}

export function fillUniform(engine: Mt19937, out: FloatArray, low: number, high: number): void {
  const single = out instanceof Float32Array;
  const max = single ? MAX_FLOAT32 : Number.MAX_VALUE;
  for (const [name, value] of [
    ['low', low],
    ['high', high],
  ] as const) {
    if (!(Math.abs(value) <= max)) {
      throw new OutOfRangeError(
        `uniform: expected a finite ${name} within ±${max.toPrecision(3)} (${single ? 'float32' : 'float64'}), got ${name}=${value}`,
      );
    }
  }
  if (low > high) throw new OutOfRangeError(`uniform: expected low ≤ high, got low=${low}, high=${high}`);
  if (high - low > max) {
    throw new OutOfRangeError(
      `uniform: high − low overflows ${single ? 'float32' : 'float64'}, got low=${low}, high=${high}`,
    );
  }
  if (single) {
    const shift = fround(low);
    const scale = fround(fround(high) - shift);
    // The product of two singles is exact in double precision: this rounds as a fused multiply-add does.
    for (let i = 0; i < out.length; i++) out[i] = uniform24(engine) * scale + shift;
  } else if (low === 0) {
    for (let i = 0; i < out.length; i++) out[i] = uniform53(engine) * high;
  } else {
    for (let i = 0; i < out.length; i++) out[i] = fusedMultiplyAdd(uniform53(engine), high - low, low);
  }
}

/** From this size on PyTorch draws normal numbers in blocks. */
const BLOCK = 16;

export function fillNormal(source: NormalSource, out: FloatArray, mean: number, std: number): void {
  if (!(std >= 0)) throw new OutOfRangeError(`normal: expected std ≥ 0, got std=${std}`);
  const n = out.length;
  if (n < BLOCK) {
    for (let i = 0; i < n; i++) out[i] = nextNormal(source) * std + mean;
    return;
  }
  const { engine } = source;
  if (out instanceof Float32Array) {
    for (let i = 0; i < n; i++) out[i] = uniform24(engine);
    for (let start = 0; start + BLOCK <= n; start += BLOCK) normalBlockFloat32(out, start, fround(mean), fround(std));
  } else {
    for (let i = 0; i < n; i++) out[i] = uniform53(engine);
    for (let start = 0; start + BLOCK <= n; start += BLOCK) normalBlockFloat64(out, start, mean, std);
  }
  if (n % BLOCK === 0) return;
  // The last block overlaps the one before it and is drawn again, as PyTorch does.
  if (out instanceof Float32Array) {
    for (let i = n - BLOCK; i < n; i++) out[i] = uniform24(engine);
    normalBlockFloat32(out, n - BLOCK, fround(mean), fround(std));
  } else {
    for (let i = n - BLOCK; i < n; i++) out[i] = uniform53(engine);
    normalBlockFloat64(out, n - BLOCK, mean, std);
  }
}

/** One standard normal number by Box–Muller, always in double precision; every second one comes from the cache. */
function nextNormal(source: NormalSource): number {
  if (source.cachedNormal !== undefined) {
    const value = source.cachedNormal;
    source.cachedNormal = undefined;
    return value;
  }
  const u1 = uniform53(source.engine);
  const u2 = uniform53(source.engine);
  const radius = Math.sqrt(-2 * Math.log(1 - u2));
  const theta = 2 * Math.PI * u1;
  source.cachedNormal = radius * Math.sin(theta);
  return radius * Math.cos(theta);
}

const TWO_PI_FLOAT32 = fround(2 * Math.PI);
const sincos = new Float32Array(2);

/** Box–Muller over 16 uniform numbers in place; element j is paired with j + 8. */
function normalBlockFloat32(data: Float32Array, start: number, mean: number, std: number): void {
  for (let j = start; j < start + BLOCK / 2; j++) {
    const radius = fround(Math.sqrt(-2 * logFloat32(fround(1 - data[j]))));
    sincosFloat32(fround(TWO_PI_FLOAT32 * data[j + 8]), sincos);
    data[j] = fround(radius * sincos[1]) * std + mean;
    data[j + 8] = fround(radius * sincos[0]) * std + mean;
  }
}

function normalBlockFloat64(data: Float64Array, start: number, mean: number, std: number): void {
  for (let j = start; j < start + BLOCK / 2; j++) {
    const radius = Math.sqrt(-2 * Math.log(1 - data[j]));
    const theta = 2 * Math.PI * data[j + 8];
    data[j] = radius * Math.cos(theta) * std + mean;
    data[j + 8] = radius * Math.sin(theta) * std + mean;
  }
}

export function fillTruncNormal(
  engine: Mt19937,
  out: FloatArray,
  mean: number,
  std: number,
  a: number,
  b: number,
): void {
  if (!Number.isFinite(mean)) throw new OutOfRangeError(`truncNormal: expected a finite mean, got mean=${mean}`);
  if (!(std > 0 && std < Infinity)) throw new OutOfRangeError(`truncNormal: expected a finite std > 0, got std=${std}`);
  if (!(a <= b)) throw new OutOfRangeError(`truncNormal: expected bounds a ≤ b, got a=${a}, b=${b}`);
  // 2Φ(z) − 1 at both bounds, in PyTorch's order of operations.
  const low = 2 * normalCdf((a - mean) / std) - 1;
  const high = 2 * normalCdf((b - mean) / std) - 1;
  fillUniform(engine, out, low, high);
  if (out instanceof Float32Array) {
    const scale = fround(std * Math.SQRT2);
    const [shift, min, max] = [fround(mean), fround(a), fround(b)];
    for (let i = 0; i < out.length; i++) {
      const value = fround(fround(erfinvFloat32(out[i]) * scale) + shift);
      out[i] = Math.min(Math.max(value, min), max);
    }
  } else {
    const scale = std * Math.SQRT2;
    for (let i = 0; i < out.length; i++) out[i] = Math.min(Math.max(erfinv(out[i]) * scale + mean, a), b);
  }
}

function normalCdf(x: number): number {
  return (1 + erf(x / Math.SQRT2)) / 2;
}

export function fillExponential(engine: Mt19937, out: FloatArray, lambda: number): void {
  if (!(lambda > 0)) throw new OutOfRangeError(`exponential: expected lambda > 0, got lambda=${lambda}`);
  for (let i = 0; i < out.length; i++) out[i] = (-1 / lambda) * Math.log(1 - uniform53(engine));
}

const SPLITTER = 2 ** 27 + 1;

/**
 * a · b + c with one rounding, but for ties of a tie (Dekker's product, Knuth's sum; no overflow for the ranges here).
 */
function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const sum = product + c;
  if (!Number.isFinite(SPLITTER * b)) return sum; // splitting would overflow
  const aHigh = SPLITTER * a - (SPLITTER * a - a);
  const bHigh = SPLITTER * b - (SPLITTER * b - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  const productError = aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow;
  const part = sum - product;
  const sumError = product - (sum - part) + (c - part);
  return sum + (sumError + productError);
}
