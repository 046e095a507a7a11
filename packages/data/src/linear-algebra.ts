/**
 * Eigenvectors, by ml-matrix: loaded when they are asked for, so that who doesn't whiten doesn't load it.
 */

/** Eigenvalues and eigenvectors of a symmetric matrix, A = Σ λᵢ vᵢvᵢᵀ. */
export interface Eigen {
  /** λ, the largest first. */
  readonly values: Float64Array;
  /** vᵢ, one a row: `[n, n]`, row-major. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix. Of v and −v that is given whose element with the largest
 * magnitude, the first of equal ones, is positive, so that the same matrix gives the same vectors.
 *
 * Tridiagonalization and implicit QL: O(n³) time.
 *
 * @param matrix - `[n, n]`, row-major; its upper triangle counts.
 */
export async function symmetricEigen(matrix: Float64Array, n: number): Promise<Eigen> {
  const { EigenvalueDecomposition, Matrix } = await import('ml-matrix');
  const square = new Matrix(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      square.set(i, j, matrix[i * n + j]);
      square.set(j, i, matrix[i * n + j]);
    }
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(square, { assumeSymmetric: true });
  const order = Array.from(realEigenvalues, (_, i) => i).sort((a, b) => realEigenvalues[b] - realEigenvalues[a]);
  const vectors = new Float64Array(n * n);
  order.forEach((column, row) => {
    let peak = 0;
    for (let k = 0; k < n; k++) {
      const value = eigenvectorMatrix.get(k, column);
      vectors[row * n + k] = value;
      // A relative margin: of magnitudes that are equal but for rounding it is the first too.
      if (Math.abs(value) > Math.abs(peak) * (1 + 1e-9)) peak = value;
    }
    if (peak < 0) for (let k = row * n; k < (row + 1) * n; k++) vectors[k] = -vectors[k];
  });
  return { values: Float64Array.from(order, (i) => realEigenvalues[i]), vectors };
}
