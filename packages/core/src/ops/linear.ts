/**
 * Products of matrices and vectors.
 */
import { DTypeError, ShapeError } from '../errors.js';
import { checkTensor, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sameShape, sizeOf, tryBroadcast, type Aval } from '../shape.js';
import { numberInput } from './arguments.js';
import { checkFloat, checkSameDType } from './common.js';
import { composed } from './compose.js';
import { defineOp, type Op } from './def.js';

/** transX: the last two axes of X are stored swapped. */
type MatmulAttrs = { readonly transA: boolean; readonly transB: boolean };

const matmulOp: Op<MatmulAttrs> = defineOp<MatmulAttrs>({
  name: 'matmul',
  jacobian: 'product',
  infer([a, b], { transA, transB }) {
    const dtype = checkSameDType('matmul', [a, b]);
    checkFloat('matmul', [a, b]);
    const rank = a.shape.length;
    const batch = a.shape.slice(0, -2);
    const m = a.shape[rank - (transA ? 1 : 2)];
    const n = b.shape[rank - (transB ? 2 : 1)];
    const fits = a.shape[rank - (transA ? 2 : 1)] === b.shape[rank - (transB ? 1 : 2)];
    if (rank < 2 || b.shape.length !== rank || !sameShape(batch, b.shape.slice(0, -2)) || !fits) {
      throw new ShapeError(
        `matmul: expected […, m, k] and […, k, n] with equal axes before them, got ${formatAval(a)}` +
          `${transA ? ' transposed' : ''} and ${formatAval(b)}${transB ? ' transposed' : ''}`,
      );
    }
    return [{ shape: [...batch, m, n], dtype }];
  },
  vjp: {
    reads: { inputs: [0, 1] },
    // For C = A·B: dA = G·Bᵀ and dB = Aᵀ·G. A stored transposed wants the transpose of dA: (G·Bᵀ)ᵀ = B·Gᵀ.
    backward: ({ gradient: g, inputs: [a, b], attrs: { transA, transB }, needs }) => [
      needs[0] ? (transA ? multiply(b, g, transB, true) : multiply(g, b, false, !transB)) : null,
      needs[1] ? (transB ? multiply(g, a, true, transA) : multiply(a, g, !transA, false)) : null,
    ],
  },
});

function multiply(a: Tensor, b: Tensor, transA: boolean, transB: boolean): Tensor {
  return record1(matmulOp, [a, b], { transA, transB });
}

/** Throws unless both are tensors of one float dtype. */
function checkFactors(op: string, a: Tensor, b: Tensor): void {
  checkTensor(op, a);
  checkTensor(op, b);
  if (a.dtype !== b.dtype) {
    throw new DTypeError(
      `${op}: expected tensors of one dtype, got ${formatAval(a)} and ${formatAval(b)}. Convert one with x.to(dtype).`,
    );
  }
  checkFloat(op, [a, b]);
}

function checkRanks(op: string, a: Aval, b: Aval, rankA: number, rankB: number, expected: string): void {
  if (a.shape.length !== rankA || b.shape.length !== rankB) {
    throw new ShapeError(
      `${op}: expected ${expected}, got ${formatAval(a)} and ${formatAval(b)}. matmul takes vectors, matrices and batches.`,
    );
  }
}

/**
 * The product a·b, as `torch.matmul`: matrices multiply, vectors count as a row (left) or a column (right) whose axis
 * the result leaves out, and further axes in front are batch axes that broadcast.
 *
 * Shape: `[…, m, k]` and `[…, k, n]` give `[…, m, n]`; `[k]` and `[k, n]` give `[n]`; `[…, m, k]` and `[k]` give
 * `[…, m]`; `[k]` and `[k]` give `[]`.
 *
 * @throws ShapeError if the inner sizes differ or the batch axes do not broadcast; DTypeError unless both are of one
 *   float dtype.
 * @example
 * const a = tensor([[1, 2], [3, 4]]);
 * await a.matmul(a).toArray(); // [[7, 10], [15, 22]]
 * await a.matmul(tensor([1, 1])).toArray(); // [3, 7]
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  return product('matmul', a, b);
}

function product(op: string, a: Tensor, b: Tensor): Tensor {
  checkFactors(op, a, b);
  if (a.ndim === 0 || b.ndim === 0) {
    throw new ShapeError(
      `${op}: expected at least one axis each, got ${formatAval(a)} and ${formatAval(b)}. Use a.mul(b).`,
    );
  }
  const k = a.shape[a.ndim - 1];
  const kb = b.shape[Math.max(b.ndim - 2, 0)];
  const batch = tryBroadcast(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (k !== kb || !batch) {
    const why =
      k !== kb ? `the inner sizes ${k} and ${kb} must be equal` : 'the axes before the last two must broadcast';
    throw new ShapeError(
      `${op}: cannot multiply ${formatAval(a)} by ${formatAval(b)}: ${why}. ` +
        `Swap axes with x.transpose(-1, -2), or permute and reshape to [..., m, k] and [..., k, n].`,
    );
  }
  if (a.ndim === 2 && b.ndim === 2) return multiply(a, b, false, false);
  const shape = [...batch, ...(a.ndim > 1 ? [a.shape[a.ndim - 2]] : []), ...(b.ndim > 1 ? [b.shape[b.ndim - 1]] : [])];
  return composed(() => {
    const column = b.ndim === 1 ? b.reshape([k, 1]) : b;
    // One matrix on the right: the batch axes are more rows, and its gradient is one product.
    if (b.ndim <= 2) return multiply(asRows(a), column, false, false).reshape(shape);
    const left = (a.ndim === 1 ? a.reshape([1, k]) : a).expand([
      ...batch,
      ...(a.ndim === 1 ? [1] : [a.shape[a.ndim - 2]]),
      k,
    ]);
    const right = column.expand([...batch, ...column.shape.slice(-2)]);
    return multiply(left, right, false, false).reshape(shape);
  });
}

/** All axes but the last made one. */
function asRows(x: Tensor): Tensor {
  return x.reshape([sizeOf(x.shape.slice(0, -1)), x.shape[x.ndim - 1]]);
}

/**
 * The product of two matrices, as `torch.mm`.
 *
 * Shape: `[m, k]` and `[k, n]` give `[m, n]`.
 *
 * @throws ShapeError if they are no matrices, or the inner sizes differ.
 */
export function mm(a: Tensor, b: Tensor): Tensor {
  checkFactors('mm', a, b);
  checkRanks('mm', a, b, 2, 2, 'two matrices [m, k] and [k, n]');
  return product('mm', a, b);
}

/**
 * The products of two batches of matrices, as `torch.bmm`: nothing broadcasts.
 *
 * Shape: `[n, m, k]` and `[n, k, p]` give `[n, m, p]`.
 *
 * @throws ShapeError unless both have three axes, equal batch and inner sizes.
 */
export function bmm(a: Tensor, b: Tensor): Tensor {
  checkFactors('bmm', a, b);
  checkRanks('bmm', a, b, 3, 3, 'two batches of matrices [n, m, k] and [n, k, p]');
  if (a.shape[0] !== b.shape[0]) {
    throw new ShapeError(
      `bmm: expected batches of one size, got ${formatAval(a)} and ${formatAval(b)}. matmul broadcasts a batch of 1.`,
    );
  }
  return product('bmm', a, b);
}

/**
 * A matrix times a vector, as `torch.mv`.
 *
 * Shape: `[m, k]` and `[k]` give `[m]`.
 */
export function mv(a: Tensor, b: Tensor): Tensor {
  checkFactors('mv', a, b);
  checkRanks('mv', a, b, 2, 1, 'a matrix [m, k] and a vector [k]');
  return product('mv', a, b);
}

/**
 * The inner product of two vectors, as `torch.dot`.
 *
 * Shape: `[k]` and `[k]` give `[]`.
 */
export function dot(a: Tensor, b: Tensor): Tensor {
  checkFactors('dot', a, b);
  checkRanks('dot', a, b, 1, 1, 'two vectors of one size');
  return product('dot', a, b);
}

/**
 * The outer product of two vectors, as `torch.outer`: out[i, j] = a[i]·b[j].
 *
 * Shape: `[m]` and `[n]` give `[m, n]`.
 */
export function outer(a: Tensor, b: Tensor): Tensor {
  checkTensor('outer', a);
  checkTensor('outer', b);
  checkRanks('outer', a, b, 1, 1, 'two vectors');
  return composed(() => a.reshape([a.shape[0], 1]).mul(b));
}

/**
 * A linear layer: y = x·Wᵀ + b, as `F.linear`.
 *
 * Shape: x `[…, inFeatures]` (or `[inFeatures]`), weight `[outFeatures, inFeatures]`, bias `[outFeatures]` give
 * `[…, outFeatures]`.
 *
 * @throws ShapeError if the number of features does not fit.
 * @example
 * const y = linear(ones([8, 3]), ones([2, 3]), tensor([0, 1]));
 * y.shape; // [8, 2]
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  checkFactors('linear', x, weight);
  if (weight.ndim !== 2) {
    throw new ShapeError(`linear: expected a weight [outFeatures, inFeatures], got ${formatAval(weight)}`);
  }
  const [outputs, features] = weight.shape;
  if (x.ndim === 0 || x.shape[x.ndim - 1] !== features) {
    const flat = x.ndim > 2 && sizeOf(x.shape.slice(1)) === features;
    throw new ShapeError(
      `linear: expected input with ${features} features (weight is ${formatAval(weight)}), got ${formatAval(x)}. ` +
        (flat ? 'Flatten it first: x.flatten(1).' : 'The last axis of the input must have inFeatures elements.'),
    );
  }
  if (bias && !sameShape(bias.shape, [outputs])) {
    throw new ShapeError(
      `linear: expected a bias [${outputs}] (weight is ${formatAval(weight)}), got ${formatAval(bias)}`,
    );
  }
  return composed(() => {
    const rows = x.ndim === 2 ? x : asRows(x);
    const y = multiply(rows, weight, false, true);
    const biased = bias ? y.add(bias) : y;
    return x.ndim === 2 ? biased : biased.reshape([...x.shape.slice(0, -1), outputs]);
  });
}

export interface ScaledSumOptions {
  /** The factor of `input`. Default 1. */
  beta?: number;
  /** The factor of the product. Default 1. */
  alpha?: number;
}

function scaledSum(input: Tensor, term: Tensor, { beta = 1, alpha = 1 }: ScaledSumOptions): Tensor {
  const left = beta === 1 ? input : input.mul(numberInput(beta, input));
  return left.add(alpha === 1 ? term : term.mul(numberInput(alpha, term)));
}

/**
 * β·input + α·(a·b), as `torch.addmm`.
 *
 * Shape: input broadcasts to `[m, n]`; a `[m, k]`, b `[k, n]`; result `[m, n]`.
 */
export function addmm(input: Tensor, a: Tensor, b: Tensor, options: ScaledSumOptions = {}): Tensor {
  return composed(() => scaledSum(input, mm(a, b), options));
}

/**
 * β·input + α·(a·b) of batches, as `torch.baddbmm`.
 *
 * Shape: input broadcasts to `[n, m, p]`; a `[n, m, k]`, b `[n, k, p]`; result `[n, m, p]`.
 */
export function baddbmm(input: Tensor, a: Tensor, b: Tensor, options: ScaledSumOptions = {}): Tensor {
  return composed(() => scaledSum(input, bmm(a, b), options));
}
