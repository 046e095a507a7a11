/**
 * Comparing numbers, so that a wrong one says where it is and how wrong.
 */

/** How far a number may be from the expected one: |a − e| ≤ relative · |e| + absolute · max |e over the tensor|. */
export interface Tolerance {
  readonly relative: number;
  /** As a fraction of the largest finite magnitude expected in the tensor: sums cancel. */
  readonly absolute: number;
}

/** Equal bits, but for the sign of zero. */
export const EXACT: Tolerance = { relative: 0, absolute: 0 };

/**
 * Throws unless `actual` equals `expected` within the tolerance. NaN equals only NaN in the same place, an infinity
 * only itself.
 *
 * @param what - How the message begins: the op, the sample, which output.
 * @param shape - For printing indices.
 * @throws Error with the first index that differs, both values, and the largest error.
 */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  shape: readonly number[],
  tolerance: Tolerance,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: expected ${expected.length} elements, got ${actual.length}`);
  }
  const { relative } = tolerance;
  const absolute = tolerance.absolute * largestMagnitude(expected);
  // Beside NaN and infinities nothing is allowed.
  const allowedAt = (i: number): number =>
    Number.isFinite(expected[i]) ? relative * Math.abs(expected[i]) + absolute : 0;
  let first = -1;
  let wrong = 0;
  let worst = -1;
  let worstError = 0;
  for (let i = 0; i < expected.length; i++) {
    const error = distance(actual[i], expected[i]);
    if (error > worstError) {
      worstError = error;
      worst = i;
    }
    if (error <= allowedAt(i)) continue;
    wrong++;
    if (first < 0) first = i;
  }
  if (first < 0) return;
  const at = (i: number): string => `[${indexOf(i, shape).join(', ')}]`;
  throw new Error(
    `${what}: first differs at ${at(first)}: expected ${expected[first]}, got ${actual[first]} ` +
      `(allowed error ${format(allowedAt(first))}); largest error ${format(worstError)} at ${at(worst)}; ` +
      `${wrong} of ${expected.length} elements differ`,
  );
}

/** |a − e|; 0 for equal NaN and infinities, ∞ where only one of them is one. */
function distance(actual: number, expected: number): number {
  if (Object.is(actual, expected) || actual === expected) return 0;
  const error = Math.abs(actual - expected);
  return Number.isFinite(error) ? error : Infinity;
}

/** The largest finite magnitude; 1 where all are zero, so that a rounding error beside zeros is no failure. */
function largestMagnitude(values: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (magnitude > most && magnitude < Infinity) most = magnitude;
  }
  return most > 1e-12 ? most : 1;
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1, rest = flat; axis >= 0; axis--) {
    index[axis] = rest % shape[axis];
    rest = Math.floor(rest / shape[axis]);
  }
  return index;
}

const format = (error: number): string => (error === Infinity ? 'infinite' : error.toPrecision(3));
