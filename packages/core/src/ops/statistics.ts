/**
 * Variance, standard deviation and norms.
 */
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { checkOptions } from './arguments.js';
import { checkFloat } from './common.js';
import type { VjpContext } from './def.js';
import { where } from './logic.js';
import { checkNotEmpty, defineReduction, kept, reduce, reducedSize, type Dims, type ReductionAttrs } from './reduce.js';

type VarianceAttrs = ReductionAttrs & { readonly correction: number };

/** What the squared deviations are divided by. */
const freedom = (x: Tensor, { dims, correction }: VarianceAttrs): number =>
  Math.max(reducedSize(x.shape, dims) - correction, 0);

/** dx of Σ (x − mean)² / freedom, times the gradient. */
function varianceGradient(x: Tensor, attrs: VarianceAttrs, gradient: Tensor): Tensor {
  return x.sub(x.mean(attrs.dims, true)).mul(kept(gradient.mul(2 / freedom(x, attrs)), x, attrs));
}

const variance = defineReduction<VarianceAttrs>({
  name: 'variance',
  check: (x) => checkFloat('var', [x]),
  vjp: {
    reads: { inputs: [0] },
    backward: ({ inputs: [x], attrs, gradient }) => [varianceGradient(x, attrs, gradient)],
  },
  decompose([x], attrs) {
    const deviation = x.sub(x.mean(attrs.dims, true));
    return [deviation.square().sum(attrs.dims, attrs.keepdim).div(freedom(x, attrs))];
  },
});

const deviation = defineReduction<VarianceAttrs>({
  name: 'std',
  check: (x) => checkFloat('std', [x]),
  vjp: {
    reads: { inputs: [0], outputs: [0] },
    // Where the deviation is 0 the gradient is 0, not 0 · ∞.
    backward({ inputs: [x], attrs, output, gradient }) {
      const isZero = output.eq(0);
      const scale = where(isZero, 0, gradient.div(where(isZero, 1, output.mul(2))));
      return [varianceGradient(x, attrs, scale)];
    },
  },
  decompose: ([x], { dims, ...options }) => [x.var(dims, options).sqrt()],
});

/** Options of {@link var} and {@link std}. */
export interface VarianceOptions {
  /** What is subtracted from the number of elements in the divisor. Default 1: unbiased. */
  readonly correction?: number;
  /** Keep the reduced axes with size 1. Default false. */
  readonly keepdim?: boolean;
}

/**
 * Σ (x − mean)² / (n − correction) over all axes or the given ones.
 *
 * JavaScript reserves the word: `import { var as variance }`.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws DTypeError unless x is a float tensor; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([1, 2, 3, 4]).var(0, { correction: 0 }).item(); // 1.25
 */
function varianceOf(x: Tensor, dims?: Dims, options: VarianceOptions = {}): Tensor {
  checkTensor('var', x);
  checkOptions('var', options, ['correction', 'keepdim']);
  const { correction = 1, keepdim = false } = options;
  return reduce(variance, x, dims, keepdim, { correction });
}

export { varianceOf as var };

/**
 * √(Σ (x − mean)² / (n − correction)) over all axes or the given ones. Its gradient is 0 where it is 0.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws DTypeError unless x is a float tensor; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([1, 3]).std(0, { correction: 0 }).item(); // 1
 */
export function std(x: Tensor, dims?: Dims, options: VarianceOptions = {}): Tensor {
  checkTensor('std', x);
  checkOptions('std', options, ['correction', 'keepdim']);
  const { correction = 1, keepdim = false } = options;
  return reduce(deviation, x, dims, keepdim, { correction });
}

/** Attributes are JSON, which has no infinity. */
type NormAttrs = ReductionAttrs & { readonly p: number | 'inf' | '-inf' };

/** The gradient of a norm: zero where the norm is. Formulas of PyTorch's `linalg_vector_norm_backward`. */
function normGradient({ inputs: [x], output, gradient, attrs }: VjpContext<NormAttrs>): Tensor {
  const { p, dims } = attrs;
  const norm = kept(output, x, attrs);
  const g = kept(gradient, x, attrs);
  if (p === 0) return x.mul(0);
  if (p === 1) return g.mul(x.sign());
  if (typeof p === 'string') {
    const mask = x.abs().eq(norm).to(x.dtype);
    return x
      .sign()
      .mul(mask)
      .mul(g.div(mask.sum(dims, true)));
  }
  const safe = where(norm.eq(0), 1, norm);
  if (p === 2) return x.mul(g.div(safe));
  const size = x.abs();
  const isZero = size.eq(0);
  const power = where(isZero, 0, where(isZero, 1, size).pow(p - 1));
  return x
    .sign()
    .mul(power)
    .mul(where(norm.eq(0), 0, g.mul(safe.pow(1 - p))));
}

const normOp = defineReduction<NormAttrs>({
  name: 'norm',
  check(x, { p, dims }) {
    checkFloat('norm', [x]);
    if (typeof p === 'string' || p < 0) checkNotEmpty('norm', x, dims);
  },
  vjp: { reads: { inputs: [0], outputs: [0] }, backward: (context) => [normGradient(context)] },
  decompose([x], attrs) {
    const { p, dims, keepdim } = attrs;
    if (p === 0) return [x.ne(0).to(x.dtype).sum(dims, keepdim)];
    if (p === 2) return [x.square().sum(dims, keepdim).sqrt()];
    const size = x.abs();
    if (p === 1) return [size.sum(dims, keepdim)];
    if (p === 'inf') return [size.amax(dims, keepdim)];
    if (p === '-inf') return [size.amin(dims, keepdim)];
    return [
      size
        .pow(p)
        .sum(dims, keepdim)
        .pow(1 / p),
    ];
  },
});

/**
 * (Σ |x|ᵖ)^(1/p) over all axes or the given ones; p = ∞ is the largest |x|, −∞ the smallest, 0 counts what is not 0.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws DTypeError unless x is a float tensor; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([3, -4]).norm().item(); // 5
 * await tensor([3, -4]).norm(Infinity).item(); // 4
 */
export function norm(x: Tensor, p: number = 2, dims?: Dims, keepdim = false): Tensor {
  checkTensor('norm', x);
  if (typeof p !== 'number' || Number.isNaN(p)) throw new TypeError(`norm: expected a number p, got ${String(p)}`);
  return reduce(normOp, x, dims, keepdim, { p: Number.isFinite(p) ? p : p > 0 ? 'inf' : '-inf' });
}
