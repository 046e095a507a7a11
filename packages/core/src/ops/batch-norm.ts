/**
 * Batch normalization.
 */
import { DTypeError, FakkelError, ShapeError } from '../errors.js';
import { noGrad } from '../graph/modes.js';
import { checkTensor, record, record1, scalarInput } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { Cell } from '../runtime/cell.js';
import { formatAval, sameShape, sizeOf, type Aval, type Shape } from '../shape.js';
import { checkOptions, numberInput } from './arguments.js';
import { checkFloat, NO_ATTRS, type NoAttrs } from './common.js';
import { composed } from './compose.js';
import { filled, literal } from './constants.js';
import { defineOp } from './def.js';
import { throughDecomposition } from './through-decomposition.js';

/** All axes but the channels. */
const axesOf = (x: Aval): number[] => x.shape.map((_, i) => i).filter((i) => i !== 1);

/** Elements a channel. */
const countOf = (x: Aval): number => sizeOf(x.shape) / x.shape[1];

/** A vector of channels beside x [N, C, …]. */
const beside = (channels: Tensor, x: Aval): Tensor => channels.reshape(x.shape.map((n, i) => (i === 1 ? n : 1)));

function normalize(x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, eps: Tensor): Tensor {
  const scale = weight.mul(variance.add(eps).rsqrt());
  return x.sub(beside(mean, x)).mul(beside(scale, x)).add(beside(bias, x));
}

// With x̂ = (x − mean) / σ, σ = √(variance + eps) and m elements a channel:
// dx = weight/σ · (g − Σg/m − x̂·Σ(g·x̂)/m), dweight = Σ(g·x̂), dbias = Σg.
function gradients([g, x, weight, mean, variance, eps]: readonly Tensor[]): Tensor[] {
  const axes = axesOf(x);
  const inverse = variance.add(eps).rsqrt();
  const normalized = x.sub(beside(mean, x)).mul(beside(inverse, x));
  const dbias = g.sum(axes);
  const dweight = g.mul(normalized).sum(axes);
  const m = countOf(x);
  const centered = g.sub(beside(dbias.div(m), x)).sub(normalized.mul(beside(dweight.div(m), x)));
  return [centered.mul(beside(weight.mul(inverse), x)), dweight, dbias];
}

const batchNormGrad = defineOp<NoAttrs>({
  name: 'batchNormGrad',
  infer: ([, x, weight]) => [x, weight, weight].map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: throughDecomposition('batchNormGrad', gradients),
  decompose: gradients,
});

const batchNormOp = defineOp<NoAttrs>({
  name: 'batchNorm',
  infer: ([x, weight]) => [x, weight, weight].map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: {
    reads: { inputs: [0, 1, 3], outputs: [1, 2] },
    backward({ gradients: [g, dmean, dvariance], inputs: [x, weight, , eps], outputs: [, mean, variance], needs }) {
      let [dx, dweight, dbias]: (Tensor | null)[] = [null, null, null];
      if (g) [dx, dweight, dbias] = record(batchNormGrad, [g, x, weight, mean, variance, eps], NO_ATTRS);
      if (needs[0] && (dmean || dvariance)) {
        // Of the statistics themselves, in second derivatives: ∂mean/∂x = 1/m, ∂variance/∂x = 2·(x − mean)/m.
        const m = countOf(x);
        const terms: Tensor[] = dx ? [dx] : [];
        if (dmean) terms.push(beside(dmean.div(m), x).expand(x.shape));
        if (dvariance) terms.push(x.sub(beside(mean, x)).mul(beside(dvariance.mul(2 / m), x)));
        dx = terms.reduce((a, b) => a.add(b));
      }
      return [dx, dweight, dbias];
    },
  },
  decompose([x, weight, bias, eps]) {
    const mean = x.mean(axesOf(x));
    const variance = x.sub(beside(mean, x)).square().mean(axesOf(x));
    return [normalize(x, weight, bias, mean, variance, eps), mean, variance];
  },
});

const batchNormInference = defineOp<NoAttrs>({
  name: 'batchNormInference',
  jacobian: 'parts',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: {
    reads: { inputs: [0, 1, 3, 4, 5] },
    backward({ gradient: g, inputs: [x, weight, , mean, variance, eps], needs }) {
      const axes = axesOf(x);
      const inverse = variance.add(eps).rsqrt();
      const centered = x.sub(beside(mean, x));
      const dbias = g.sum(axes);
      const dot = g.mul(centered).sum(axes);
      return [
        needs[0] ? g.mul(beside(weight.mul(inverse), x)) : null,
        needs[1] ? dot.mul(inverse) : null,
        dbias,
        needs[3] ? dbias.mul(weight.mul(inverse)).neg() : null,
        needs[4] ? dot.mul(weight).mul(inverse.pow(3)).mul(-0.5) : null,
      ];
    },
  },
  decompose: ([x, weight, bias, mean, variance, eps]) => [normalize(x, weight, bias, mean, variance, eps)],
});

/** What {@link batchNorm} takes beside its tensors. */
export interface BatchNormOptions {
  /** Normalize with the batch's statistics and update the running ones; else with the running ones. Default false. */
  training?: boolean;
  /** How much the new statistics weigh in the running ones. Default 0.1. */
  momentum?: number | Tensor;
  /** Added to the variance. Default 1e-5. */
  eps?: number;
}

function checkChannels(x: Tensor, what: string, channels: Tensor | null | undefined): void {
  if (!channels) return;
  if (!sameShape(channels.shape, [x.shape[1]])) {
    throw new ShapeError(
      `batchNorm: expected ${what} [${x.shape[1]}], one for each channel of ${formatAval(x)}, got ${formatAval(channels)}. ` +
        `Make the layer for ${x.shape[1]} features; channels come second.`,
    );
  }
  if (channels.dtype !== x.dtype) {
    throw new DTypeError(
      `batchNorm: expected ${what} of dtype ${x.dtype} as the input, got ${formatAval(channels)}. ` +
        `Convert the input with x.to('${channels.dtype}').`,
    );
  }
}

/**
 * Batch normalization, as `F.batch_norm`: for each channel (axis 1)
 *
 * y = (x − mean) / √(variance + eps) · weight + bias
 *
 * In training the mean and the biased variance are those of the batch, and the running statistics, which are cells,
 * get pending writes: running = (1 − momentum) · running + momentum · batch, with the unbiased variance. Else the mean
 * and variance are the running ones.
 *
 * Shape: x `[N, C]` or `[N, C, …]`; the others `[C]`; result as x.
 *
 * Source: Ioffe and Szegedy, "Batch normalization", 2015.
 *
 * @param runningMean A cell (a `Buffer`) in training, or null to keep no statistics.
 * @param weight Default: ones.
 * @param bias Default: zeros.
 * @throws ShapeError in training with one value a channel: its variance says nothing.
 * @example
 * const x = tensor([[1, 10], [3, 30]]);
 * const y = nn.functional.batchNorm(x, null, null, null, null, { training: true, eps: 0 });
 * await y.toArray(); // [[-1, -1], [1, 1]]
 */
export function batchNorm(
  x: Tensor,
  runningMean: Tensor | null,
  runningVar: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options: BatchNormOptions = {},
): Tensor {
  checkTensor('batchNorm', x);
  checkFloat('batchNorm', [x]);
  checkOptions('batchNorm', options, ['training', 'momentum', 'eps'] satisfies (keyof BatchNormOptions)[]);
  const { training = false, momentum = 0.1, eps = 1e-5 } = options;
  if (x.ndim < 2) throw new ShapeError(`batchNorm: expected a batch [N, C] or [N, C, …], got ${formatAval(x)}`);
  checkChannels(x, 'a weight', weight);
  checkChannels(x, 'a bias', bias);
  checkChannels(x, 'a running mean', runningMean);
  checkChannels(x, 'a running variance', runningVar);
  return composed(() => {
    const channels: Shape = [x.shape[1]];
    const scale = weight ?? filled(1, channels, x);
    const shift = bias ?? filled(0, channels, x);
    const epsilon = scalarInput(eps, x.dtype, x.device);
    if (!training) {
      if (!runningMean || !runningVar) {
        throw new FakkelError(
          'batchNorm: needs a running mean and variance unless training; pass { training: true } for the batch’s',
        );
      }
      return record1(batchNormInference, [x, scale, shift, runningMean, runningVar, epsilon], NO_ATTRS);
    }
    // No values: no statistics to keep, and a result without elements.
    if (sizeOf(x.shape) === 0) return x.mul(beside(scale, x)).add(beside(shift, x));
    if (countOf(x) <= 1) {
      throw new ShapeError(
        `batchNorm: expected more than 1 value per channel when training, got ${formatAval(x)}. Use a larger batch ` +
          `(dropLast in the loader drops a last one of 1), or model.eval() to normalize with the running statistics.`,
      );
    }
    const [y, mean, variance] = record(batchNormOp, [x, scale, shift, epsilon], NO_ATTRS);
    noGrad(() => {
      const weighed = numberInput(momentum, x);
      const m = countOf(x);
      const unbiased = literal(m / (m - 1), x);
      moveRunning('batchNorm', 'runningMean', runningMean, mean, weighed);
      moveRunning('batchNorm', 'runningVar', runningVar, variance.mul(unbiased), weighed);
    });
    return y;
  });
}

/** A pending write of running = (1 − momentum) · running + momentum · batch, where there is a running statistic. */
export function moveRunning(
  op: string,
  name: string,
  running: Tensor | null | undefined,
  batch: Tensor,
  momentum: Tensor,
): void {
  if (!running) return;
  if (!(running instanceof Cell)) {
    throw new FakkelError(
      `${op}: ${name} is updated in training, so it must be a cell: new Buffer(zeros([${running.shape.join(', ')}])). ` +
        `Pass null to keep no statistics.`,
    );
  }
  running.assign(running.mul(momentum.neg().add(literal(1, momentum))).add(batch.mul(momentum)));
}
