/**
 * Scalar functions that JavaScript lacks or defines otherwise than C and PyTorch.
 */

const SERIES_LIMIT = 2.5;

/**
 * The error function, to about 1e-15: the series of all-positive terms
 * 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (2n+1)!! near zero, 1 − erfc by its continued fraction beyond
 * (Abramowitz & Stegun 7.1.6 and 7.1.14).
 */
export function erf(x: number): number {
  const z = Math.abs(x);
  if (!(z < 6)) return z >= 6 ? Math.sign(x) : NaN;
  if (z < SERIES_LIMIT) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
      term *= (2 * x * x) / (2 * n + 1);
      sum += term;
    }
    return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  // √π e^(z²) erfc(z) = 1/(z + (1/2)/(z + 1/(z + (3/2)/(z + …)))), from the inside out.
  let tail = z;
  for (let n = 60; n > 0; n--) tail = z + n / 2 / tail;
  return Math.sign(x) * (1 - Math.exp(-z * z) / (Math.sqrt(Math.PI) * tail));
}

/** C's pow: 1^NaN and (−1)^±∞ are 1, where JavaScript says NaN. */
export function pow(a: number, b: number): number {
  if (a === 1 || (a === -1 && (b === Infinity || b === -Infinity))) return 1;
  return a ** b;
}

/** Power of integers modulo 2³². A negative exponent gives the integer part: 0, or ±1 for a base of ±1. */
export function intPow(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b & 1 ? -1 : 1) : 0;
  let result = 1;
  for (let base = a, e = b; e > 0; e >>>= 1, base = Math.imul(base, base)) {
    if (e & 1) result = Math.imul(result, base);
  }
  return result;
}

/** Rounds halves to even. */
export function roundHalfEven(x: number): number {
  const r = Math.round(x); // halves up
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

/** The remainder with the sign of the divisor. */
export function remainder(a: number, b: number): number {
  const r = a % b;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}

/** ⌊a/b⌋, exact where a/b rounds to the next integer (1 // 0.1 is 9), as Python's and PyTorch's. */
export function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b;
  const r = a % b;
  let quotient = (a - r) / b;
  if (r !== 0 && r < 0 !== b < 0) quotient -= 1;
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0;
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}

/** ⌊a/b⌋ of integers; 0 where b is 0. */
export function intFloorDivide(a: number, b: number): number {
  return b === 0 ? 0 : Math.floor(a / b) | 0;
}

/** Remainder of integers with the sign of the divisor; 0 where b is 0. */
export function intRemainder(a: number, b: number): number {
  if (b === 0) return 0;
  const r = a % b | 0;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}
