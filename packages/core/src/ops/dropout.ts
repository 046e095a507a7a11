/**
 * Dropout, of elements and of channels, and alpha dropout.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor, describe, record1, scalarInput } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, type Shape } from '../shape.js';
import { checkFloat, NO_ATTRS, type NoAttrs } from './common.js';
import { composed } from './compose.js';
import { filled } from './constants.js';
import { defineOp, type Op } from './def.js';
import { where } from './logic.js';
import { nextKey, random } from './random.js';

const dropoutOp: Op<NoAttrs> = defineOp<NoAttrs>({
  name: 'dropout',
  jacobian: 'elementwise',
  infer([x]) {
    checkFloat('dropout', [x]);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  vjp: {
    // The mask is computed again from its key, not kept.
    reads: { inputs: [1, 2] },
    backward: ({ gradient, inputs: [, p, key] }) => [record1(dropoutOp, [gradient, p, key], NO_ATTRS)],
  },
  decompose([x, p, key]) {
    const kept = random(key, x.shape, x.dtype).ge(p);
    // What is dropped is x · 0, so that NaN shows.
    return [where(kept, x.div(p.neg().add(1)), x.mul(0))];
  },
});

function checkArguments(op: string, x: Tensor, p: number): void {
  checkTensor(op, x);
  checkFloat(op, [x]);
  if (typeof p !== 'number') {
    throw new TypeError(`${op}: expected the probability p, got ${describe(p)}. Write ${op}(x, 0.5, training).`);
  }
  if (!(p >= 0 && p <= 1)) throw new OutOfRangeError(`${op}: the probability p lies between 0 and 1, got ${p}`);
}

/** Drops elements with a mask of the next key. */
function drop(x: Tensor, p: number): Tensor {
  return record1(dropoutOp, [x, scalarInput(p, x.dtype, x.device), nextKey(x.device)], NO_ATTRS);
}

/** Drops channels: `shape` is that of x with size 1 where one draw is for all. */
function dropChannels(x: Tensor, p: number, shape: Shape): Tensor {
  return x.mul(drop(filled(1, shape, x), p));
}

/**
 * Sets each element to 0 with probability p, independently, and divides the others by 1 − p, as `F.dropout`. The
 * masks come from a counter-based generator of their own: the same on every backend after `manualSeed`, and drawing
 * them does not move the numbers of `rand`.
 *
 * Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
 *
 * @param p Probability of 0, from 0 to 1. An input of the program: changing it compiles nothing. Default 0.5.
 * @param training Whether to drop at all. Default true.
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1.
 * @example
 * manualSeed(0);
 * const y = nn.functional.dropout(ones([1000]), 0.2);
 * await y.max().item(); // 1.25
 */
export function dropout(x: Tensor, p = 0.5, training = true): Tensor {
  checkArguments('dropout', x, p);
  return training && p > 0 ? drop(x, p) : x;
}

/** Dropout of whole channels; `batchless` is the number of axes of an input without a batch, if it may have none. */
function channelDropout(
  op: string,
  x: Tensor,
  p: number,
  training: boolean,
  { shapes, batchless }: { shapes: Readonly<Record<number, string>>; batchless?: number },
): Tensor {
  checkArguments(op, x, p);
  if (!(x.ndim in shapes)) {
    const names = Object.values(shapes).join(' or ');
    throw new ShapeError(
      `${op}: expected ${names}, got ${formatAval(x)}. dropout(x, p) drops single elements of any shape.`,
    );
  }
  if (!training || p === 0) return x;
  const drawn = x.ndim === batchless ? 1 : 2;
  return composed(() => dropChannels(x, p, oneBeyond(x, drawn)));
}

/** x's shape with size 1 from axis `axis` on. */
const oneBeyond = (x: Tensor, axis: number): number[] => x.shape.map((n, i) => (i < axis ? n : 1));

/**
 * Sets whole channels of sequences to 0 with probability p and divides the others by 1 − p, as `F.dropout1d`. See
 * {@link dropout2d}.
 *
 * Shape: x `[N, C, L]` or `[C, L]`; result as x.
 *
 * @param p Probability that a channel is 0. Default 0.5.
 * @param training Whether to drop at all. Default true.
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1; ShapeError for another shape.
 * @example
 * const y = nn.functional.dropout1d(ones([2, 8, 4]), 0.2);
 * await y.amax(2).toArray(); // 0 or 1.25, one number a channel
 */
export function dropout1d(x: Tensor, p = 0.5, training = true): Tensor {
  return channelDropout('dropout1d', x, p, training, { shapes: { 2: '[C, L]', 3: '[N, C, L]' }, batchless: 2 });
}

/**
 * Sets whole channels of images to 0 with probability p, independently for each sample, and divides the others by
 * 1 − p, as `F.dropout2d`.
 *
 * Shape: x `[N, C, H, W]`, or `[N, C, L]`: as in PyTorch, three axes are a batch of sequences and not one image.
 * Result as x.
 *
 * Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.
 *
 * When to use: between convolutions, where neighbouring pixels of a channel say nearly the same, so that dropping single
 * ones takes little away.
 *
 * @param p Probability that a channel is 0. Default 0.5.
 * @param training Whether to drop at all. Default true.
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1; ShapeError for another shape.
 * @example
 * const y = nn.functional.dropout2d(ones([2, 8, 4, 4]), 0.2);
 * await y.amax([2, 3]).toArray(); // 0 or 1.25, one number a channel
 */
export function dropout2d(x: Tensor, p = 0.5, training = true): Tensor {
  return channelDropout('dropout2d', x, p, training, { shapes: { 3: '[N, C, L]', 4: '[N, C, H, W]' } });
}

/**
 * Sets whole channels of volumes to 0 with probability p and divides the others by 1 − p, as `F.dropout3d`. See
 * {@link dropout2d}.
 *
 * Shape: x `[N, C, D, H, W]` or `[C, D, H, W]`; result as x.
 *
 * @param p Probability that a channel is 0. Default 0.5.
 * @param training Whether to drop at all. Default true.
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1; ShapeError for another shape.
 * @example
 * const y = nn.functional.dropout3d(ones([2, 8, 2, 4, 4]), 0.2);
 * await y.amax([2, 3, 4]).toArray(); // 0 or 1.25, one number a channel
 */
export function dropout3d(x: Tensor, p = 0.5, training = true): Tensor {
  const shapes = { 4: '[C, D, H, W]', 5: '[N, C, D, H, W]' };
  return channelDropout('dropout3d', x, p, training, { shapes, batchless: 4 });
}

/** −1 times what SELU saturates at: its scale · alpha. */
const SATURATION = 1.7580993408473766;

/**
 * What is kept is a·x + b, what is dropped a·(−saturation) + b, with a and b such that zero mean and unit variance stay:
 * a = 1/√((saturation² · p + 1)(1 − p)), b = a · p · saturation. With u = x + saturation that is a plain dropout of u,
 * scaled and shifted.
 */
function keepingMoments(x: Tensor, p: number, dropped: (u: Tensor) => Tensor): Tensor {
  if (p === 1) return x.mul(0);
  const scale = Math.sqrt((1 - p) / (SATURATION ** 2 * p + 1));
  return dropped(x.add(SATURATION))
    .mul(scale)
    .sub(SATURATION * scale);
}

/**
 * Alpha dropout, as `F.alpha_dropout`: with probability p an element becomes SELU's negative saturation value, and then
 * all are scaled and shifted so that zero mean and unit variance stay:
 *
 * y = a · (x where kept, −1.758 where dropped) + b, a = 1/√((1.758² · p + 1)(1 − p)), b = 1.758 · a · p
 *
 * Source: Klambauer et al., "Self-normalizing neural networks", 2017.
 *
 * When to use: after SELU, which keeps activations at zero mean and unit variance; dropping to 0 would not.
 *
 * @param p Probability that an element is dropped; all are 0 at 1. An input of the program. Default 0.5.
 * @param training Whether to drop at all. Default false, as in PyTorch (and other than {@link dropout}).
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1.
 * @example
 * const y = nn.functional.alphaDropout(randn([1000]), 0.2, true);
 * await y.mean().item(); // near 0
 * await y.std().item(); // near 1
 */
export function alphaDropout(x: Tensor, p = 0.5, training = false): Tensor {
  checkArguments('alphaDropout', x, p);
  if (!training || p === 0) return x;
  return composed(() => keepingMoments(x, p, (u) => drop(u, p)));
}

/**
 * {@link alphaDropout} of whole channels, as `F.feature_alpha_dropout`.
 *
 * Shape: x `[N, C, …]`; result as x.
 *
 * @param p Probability that a channel is dropped. Default 0.5.
 * @param training Whether to drop at all. Default false, as in PyTorch.
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1; ShapeError for fewer than two axes.
 * @example
 * const y = nn.functional.featureAlphaDropout(randn([2, 8, 4, 4]), 0.2, true);
 * y.shape; // [2, 8, 4, 4]
 */
export function featureAlphaDropout(x: Tensor, p = 0.5, training = false): Tensor {
  checkArguments('featureAlphaDropout', x, p);
  if (x.ndim < 2) {
    throw new ShapeError(
      `featureAlphaDropout: expected [N, C] or [N, C, …], got ${formatAval(x)}. alphaDropout(x, p) drops single elements.`,
    );
  }
  if (!training || p === 0) return x;
  return composed(() => keepingMoments(x, p, (u) => dropChannels(u, p, oneBeyond(x, 2))));
}
