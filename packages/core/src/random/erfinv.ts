/**
 * The inverse error function, in double precision and, rounding after every operation, in single precision. PyTorch
 * computes float32 in single precision, which is off by up to 7e-6 near ±1; to give its initial weights (`truncNormal`)
 * ours must be off in the same way.
 *
 * Source: PyTorch 1.13, `calc_erfinv` in `aten/src/ATen/native/Math.h`, itself from G. Pavlis, Indiana University, 1996
 * (New BSD licence): a rational first guess, then two Newton steps.
 */
import { erf, erfFloat32 } from './erf.js';

const fround = Math.fround;

const [A0, A1, A2, A3] = [0.886226899, -1.645349621, 0.914624893, -0.140543331];
const [B0, B1, B2, B3] = [-2.118377725, 1.442710462, -0.329097515, 0.012229801];
const [C0, C1, C2, C3] = [-1.970840454, -1.624906493, 3.429567803, 1.641345311];
const [D0, D1] = [3.5438892, 1.6370678];
const CENTRAL_RANGE = 0.7;
/** The derivative of erf at 0. */
const SLOPE = 2 / Math.sqrt(Math.PI);

/**
 * The inverse error function in double precision: the x for which erf x = y. Gives ±Infinity at ±1 and NaN outside
 * [−1, 1].
 *
 * @example
 * erfinv(0.5); // 0.4769362762044699
 */
export function erfinv(y: number): number {
  const magnitude = Math.abs(y);
  if (!(magnitude <= 1)) return NaN;
  if (magnitude === 1) return y * Infinity;
  let x: number;
  if (magnitude <= CENTRAL_RANGE) {
    const z = y * y;
    const numerator = ((A3 * z + A2) * z + A1) * z + A0;
    x = (y * numerator) / ((((B3 * z + B2) * z + B1) * z + B0) * z + 1);
  } else {
    const z = Math.sqrt(-Math.log((1 - magnitude) / 2));
    const numerator = ((C3 * z + C2) * z + C1) * z + C0;
    x = (Math.sign(y) * numerator) / ((D1 * z + D0) * z + 1);
  }
  x -= (erf(x) - y) / (SLOPE * Math.exp(-x * x));
  x -= (erf(x) - y) / (SLOPE * Math.exp(-x * x));
  return x;
}

const [A0F, A1F, A2F, A3F] = [A0, A1, A2, A3].map(fround);
const [B0F, B1F, B2F, B3F] = [B0, B1, B2, B3].map(fround);
const [C0F, C1F, C2F, C3F] = [C0, C1, C2, C3].map(fround);
const [D0F, D1F] = [D0, D1].map(fround);
const CENTRAL_RANGE_F = fround(CENTRAL_RANGE);
const SLOPE_F = fround(2 / fround(Math.sqrt(Math.PI)));

/**
 * As {@link erfinv}, in single precision: argument and result are singles, as with PyTorch's `erfinv` of a float32
 * tensor. `fround(a * b + c)` stands for the fused multiply-adds of PyTorch's build.
 */
export function erfinvFloat32(y: number): number {
  const magnitude = Math.abs(y);
  if (!(magnitude <= 1)) return NaN;
  if (magnitude === 1) return y * Infinity;
  let x: number;
  if (magnitude <= CENTRAL_RANGE_F) {
    const z = fround(y * y);
    const numerator = fround(fround(fround(A3F * z + A2F) * z + A1F) * z + A0F);
    const denominator = fround(fround(fround(fround(B3F * z + B2F) * z + B1F) * z + B0F) * z + 1);
    x = fround(fround(y * numerator) / denominator);
  } else {
    const z = fround(Math.sqrt(-fround(Math.log(fround(1 - magnitude) / 2))));
    const numerator = fround(fround(fround(C3F * z + C2F) * z + C1F) * z + C0F);
    const denominator = fround(fround(D1F * z + D0F) * z + 1);
    x = fround((Math.sign(y) * numerator) / denominator);
  }
  return newtonFloat32(newtonFloat32(x, y), y);
}

function newtonFloat32(x: number, y: number): number {
  const derivative = fround(SLOPE_F * fround(Math.exp(fround(-x * x))));
  return fround(x - fround(fround(erfFloat32(x) - y) / derivative));
}
