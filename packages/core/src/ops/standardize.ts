/**
 * Standardization of rows: what layer, group and instance normalization are made of. They differ in what a row is.
 */
import { record } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import type { Aval } from '../shape.js';
import { NO_ATTRS, type NoAttrs } from './common.js';
import { defineOp } from './def.js';
import { throughDecomposition } from './through-decomposition.js';

/** One number a row beside x [R, M]. */
const beside = (rows: Tensor): Tensor => rows.reshape([rows.shape[0], 1]);

const inverseDeviation = (variance: Tensor, eps: Tensor): Tensor => beside(variance.add(eps).rsqrt());

/** dx = (g − Σg/m − y · Σ(g·y)/m) / σ with σ = √(variance + eps) and m elements a row; y is the result. */
function gradientOf([g, y, variance, eps]: readonly Tensor[]): Tensor[] {
  const centered = g.sub(g.mean([1], true));
  const along = y.mul(g.mul(y).mean([1], true));
  return [centered.sub(along).mul(inverseDeviation(variance, eps))];
}

const standardizeGrad = defineOp<NoAttrs>({
  name: 'standardizeGrad',
  infer: ([, y]) => [{ shape: y.shape, dtype: y.dtype }],
  vjp: throughDecomposition('standardizeGrad', gradientOf),
  decompose: gradientOf,
});

const rowsOf = ({ shape, dtype }: Aval): Aval => ({ shape: [shape[0]], dtype });

const standardizeOp = defineOp<NoAttrs>({
  name: 'standardize',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }, rowsOf(x), rowsOf(x)],
  vjp: {
    reads: { inputs: [1], outputs: [0, 2] },
    backward({ gradients: [g, dmean, dvariance], inputs: [x, eps], outputs: [y, , variance] }) {
      const terms: Tensor[] = [];
      if (g) [terms[0]] = record(standardizeGrad, [g, y, variance, eps], NO_ATTRS);
      // Of the statistics themselves, in second derivatives: ∂mean/∂x = 1/m, ∂variance/∂x = 2 · (x − mean)/m.
      const m = x.shape[1];
      if (dmean) terms.push(beside(dmean.div(m)).expand(x.shape));
      if (dvariance) {
        const deviation = variance.add(eps).sqrt();
        terms.push(y.mul(beside(dvariance.mul(deviation).mul(2 / m))));
      }
      return [terms.reduce((a, b) => a.add(b))];
    },
  },
  decompose([x, eps]) {
    const mean = x.mean([1]);
    const centered = x.sub(beside(mean));
    const variance = centered.square().mean([1]);
    return [centered.mul(inverseDeviation(variance, eps)), mean, variance];
  },
});

/** Rows with their statistics: see {@link standardize}. */
export interface Standardized {
  /** [R, M] */
  readonly y: Tensor;
  /** [R] */
  readonly mean: Tensor;
  /** Biased: [R]. */
  readonly variance: Tensor;
}

/**
 * y = (x − mean) / √(variance + eps) for each row of x, with the row's mean and biased variance.
 *
 * @param x [R, M].
 * @param eps [].
 */
export function standardize(x: Tensor, eps: Tensor): Standardized {
  const [y, mean, variance] = record(standardizeOp, [x, eps], NO_ATTRS);
  return { y, mean, variance };
}
