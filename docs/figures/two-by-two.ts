/** Eigenvectors of a symmetric matrix of two rows, in closed form. */
import type { Tensor } from '@fakkel/core';
import type { Point } from './chart.js';

/** [[a, b], [b, c]] */
export type Symmetric = readonly [a: number, b: number, c: number];

/** The numbers of a symmetric tensor `[2, 2]`. */
export async function matrixOf(matrix: Tensor): Promise<Symmetric> {
  const [a, b, , c] = await matrix.data();
  return [Number(a), Number(b), Number(c)];
}

/** Both eigenvalues, the larger first, and a vector of length one for each. */
export function eigen([a, b, c]: Symmetric): { values: readonly [number, number]; vectors: readonly [Point, Point] } {
  const [middle, radius] = [(a + c) / 2, Math.hypot((a - c) / 2, b)];
  const angle = Math.atan2(2 * b, a - c) / 2;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return {
    values: [middle + radius, middle - radius],
    vectors: [
      [cos, sin],
      [-sin, cos],
    ],
  };
}
