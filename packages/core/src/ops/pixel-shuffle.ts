/**
 * Channels to pixels and back, and channels mixed across groups: only the order of the elements changes.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval } from '../shape.js';
import { composed } from './compose.js';

function checkFactor(op: string, name: string, factor: number): void {
  if (!Number.isInteger(factor) || factor < 1) {
    throw new OutOfRangeError(`${op}: ${name} is a whole number of at least 1, got ${factor}`);
  }
}

/** Channels, height and width, and how many axes come before them. */
function planesOf(op: string, x: Tensor): { before: readonly number[]; c: number; h: number; w: number } {
  checkTensor(op, x);
  if (x.ndim < 3) throw new ShapeError(`${op}: expected images […, C, H, W], got ${formatAval(x)}`);
  const [c, h, w] = x.shape.slice(-3);
  return { before: x.shape.slice(0, -3), c, h, w };
}

/**
 * Channels put side by side as pixels, as `F.pixel_shuffle`: out[c, h·r + i, w·r + j] = x[c·r² + i·r + j, h, w].
 *
 * When to use: upsampling after a convolution that makes r² times as many channels (super-resolution): every pixel is
 * computed once, at the small size.
 *
 * Shape: `[…, C·r², H, W]` gives `[…, C, H·r, W·r]`.
 *
 * Source: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural
 * network", 2016.
 *
 * @throws ShapeError unless r² divides the channels; OutOfRangeError unless r is a whole number from 1 up.
 * @example
 * await nn.functional.pixelShuffle(tensor([[[1]], [[2]], [[3]], [[4]]]), 2).toArray(); // [[[1, 2], [3, 4]]]
 */
export function pixelShuffle(x: Tensor, upscaleFactor: number): Tensor {
  const op = 'pixelShuffle';
  checkFactor(op, 'upscaleFactor', upscaleFactor);
  const { before, c, h, w } = planesOf(op, x);
  const r = upscaleFactor;
  if (c % (r * r) !== 0) {
    throw new ShapeError(`${op}: expected channels that ${r}² divides, got ${c} in ${formatAval(x)}`);
  }
  const n = before.length;
  const order = [...before.keys(), n, n + 3, n + 1, n + 4, n + 2];
  return composed(() =>
    x
      .reshape([...before, c / (r * r), r, r, h, w])
      .permute(order)
      .reshape([...before, c / (r * r), h * r, w * r]),
  );
}

/**
 * Pixels of squares put into channels, as `F.pixel_unshuffle`: the inverse of {@link pixelShuffle}.
 *
 * Shape: `[…, C, H·r, W·r]` gives `[…, C·r², H, W]`.
 *
 * @throws ShapeError unless r divides height and width; OutOfRangeError unless r is a whole number from 1 up.
 * @example
 * await nn.functional.pixelUnshuffle(tensor([[[1, 2], [3, 4]]]), 2).toArray(); // [[[1]], [[2]], [[3]], [[4]]]
 */
export function pixelUnshuffle(x: Tensor, downscaleFactor: number): Tensor {
  const op = 'pixelUnshuffle';
  checkFactor(op, 'downscaleFactor', downscaleFactor);
  const { before, c, h, w } = planesOf(op, x);
  const r = downscaleFactor;
  if (h % r !== 0 || w % r !== 0) {
    throw new ShapeError(`${op}: expected a height and a width that ${r} divides, got ${formatAval(x)}`);
  }
  const n = before.length;
  const order = [...before.keys(), n, n + 2, n + 4, n + 1, n + 3];
  return composed(() =>
    x
      .reshape([...before, c, h / r, r, w / r, r])
      .permute(order)
      .reshape([...before, c * r * r, h / r, w / r]),
  );
}

/**
 * Channels of several groups dealt out in turn, as `F.channel_shuffle`: with g groups of n channels,
 * out[i·g + k] = x[k·n + i].
 *
 * When to use: between grouped convolutions, so that what one group found reaches the others (ShuffleNet).
 *
 * Shape: `[N, C, …]` stays.
 *
 * Source: Zhang et al., "ShuffleNet", 2017.
 *
 * @throws ShapeError unless the groups divide the channels; OutOfRangeError unless they are a whole number from 1 up.
 * @example
 * await nn.functional.channelShuffle(tensor([[[1], [2], [3], [4]]]), 2).flatten().toArray(); // [1, 3, 2, 4]
 */
export function channelShuffle(x: Tensor, groups: number): Tensor {
  const op = 'channelShuffle';
  checkTensor(op, x);
  checkFactor(op, 'groups', groups);
  if (x.ndim < 3) throw new ShapeError(`${op}: expected [N, C, …] with at least three axes, got ${formatAval(x)}`);
  const [n, c, ...rest] = x.shape;
  if (c % groups !== 0) throw new ShapeError(`${op}: expected channels that ${groups} divides, got ${formatAval(x)}`);
  return composed(() =>
    x
      .reshape([n, groups, c / groups, ...rest])
      .transpose(1, 2)
      .reshape(x.shape),
  );
}
