/**
 * Rectifiers: what is positive passes, what is negative is cut or scaled. Their gradients at the kink are PyTorch's.
 */
import { DTypeError, OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { broadcastShapes, formatAval, sameShape } from '../shape.js';
import {
  checkFloat,
  checkSameDType,
  elementwise,
  NO_ATTRS,
  unbroadcast,
  withNumbers,
  type NoAttrs,
  type UnaryFunction,
} from './common.js';
import { composed } from './compose.js';
import { defineOp, type Op } from './def.js';
import { where } from './logic.js';
import { nextKey, random } from './random.js';
import { hardtanh } from './squashing.js';

/** The gradient of relu from its output y. */
const reluGrad: Op<NoAttrs> = defineOp<NoAttrs>({
  name: 'reluGrad',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: {
    reads: { inputs: [1] },
    backward: ({ gradient, inputs: [, y] }) => [record1(reluGrad, [gradient, y], NO_ATTRS)],
  },
  decompose: ([g, y]) => [where(y.gt(0), g, 0)],
});

/**
 * max(x, 0), elementwise, as `F.relu`. Its gradient at 0 is 0.
 *
 * When to use: the best overall choice for convolutional layers; see `nn.ReLU`.
 *
 * @example
 * await tensor([-1, 2]).relu().toArray(); // [0, 2]
 */
export const relu: UnaryFunction = elementwise('relu', {
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output }) => [record1(reluGrad, [gradient, output], NO_ATTRS)],
  },
  decompose: (x) => where(x.le(0), 0, x),
});

/**
 * min(max(x, 0), 6), elementwise, as `F.relu6`. Its gradient at 0 and at 6 is 0.
 *
 * When to use: networks for fixed-point hardware; see `nn.ReLU6`.
 *
 * @example
 * await tensor([-1, 2, 9]).relu6().toArray(); // [0, 2, 6]
 */
export function relu6(x: Tensor): Tensor {
  return hardtanh(x, 0, 6);
}

const leaky = withNumbers('leakyRelu', {
  decompose: (x, slope) => where(x.gt(0), x, x.mul(slope)),
  backward: (g, x, slope) => where(x.gt(0), g, g.mul(slope)),
});

/**
 * x where it is positive, else slope · x, elementwise, as `F.leaky_relu`. Its gradient at 0 is the slope.
 *
 * When to use: as part of the hyperparameter grid, after the basic experiments with relu; see `nn.LeakyReLU`.
 *
 * @param negativeSlope Default 0.01.
 * @example
 * await tensor([-2, 3]).leakyRelu(0.5).toArray(); // [-1, 3]
 */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  return leaky(x, negativeSlope);
}

// A rule of its own: by the parts, an infinite x would make 0 · ∞ in the gradient of the slope where x is positive.
const preluOp = defineOp<NoAttrs>({
  name: 'prelu',
  jacobian: 'elementwise',
  infer([x, slope]) {
    checkFloat('prelu', [x]);
    const dtype = checkSameDType('prelu', [x, slope]);
    if (!sameShape(broadcastShapes('prelu', [x, slope]), x.shape))
      throw new ShapeError(`prelu: the slope ${formatAval(slope)} is larger than its input ${formatAval(x)}`);
    return [{ shape: x.shape, dtype }];
  },
  vjp: {
    reads: { inputs: 'all' },
    backward: ({ gradient: g, inputs: [x, slope], needs }) => [
      needs[0] ? where(x.gt(0), g, g.mul(slope)) : null,
      needs[1] ? unbroadcast(where(x.gt(0), 0, g.mul(x)), slope.shape) : null,
    ],
  },
  decompose: ([x, slope]) => [where(x.gt(0), x, x.mul(slope))],
});

/**
 * x where it is positive, else weight · x, elementwise, as `F.prelu`: a leaky relu whose slope is learned. Its
 * gradient at 0 is the weight; that of the weight is the sum of x over what is not positive.
 *
 * When to use: see `nn.PReLU`, which holds the weight.
 *
 * Source: He et al., "Delving deep into rectifiers", 2015.
 *
 * @param weight One slope, or one for each channel (axis 1 of x).
 * @throws ShapeError unless the weight has 1 element, or as many as x has channels; DTypeError unless both are of one
 * float dtype.
 * @example
 * await tensor([[-2, -2]]).prelu(tensor([0.5, 0.25])).toArray(); // [[-1, -0.5]]
 */
export function prelu(x: Tensor, weight: Tensor): Tensor {
  checkTensor('prelu', x);
  checkTensor('prelu', weight);
  const count = weight.numel();
  const channels = x.ndim > 1 ? x.shape[1] : 1;
  if (weight.ndim > 1 || (count !== 1 && count !== channels)) {
    const slopes = x.ndim > 1 ? `1 element or ${channels}, one for each channel (axis 1)` : '1 element';
    throw new ShapeError(`prelu: expected a weight with ${slopes}, for x ${formatAval(x)}; got ${formatAval(weight)}`);
  }
  if (weight.dtype !== x.dtype) {
    throw new DTypeError(
      `prelu: x is ${formatAval(x)} and the weight ${formatAval(weight)}. Convert one with to(dtype).`,
    );
  }
  const shape = count === 1 ? [] : x.shape.map((_, axis) => (axis === 1 ? count : 1));
  return composed(() => record1(preluOp, [x, weight.reshape(shape)], NO_ATTRS));
}

/**
 * In training, x where it is positive, else s · x with a slope s ~ U(lower, upper) drawn for each element; otherwise
 * {@link leakyRelu} with the mean slope (lower + upper) / 2. As `F.rrelu`, with the random numbers of `dropout`: the same
 * on every backend after `manualSeed`, and others than PyTorch's.
 *
 * When to use: small data sets, where the random slopes regularize; see `nn.RReLU`.
 *
 * Source: Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.
 *
 * @param lower Smallest slope. Default 1/8.
 * @param upper Largest slope. Default 1/3.
 * @param training Whether to draw. Default false.
 * @throws OutOfRangeError if lower > upper.
 * @example
 * await nn.functional.rrelu(tensor([-16, 2]), 0.25, 0.75).toArray(); // [-8, 2]
 */
export function rrelu(x: Tensor, lower = 1 / 8, upper = 1 / 3, training = false): Tensor {
  if (!(lower <= upper)) throw new OutOfRangeError(`rrelu: expected lower ≤ upper, got ${lower} and ${upper}`);
  if (!training) return leakyRelu(x, (lower + upper) / 2);
  checkTensor('rrelu', x);
  checkFloat('rrelu', [x]);
  const key = nextKey(x.device);
  return composed(() => {
    const slope = random(key, x.shape, x.dtype)
      .mul(upper - lower)
      .add(lower);
    return record1(preluOp, [x, slope], NO_ATTRS);
  });
}

const thresholdOp = withNumbers('threshold', {
  decompose: (x, threshold, value) => where(x.le(threshold), value, x),
  backward: (g, x, threshold) => where(x.le(threshold), 0, g),
});

/**
 * x where it is greater than the threshold, else `value`, elementwise, as `F.threshold`. Its gradient at the threshold
 * is 0.
 *
 * When to use: for a relu with another corner, threshold(x, 0, 0) being relu.
 *
 * @example
 * await tensor([0.1, 0.5]).threshold(0.2, 20).toArray(); // [20, 0.5]
 */
export function threshold(x: Tensor, threshold: number, value: number): Tensor {
  return thresholdOp(x, threshold, value);
}
