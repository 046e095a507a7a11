/**
 * The QR factorization, by Householder's reflections.
 */

/** A matrix of doubles, column by column. */
export type Columns = readonly Float64Array[];

const squaredLength = (v: Float64Array): number => v.reduce((sum, x) => sum + x * x, 0);

/** x ← x − v · (2 vᵀx / vᵀv), from row `from` on, where v begins. */
function reflect(x: Float64Array, v: Float64Array, scale: number, from: number): void {
  let dot = 0;
  for (let i = 0; i < v.length; i++) dot += v[i] * x[from + i];
  dot *= scale;
  for (let i = 0; i < v.length; i++) x[from + i] -= dot * v[i];
}

/**
 * The orthonormal factor of A = Q·R for a matrix with at least as many rows as columns: Q has A's shape, and is the only
 * one for which R's diagonal is positive. Signs by which factorizations differ are no matter so, and on random matrices
 * Q is uniformly distributed (Mezzadri, "How to generate random matrices from the classical compact groups", 2007).
 *
 * Source: Golub and Van Loan, "Matrix computations", 4th edition, 2013, section 5.2.
 */
export function orthonormalColumns(a: Columns): Columns {
  const work = a.map((column) => column.slice());
  // Column k below its diagonal becomes 0 by a reflection along v = x − β·e₁, with β = −sign(x₁)·‖x‖ against cancellation.
  const reflections = work.map((column, k) => {
    const v = column.slice(k);
    const norm = Math.sqrt(squaredLength(v));
    const beta = v[0] > 0 ? -norm : norm;
    v[0] -= beta;
    const scale = norm > 0 ? 2 / squaredLength(v) : 0;
    for (let j = k + 1; j < work.length; j++) reflect(work[j], v, scale, k);
    return { v, scale, sign: Math.sign(beta) };
  });
  // Q = H₀·H₁ … applied to the first columns of the identity, from the last reflection on: zeros stay out of it.
  const q = a.map((column, j) => {
    const unit = new Float64Array(column.length);
    unit[j] = reflections[j].sign;
    return unit;
  });
  for (let k = q.length - 1; k >= 0; k--) {
    const { v, scale } = reflections[k];
    for (let j = k; j < q.length; j++) reflect(q[j], v, scale, k);
  }
  return q;
}
