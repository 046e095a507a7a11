/**
 * The error function, in double precision and, rounding after every operation, in single precision.
 *
 * From fdlibm's s_erf.c (also glibc's), translated to TypeScript; the original carries this notice:
 *
 *   Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
 *   Developed at SunPro, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this
 *   software is freely granted, provided that this notice is preserved.
 */

const fround = Math.fround;

// |x| < 0.84375
const PP = [
  1.28379167095512558561e-1, -3.2504210724700149937e-1, -2.84817495755985104766e-2, -5.77027029648944159157e-3,
  -2.37630166566501626084e-5,
];
const QQ = [
  1, 3.97917223959155352819e-1, 6.50222499887672944485e-2, 5.08130628187576562776e-3, 1.32494738004321644526e-4,
  -3.9602282787753681232e-6,
];
// 0.84375 ≤ |x| < 1.25: erf x = ERX + P / Q in |x| − 1
const ERX = 8.45062911510467529297e-1;
const PA = [
  -2.36211856075265944077e-3, 4.14856118683748331666e-1, -3.72207876035701323847e-1, 3.18346619901161753674e-1,
  -1.10894694282396677476e-1, 3.54783043256182359371e-2, -2.166375594868790843e-3,
];
const QA = [
  1, 1.06420880400844228286e-1, 5.40397917702171048937e-1, 7.18286544141962662868e-2, 1.26171219808761642112e-1,
  1.36370839120290507362e-2, 1.1984499846799107417e-2,
];
// 1.25 ≤ |x| < 1/0.35, and from there to 6: erf x = 1 − exp(−x² − 0.5625 + R / S) / |x|, R and S in 1 / x²
const RA = [
  -9.86494403484714822705e-3, -6.93858572707181764372e-1, -1.05586262253232909814e1, -6.23753324503260060396e1,
  -1.62396669462573470355e2, -1.84605092906711035994e2, -8.12874355063065934246e1, -9.81432934416914548592,
];
const SA = [
  1, 1.96512716674392571292e1, 1.376577541435190426e2, 4.34565877475229228821e2, 6.45387271733267880336e2,
  4.29008140027567833386e2, 1.08635005541779435134e2, 6.57024977031928170135, -6.04244152148580987438e-2,
];
const RB = [
  -9.86494292470009928597e-3, -7.99283237680523006574e-1, -1.77579549177547519889e1, -1.60636384855821916062e2,
  -6.37566443368389627722e2, -1.02509513161107724954e3, -4.83519191608651397019e2,
];
const SB = [
  1, 3.03380607434824582924e1, 3.25792512996573918826e2, 1.53672958608443695994e3, 3.19985821950859553908e3,
  2.55305040643316442583e3, 4.74528541206955367215e2, -2.24409524465858183362e1,
];

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** `x` cut to 12 significant bits, so that its square is exact. */
function truncate(x: number): number {
  float[0] = x;
  bits[0] &= 0xfffff000;
  return float[0];
}

/** a₀ + x (a₁ + x (a₂ + …)) */
function polynomial(x: number, a: readonly number[]): number {
  let sum = a[a.length - 1];
  for (let i = a.length - 2; i >= 0; i--) sum = sum * x + a[i];
  return sum;
}

/**
 * The error function, erf x = 2/√π ∫₀ˣ exp(−t²) dt, in double precision (error below 1 unit in the last place).
 *
 * @example
 * erf(1); // 0.8427007929497149
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const t = Math.abs(x);
  if (t < 0.84375) {
    const z = x * x;
    return x + x * (polynomial(z, PP) / polynomial(z, QQ));
  }
  const sign = x < 0 ? -1 : 1;
  if (t < 1.25) return sign * (ERX + polynomial(t - 1, PA) / polynomial(t - 1, QA));
  if (t >= 6) return sign;
  const s = 1 / (x * x);
  const ratio = t < 1 / 0.35 ? polynomial(s, RA) / polynomial(s, SA) : polynomial(s, RB) / polynomial(s, SB);
  // exp(−t²) in two factors, the first with an exact exponent: t² alone would lose the last bits.
  const z = truncate(t);
  return sign * (1 - (Math.exp(-z * z - 0.5625) * Math.exp((z - t) * (z + t) + ratio)) / t);
}

const [PP32, QQ32, PA32, QA32, RA32, SA32, RB32, SB32] = [PP, QQ, PA, QA, RA, SA, RB, SB].map((a) => a.map(fround));
const ERX32 = fround(ERX);

function polynomialFloat32(x: number, a: readonly number[]): number {
  let sum = fround(a[a.length - 1]);
  for (let i = a.length - 2; i >= 0; i--) sum = fround(fround(sum * x) + a[i]);
  return sum;
}

/** As {@link erf}, in single precision: argument and result are singles, as with glibc's `erff`. */
export function erfFloat32(x: number): number {
  if (Number.isNaN(x)) return NaN;
  const t = Math.abs(x);
  if (t < 0.84375) {
    const z = fround(x * x);
    return fround(x + fround(x * fround(polynomialFloat32(z, PP32) / polynomialFloat32(z, QQ32))));
  }
  const sign = x < 0 ? -1 : 1;
  if (t < 1.25) {
    const s = fround(t - 1);
    return sign * fround(ERX32 + fround(polynomialFloat32(s, PA32) / polynomialFloat32(s, QA32)));
  }
  if (t >= 6) return sign;
  const s = fround(1 / fround(x * x));
  const near = t < 1 / 0.35;
  const ratio = fround(polynomialFloat32(s, near ? RA32 : RB32) / polynomialFloat32(s, near ? SA32 : SB32));
  const z = truncate(t);
  const first = fround(Math.exp(-z * z - 0.5625));
  const second = fround(Math.exp(fround(fround((z - t) * fround(z + t)) + ratio)));
  return sign * fround(1 - fround(fround(first * second) / t));
}
