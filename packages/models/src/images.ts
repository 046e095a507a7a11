/**
 * What architectures say of images that they are not made for.
 */
import { formatAval, nn, ShapeError, type Tensor } from '@fakkel/core';

/** Throws unless `x` is a batch of images of this size. */
export function checkImages(model: string, x: Tensor, channels: number, size: number): void {
  const [, c, h, w] = x.shape;
  if (x.ndim === 4 && c === channels && h === size && w === size) return;
  const remedy =
    x.ndim === 3
      ? 'Add the missing axis with x.unsqueeze(0) (one image) or x.unsqueeze(1) (a batch without channels).'
      : c !== channels
        ? `Channels come second, and this model takes ${channels}.`
        : 'Resize or pad the images first.';
  throw new ShapeError(`${model}: expected images [N, ${channels}, ${size}, ${size}], got ${formatAval(x)}. ${remedy}`);
}

/**
 * Throws unless `x` is a batch of images that a network for images of any size can take.
 *
 * @param model Whose class the message names.
 * @param first The layer that sees the images; if it is a convolution, its channels are what they must have.
 * @param least The least height and width. Default 1.
 */
export function checkImageBatch(model: nn.Module, x: Tensor, first: nn.Module | undefined, least = 1): void {
  const name = model.constructor.name;
  const channels = first instanceof nn.Conv2d ? first.inChannels : undefined;
  const [, c, h, w] = x.shape;
  const size = least > 1 ? ` of at least ${least} × ${least}` : '';
  const expected = `${name}: expected images [N, ${channels ?? 'C'}, H, W]${size}, got ${formatAval(x)}.`;
  if (x.ndim !== 4) {
    const remedy = x.ndim === 3 ? 'Add the missing axis with x.unsqueeze(0) (one image)' : 'Reshape them';
    throw new ShapeError(`${expected} ${remedy}.`);
  }
  if (channels !== undefined && c !== channels) {
    const remedy =
      w === channels
        ? 'Channels come second: x.permute([0, 3, 1, 2]).'
        : c === 1
          ? `Give grey images ${channels} channels, x.expand([-1, ${channels}, -1, -1]), or give the model another first layer.`
          : 'Channels come second; give the model another first layer for images of other channels.';
    throw new ShapeError(`${expected} ${remedy}`);
  }
  if (h < least || w < least) {
    throw new ShapeError(`${expected} Resize or pad them: below that size, nothing is left after the poolings.`);
  }
}
