/**
 * Softmax along an axis, of x and of −x, and its logarithm.
 */
import { checkTensor, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { normalizeDim, type Aval } from '../shape.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';
import { defineOp, type Op } from './def.js';

const sameAval = ([x]: readonly Aval[]): Aval[] => [{ shape: x.shape, dtype: x.dtype }];

type DimAttrs = { readonly dim: number };

// Both gradients are linear in g; with s = Σ over dim:
// softmaxGrad(g, y) = y·(g − s(g·y)), logSoftmaxGrad(g, y) = g − e^y·s(g).
const softmaxGrad: Op<DimAttrs> = defineOp<DimAttrs>({
  name: 'softmaxGrad',
  infer: sameAval,
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: v, inputs: [g, y], attrs, needs }) => [
      needs[0] ? record1(softmaxGrad, [v, y], attrs) : null,
      needs[1] ? v.mul(g.sub(g.mul(y).sum(attrs.dim, true))).sub(g.mul(v.mul(y).sum(attrs.dim, true))) : null,
    ],
  },
  decompose: ([g, y], { dim }) => [y.mul(g.sub(g.mul(y).sum(dim, true)))],
});

const softmaxOp = defineOp<DimAttrs>({
  name: 'softmax',
  infer: sameAval,
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output, attrs }) => [record1(softmaxGrad, [gradient, output], attrs)],
  },
  decompose([x], { dim }) {
    const e = x.sub(x.amax(dim, true)).exp();
    return [e.div(e.sum(dim, true))];
  },
});

const logSoftmaxGrad = defineOp<DimAttrs>({
  name: 'logSoftmaxGrad',
  infer: sameAval,
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: v, inputs: [g, y], attrs: { dim }, needs }) => [
      needs[0] ? v.sub(v.mul(y.exp()).sum(dim, true)) : null,
      needs[1] ? v.mul(y.exp()).mul(g.sum(dim, true)).neg() : null,
    ],
  },
  decompose: ([g, y], { dim }) => [g.sub(y.exp().mul(g.sum(dim, true)))],
});

const logSoftmaxOp = defineOp<DimAttrs>({
  name: 'logSoftmax',
  infer: sameAval,
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output, attrs }) => [record1(logSoftmaxGrad, [gradient, output], attrs)],
  },
  decompose([x], { dim }) {
    const shifted = x.sub(x.amax(dim, true));
    return [shifted.sub(shifted.exp().sum(dim, true).log())];
  },
});

function alongDim(op: typeof softmaxOp, x: Tensor, dim: number): Tensor {
  checkTensor(op.name, x);
  checkFloat(op.name, [x]);
  const attrs = { dim: normalizeDim(op.name, dim, x.ndim) };
  return x.ndim > 0 ? record1(op, [x], attrs) : composed(() => record1(op, [x.reshape([1])], attrs).reshape([]));
}

/**
 * eˣ / Σ eˣ along an axis, as `F.softmax`: positive, with sum 1.
 *
 * When to use: to read logits as probabilities. For training give the logits to the loss; see `nn.Softmax`.
 *
 * @param dim The axis along which the sum is 1; negative counts from the end.
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([[0, 0], [5, 5]]).softmax(1).toArray(); // [[0.5, 0.5], [0.5, 0.5]]
 */
export function softmax(x: Tensor, dim: number): Tensor {
  return alongDim(softmaxOp, x, dim);
}

/**
 * x − ln Σ eˣ along an axis, as `F.log_softmax`: the logarithm of {@link softmax}, without overflow.
 *
 * When to use: for log-probabilities, as `nllLoss` takes them; see `nn.LogSoftmax`.
 *
 * @param dim The axis of the sum; negative counts from the end.
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([[0, 0], [5, 5]]).logSoftmax(1).toArray(); // [[-0.6931, -0.6931], [-0.6931, -0.6931]]
 */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  return alongDim(logSoftmaxOp, x, dim);
}

/**
 * e⁻ˣ / Σ e⁻ˣ along an axis, as `F.softmin`: {@link softmax} of −x, so that the smallest gets most.
 *
 * When to use: to turn distances or energies into probabilities; see `nn.Softmin`.
 *
 * @param dim The axis along which the sum is 1; negative counts from the end.
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([0, 1000]).softmin(0).toArray(); // [1, 0]
 */
export function softmin(x: Tensor, dim: number): Tensor {
  checkTensor('softmin', x);
  checkFloat('softmin', [x]);
  const axis = normalizeDim('softmin', dim, x.ndim);
  return composed(() => softmax(x.neg(), axis));
}
