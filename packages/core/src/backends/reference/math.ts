/**
 * Scalar functions that JavaScript lacks or defines otherwise than C and PyTorch.
 */

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
  const r = (a % b) | 0;
  return r !== 0 && r < 0 !== b < 0 ? r + b : r;
}
