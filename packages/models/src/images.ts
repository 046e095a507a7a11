/**
 * What architectures say of images that they are not made for.
 */
import { formatAval, ShapeError, type Tensor } from '@fakkel/core';

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
