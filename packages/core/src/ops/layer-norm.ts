/**
 * Layer, group and instance normalization: means and variances of parts of each sample, none over the batch.
 */
import { DTypeError, FakkelError, OutOfRangeError, ShapeError } from '../errors.js';
import { noGrad } from '../graph/modes.js';
import { checkTensor, describe, scalarInput } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sameShape, sizeOf, type Shape } from '../shape.js';
import { checkOptions, numberInput } from './arguments.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { batchNorm, moveRunning } from './batch-norm.js';
import { standardize, type Standardized } from './standardize.js';

/** What normalizations take beside their tensors. */
export interface NormOptions {
  /** Added to the variance, so that equal numbers don't divide by zero. Default 1e-5. */
  eps?: number;
}

/** x as rows of `length`, standardized; y as x. */
function standardizeRows(x: Tensor, length: number, eps: number): Standardized {
  // Where rows have no elements their number is of no matter.
  const rows = length === 0 ? 0 : sizeOf(x.shape) / length;
  const { y, ...statistics } = standardize(x.reshape([rows, length]), scalarInput(eps, x.dtype, x.device));
  return { y: y.reshape([...x.shape]), ...statistics };
}

/** y · weight + bias, as far as they are given; they have `shape`. */
function affine(y: Tensor, shape: Shape, weight?: Tensor | null, bias?: Tensor | null): Tensor {
  const scaled = weight ? y.mul(weight.reshape(shape)) : y;
  return bias ? scaled.add(bias.reshape(shape)) : scaled;
}

/** The shape in which a vector of channels stands beside x [N, C, …]. */
const channelShape = (x: Tensor): number[] => [x.shape[1], ...x.shape.slice(2).map(() => 1)];

function checkGiven(op: string, x: Tensor, what: string, given: Tensor | null | undefined, shape: Shape): void {
  if (given === null || given === undefined) return;
  checkTensor(op, given);
  if (!sameShape(given.shape, shape)) {
    throw new ShapeError(
      `${op}: expected ${what} [${shape.join(', ')}] for ${formatAval(x)}, got ${formatAval(given)}`,
    );
  }
  if (given.dtype !== x.dtype) {
    throw new DTypeError(
      `${op}: expected ${what} of dtype ${x.dtype} as the input, got ${formatAval(given)}. ` +
        `Convert the input with x.to('${given.dtype}').`,
    );
  }
}

/**
 * Layer normalization, as `F.layer_norm`: over the last axes of each sample, those of `normalizedShape`,
 *
 * y = (x − mean) / √(variance + eps) · weight + bias
 *
 * with the biased variance. Training and test time are the same, and so is every batch size.
 *
 * Shape: x `[…, ...normalizedShape]`; weight and bias `normalizedShape`; result as x.
 *
 * Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
 *
 * When to use: transformers and recurrent networks, and batches of a few samples. For convolutional networks with
 * batches of 16 and more, batch normalization gives better accuracy.
 *
 * @param normalizedShape The last sizes of x; a number means the last axis alone.
 * @param weight Default: none, as if ones.
 * @param bias Default: none, as if zeros.
 * @throws ShapeError unless x ends in `normalizedShape`.
 * @example
 * const y = nn.functional.layerNorm(tensor([[1, 3], [10, 30]]), 2, null, null, { eps: 0 });
 * await y.toArray(); // [[-1, 1], [-1, 1]]
 */
export function layerNorm(
  x: Tensor,
  normalizedShape: number | readonly number[],
  weight?: Tensor | null,
  bias?: Tensor | null,
  options: NormOptions = {},
): Tensor {
  checkTensor('layerNorm', x);
  checkFloat('layerNorm', [x]);
  checkOptions('layerNorm', options, ['eps'] satisfies (keyof NormOptions)[]);
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : [...normalizedShape];
  if (shape.length === 0 || !sameShape(x.shape.slice(-shape.length), shape)) {
    throw new ShapeError(
      `layerNorm: expected normalizedShape to be the last sizes of x, one or more; got [${shape.join(', ')}] for ` +
        `${formatAval(x)}. To normalize over the last axis: [${x.shape.at(-1) ?? ''}].`,
    );
  }
  checkGiven('layerNorm', x, 'a weight', weight, shape);
  checkGiven('layerNorm', x, 'a bias', bias, shape);
  return composed(() => affine(standardizeRows(x, sizeOf(shape), options.eps ?? 1e-5).y, shape, weight, bias));
}

/**
 * Group normalization, as `F.group_norm`: the channels of each sample come in `numGroups` groups, and for each group
 *
 * y = (x − mean) / √(variance + eps) · weight + bias
 *
 * over its channels and all positions, with the biased variance and a weight and bias a channel. One group is layer
 * normalization of whole samples, a group a channel is instance normalization.
 *
 * Shape: x `[N, C, …]`; weight and bias `[C]`; result as x.
 *
 * Source: Wu and He, "Group normalization", 2018.
 *
 * When to use: convolutional networks whose batches are so small (below 8 or so) that batch statistics are noise, as in
 * detection and segmentation.
 *
 * @param numGroups A divisor of C; 32 in the paper.
 * @param weight Default: none, as if ones.
 * @param bias Default: none, as if zeros.
 * @throws ShapeError unless the channels divide into groups, or if there is one value only.
 * @example
 * const x = tensor([1, 3, 10, 30]).reshape([1, 4, 1]);
 * const y = nn.functional.groupNorm(x, 2, null, null, { eps: 0 });
 * await y.flatten().toArray(); // [-1, 1, -1, 1]
 */
export function groupNorm(
  x: Tensor,
  numGroups: number,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options: NormOptions = {},
): Tensor {
  checkTensor('groupNorm', x);
  checkFloat('groupNorm', [x]);
  checkOptions('groupNorm', options, ['eps'] satisfies (keyof NormOptions)[]);
  if (x.ndim < 2) throw new ShapeError(`groupNorm: expected a batch [N, C] or [N, C, …], got ${formatAval(x)}`);
  if (!Number.isInteger(numGroups) || numGroups < 1) {
    const got = typeof numGroups === 'number' ? numGroups : describe(numGroups);
    throw new OutOfRangeError(`groupNorm: numGroups is a whole number of at least 1, got ${got}`);
  }
  const [batch, channels] = x.shape;
  if (channels % numGroups !== 0) {
    throw new ShapeError(
      `groupNorm: ${channels} channels don't divide into ${numGroups} groups, for ${formatAval(x)}. ` +
        `Choose a divisor of ${channels}.`,
    );
  }
  const length = sizeOf(x.shape.slice(1)) / numGroups;
  if (batch * length === 1) {
    throw new ShapeError(
      `groupNorm: expected more than 1 value per group, got ${formatAval(x)} in ${numGroups} groups: each value would ` +
        `become 0. Use fewer groups.`,
    );
  }
  checkGiven('groupNorm', x, 'a weight', weight, [channels]);
  checkGiven('groupNorm', x, 'a bias', bias, [channels]);
  return composed(() => affine(standardizeRows(x, length, options.eps ?? 1e-5).y, channelShape(x), weight, bias));
}

/** What {@link instanceNorm} takes beside its tensors. */
export interface InstanceNormOptions extends NormOptions {
  /** Normalize with each sample's own statistics, and update the running ones; else with the running ones. Default true. */
  useInputStats?: boolean;
  /** How much the new statistics weigh in the running ones. Default 0.1. */
  momentum?: number | Tensor;
}

/**
 * Instance normalization, as `F.instance_norm`: for each channel of each sample
 *
 * y = (x − mean) / √(variance + eps) · weight + bias
 *
 * over its positions, with the biased variance. Running statistics, if there are any, are cells and get pending writes:
 * running = (1 − momentum) · running + momentum · the batch's average, with the unbiased variance.
 *
 * Shape: x `[N, C, …]`; the others `[C]`; result as x.
 *
 * Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast stylization", 2016.
 *
 * When to use: style transfer and image generation, where a picture's contrast must not matter. For classification
 * it throws away what says how strong a feature is.
 *
 * @param runningMean A cell (a `Buffer`) where it is updated, or null. Default null.
 * @param weight Default: none, as if ones.
 * @param bias Default: none, as if zeros.
 * @throws ShapeError for one position with `useInputStats`: its variance is 0.
 * @example
 * const x = tensor([1, 3, 10, 30]).reshape([1, 2, 2]);
 * const y = nn.functional.instanceNorm(x, null, null, null, null, { eps: 0 });
 * await y.toArray(); // [[[-1, 1], [-1, 1]]]
 */
export function instanceNorm(
  x: Tensor,
  runningMean?: Tensor | null,
  runningVar?: Tensor | null,
  weight?: Tensor | null,
  bias?: Tensor | null,
  options: InstanceNormOptions = {},
): Tensor {
  checkTensor('instanceNorm', x);
  checkFloat('instanceNorm', [x]);
  checkOptions('instanceNorm', options, ['useInputStats', 'momentum', 'eps'] satisfies (keyof InstanceNormOptions)[]);
  const { useInputStats = true, momentum = 0.1, eps = 1e-5 } = options;
  if (x.ndim < 3)
    throw new ShapeError(`instanceNorm: expected a batch [N, C, …] of 3 axes or more, got ${formatAval(x)}`);
  const channels = [x.shape[1]];
  checkGiven('instanceNorm', x, 'a running mean', runningMean, channels);
  checkGiven('instanceNorm', x, 'a running variance', runningVar, channels);
  checkGiven('instanceNorm', x, 'a weight', weight, channels);
  checkGiven('instanceNorm', x, 'a bias', bias, channels);
  if (!useInputStats) {
    if (!runningMean || !runningVar) {
      throw new FakkelError(
        'instanceNorm: needs a running mean and variance with { useInputStats: false }; leave that out for each sample’s own',
      );
    }
    return batchNorm(x, runningMean, runningVar, weight, bias, { eps });
  }
  const positions = sizeOf(x.shape.slice(2));
  if (positions === 1) {
    throw new ShapeError(
      `instanceNorm: expected more than 1 position a channel, got ${formatAval(x)}: each value would become 0. ` +
        `Normalize before the last pooling, or use layer normalization there.`,
    );
  }
  return composed(() => {
    const { y, mean, variance } = standardizeRows(x, positions, eps);
    if ((runningMean || runningVar) && sizeOf(x.shape) > 0) {
      noGrad(() => {
        const weighed = numberInput(momentum, x);
        const average = (rows: Tensor): Tensor => rows.reshape([x.shape[0], x.shape[1]]).mean(0);
        const unbiased = literal(positions / (positions - 1), x);
        moveRunning('instanceNorm', 'runningMean', runningMean, average(mean), weighed);
        moveRunning('instanceNorm', 'runningVar', runningVar, average(variance).mul(unbiased), weighed);
      });
    }
    return affine(y, channelShape(x), weight, bias);
  });
}
