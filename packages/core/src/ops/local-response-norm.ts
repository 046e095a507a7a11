/**
 * Local response normalization: each activation divided by what its neighbours in the channel axis amount to.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor, describe, record1, scalarInput } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sizeOf, type Aval } from '../shape.js';
import { checkOptions } from './arguments.js';
import { checkFloat } from './common.js';
import { defineOp } from './def.js';
import { avgPool2d, avgPool3d } from './pooling.js';
import { throughDecomposition } from './through-decomposition.js';

type ResponseAttrs = { readonly size: number; readonly beta: number };

/**
 * Sums over `size` channels divided by `size`, zeros outside: from c − ⌊size/2⌋ to c + ⌊(size − 1)/2⌋ as in the
 * forward pass, or with the two swapped, which is its adjoint. An average pooling over channels: one node, and a
 * quarter of the time of `size` shifted additions.
 */
function windowMeans(x: Tensor, size: number, adjoint = false): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const rest = sizeOf(spatial.slice(1));
  // The windows of an even size reach further to one side: pooling with the larger padding on both makes one more.
  const padding = Math.floor(size / 2);
  // Rows of a whole plane at once are longer than what engines pool quickly, so planes keep their rows.
  const pooled =
    spatial.length === 1
      ? avgPool2d(x.reshape([batch, 1, channels, rest * spatial[0]]), [size, 1], { stride: 1, padding: [padding, 0] })
      : avgPool3d(x.reshape([batch, 1, channels, spatial[0], rest]), [size, 1, 1], {
          stride: 1,
          padding: [padding, 0, 0],
        });
  const exact = size % 2 === 1 ? pooled : pooled.narrow(2, adjoint ? 1 : 0, channels);
  return exact.reshape([...x.shape]);
}

/** k + α · (mean of x² over the window) */
function denominator(x: Tensor, alpha: Tensor, k: Tensor, { size }: ResponseAttrs): Tensor {
  return windowMeans(x.square(), size).mul(alpha).add(k);
}

/** s^−β. Square roots take a fraction of the time of a power, and ¾ is what everybody uses. */
function inversePower(s: Tensor, beta: number): Tensor {
  if (beta === 1) return s.reciprocal();
  if (beta === 0.5) return s.rsqrt();
  if (beta !== 0.75) return s.pow(-beta);
  const root = s.rsqrt();
  return root.mul(root.sqrt());
}

// With s the denominator and W* the adjoint of the window: dx = g · s^−β − 2αβ · x · W*(g · x · s^(−β − 1)).
function gradientOf([g, x, alpha, k]: readonly Tensor[], attrs: ResponseAttrs): Tensor[] {
  const { size, beta } = attrs;
  const s = denominator(x, alpha, k, attrs);
  const direct = g.mul(inversePower(s, beta));
  const others = windowMeans(direct.mul(x).div(s), size, true);
  return [direct.sub(x.mul(others).mul(alpha.mul(2 * beta)))];
}

const localResponseNormGrad = defineOp<ResponseAttrs>({
  name: 'localResponseNormGrad',
  infer: ([, { shape, dtype }]) => [{ shape, dtype }],
  vjp: throughDecomposition('localResponseNormGrad', gradientOf),
  decompose: gradientOf,
});

const localResponseNormOp = defineOp<ResponseAttrs>({
  name: 'localResponseNorm',
  infer: ([{ shape, dtype }]: readonly Aval[]) => [{ shape, dtype }],
  vjp: {
    reads: { inputs: [0, 1, 2] },
    backward: ({ gradient, inputs: [x, alpha, k], attrs }) => [
      record1(localResponseNormGrad, [gradient, x, alpha, k], attrs),
    ],
  },
  decompose: ([x, alpha, k], attrs) => [x.mul(inversePower(denominator(x, alpha, k, attrs), attrs.beta))],
});

/** What {@link localResponseNorm} takes beside the window. */
export interface LocalResponseNormOptions {
  /** Weight of the mean square. AlexNet's 1e-4 weighs the sum: write 5e-4 for its window of 5. Default 1e-4. */
  alpha?: number;
  /** Exponent. Default 0.75. */
  beta?: number;
  /** What is added to the mean square. AlexNet's is 2. Default 1. */
  k?: number;
}

/**
 * Local response normalization, as `F.local_response_norm`: strong activations suppress those of neighbouring channels
 * at the same position,
 *
 * y[c] = x[c] / (k + alpha/size · Σ x[j]²)^beta, j from c − ⌊size/2⌋ to c + ⌊(size − 1)/2⌋
 *
 * where channels that don't exist count as 0. As in PyTorch (and Caffe) alpha is divided by the size of the window; in
 * AlexNet's paper it is not.
 *
 * Shape: x `[N, C, …]` with 3 axes or more; result as x.
 *
 * Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
 * section 3.3.
 *
 * When to use: to rebuild AlexNet or GoogLeNet. Batch normalization has replaced it.
 *
 * @param size Channels in the window.
 * @throws ShapeError for fewer than 3 axes.
 * @example
 * const x = tensor([1, 2, 2]).reshape([1, 3, 1]);
 * const y = nn.functional.localResponseNorm(x, 3, { alpha: 3, beta: 1, k: 1 });
 * await y.flatten().toArray(); // [1/6, 2/10, 2/9]
 */
export function localResponseNorm(x: Tensor, size: number, options: LocalResponseNormOptions = {}): Tensor {
  checkTensor('localResponseNorm', x);
  checkFloat('localResponseNorm', [x]);
  checkOptions('localResponseNorm', options, ['alpha', 'beta', 'k'] satisfies (keyof LocalResponseNormOptions)[]);
  const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
  if (x.ndim < 3) {
    throw new ShapeError(
      `localResponseNorm: expected [N, C, …] with 3 axes or more, got ${formatAval(x)}. Channels come second.`,
    );
  }
  if (!Number.isInteger(size) || size < 1) {
    throw new OutOfRangeError(
      `localResponseNorm: size is a whole number of channels, at least 1, got ${typeof size === 'number' ? size : describe(size)}`,
    );
  }
  const number = (value: number): Tensor => scalarInput(value, x.dtype, x.device);
  return record1(localResponseNormOp, [x, number(alpha), number(k)], { size, beta });
}
