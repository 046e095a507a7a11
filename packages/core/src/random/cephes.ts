/**
 * Logarithm, sine and cosine in single precision, operation for operation as PyTorch's vectorised normal distribution
 * computes them on x86 (AVX2 with fused multiply-add), so that `randn` gives its very numbers. They differ from the
 * correctly rounded values by up to a few units in the last place; use `Math.log` and friends everywhere else.
 *
 * `fround(a * b + c)` stands for a fused multiply-add: the product of two singles is exact in double precision, so one
 * rounding to double and one to single remain; they differ from a single rounding about once in 2²⁹.
 *
 * Source: S. Moshier, Cephes 2.2, 1992 (`logf`, `sinf`, `cosf`), in the vector form of J. Pommier and G. Garberoglio
 * (`avx_mathfun.h`, zlib licence), as in PyTorch 1.13, `aten/src/ATen/native/cpu/avx_mathfun.h`.
 */

const fround = Math.fround;

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

const SQRT_HALF = fround(Math.SQRT1_2);
// ln 2 = LN2_HIGH + LN2_LOW; the high part has few bits, so that its product with an exponent is exact.
const LN2_HIGH = fround(0.693359375);
const LN2_LOW = fround(-2.1219444e-4);
const L0 = fround(7.0376836292e-2);
const L1 = fround(-1.151461031e-1);
const L2 = fround(1.167699874e-1);
const L3 = fround(-1.2420140846e-1);
const L4 = fround(1.4249322787e-1);
const L5 = fround(-1.6668057665e-1);
const L6 = fround(2.0000714765e-1);
const L7 = fround(-2.4999993993e-1);
const L8 = fround(3.3333331174e-1);

/** ln x, for a single `x` > 0 that is not subnormal. */
export function logFloat32(x: number): number {
  float[0] = x;
  let exponent = (bits[0] >>> 23) - 126;
  bits[0] = (bits[0] & 0x007fffff) | 0x3f000000; // the mantissa, in [0.5, 1)
  const mantissa = float[0];
  let m = fround(mantissa - 1);
  if (mantissa < SQRT_HALF) {
    exponent -= 1;
    m = fround(m + mantissa);
  }
  const z = fround(m * m);
  let y = fround(L0 * m + L1);
  y = fround(y * m + L2);
  y = fround(y * m + L3);
  y = fround(y * m + L4);
  y = fround(y * m + L5);
  y = fround(y * m + L6);
  y = fround(y * m + L7);
  y = fround(y * m + L8);
  y = fround(y * m);
  y = fround(y * z + fround(exponent * LN2_LOW));
  y = fround(y - z * 0.5);
  return fround(exponent * LN2_HIGH + fround(m + y));
}

const FOUR_OVER_PI = fround(1.27323954473516);
// −π/4 in three parts, for a range reduction that loses no bits.
const DP1 = fround(-0.78515625);
const DP2 = fround(-2.4187564849853515625e-4);
const DP3 = fround(-3.774894977445941e-8);
const S0 = fround(-1.9515295891e-4);
const S1 = fround(8.3321608736e-3);
const S2 = fround(-1.6666654611e-1);
const C0 = fround(2.443315711809948e-5);
const C1 = fround(-1.388731625493765e-3);
const C2 = fround(4.166664568298827e-2);

/** Writes sin x to `out[0]` and cos x to `out[1]`, for a single `x` from 0 to 8192. */
export function sincosFloat32(x: number, out: Float32Array): void {
  const octant = (fround(x * FOUR_OVER_PI) + 1) & ~1;
  let r = fround(octant * DP1 + x);
  r = fround(octant * DP2 + r);
  r = fround(octant * DP3 + r);
  const z = fround(r * r);

  let c = fround(C0 * z + C1);
  c = fround(c * z + C2);
  c = fround(c * z);
  c = fround(c * z - z * 0.5);
  c = fround(c + 1);

  let s = fround(S0 * z + S1);
  s = fround(s * z + S2);
  s = fround(s * z);
  s = fround(s * r + r);

  const swap = (octant & 2) !== 0;
  const sine = swap ? c : s;
  const cosine = swap ? s : c;
  out[0] = (octant & 4) !== 0 ? -sine : sine;
  out[1] = ((octant - 2) & 4) === 0 ? -cosine : cosine;
}
