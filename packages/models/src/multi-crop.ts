/**
 * Classification by several crops of each image.
 */
import { formatAval, FakkelError, isTensor, nn, OutOfRangeError, ShapeError, stack, type Tensor } from '@fakkel/core';

/**
 * Evaluates a classifier on several crops of each image, and averages over them: a point or two more accurate than one
 * crop in the middle, for as many times the work.
 *
 * With `average: 'softmax'`, y[n] = 1/K · Σₖ softmax(model(x[n, k])), probabilities, as in the papers of AlexNet and
 * GoogLeNet; with 'logits', y[n] = 1/K · Σₖ model(x[n, k]), logits, as in PyTorch's recipe for `TenCrop`. The two may
 * differ in the best class.
 *
 * Shape: input `[N, K, C, H, W]`, or a list of K crops `[N, C, H, W]`, which is what a `DataLoader` makes of `TenCrop` and
 * `FiveCrop` of `@fakkel/data`; output `[N, classes]`.
 *
 * Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1.
 *
 * @param model A classifier: `[M, C, H, W]` → `[M, classes]`. Put it into evaluation mode: `new MultiCrop(net).eval()`.
 * @param options `average`: 'softmax' (default) or 'logits'.
 * @throws OutOfRangeError for another average; ShapeError for input or output of another shape.
 * @example
 * import { noGrad, randn } from '@fakkel/core';
 * import { cifarResnet20, MultiCrop } from '@fakkel/models';
 * const classify = new MultiCrop(cifarResnet20()).eval();
 * const crops = randn([2, 10, 3, 28, 28]); // two images, ten crops of each
 * noGrad(() => classify(crops)).shape; // [2, 10]
 */
export class MultiCrop extends nn.Module {
  readonly average: 'softmax' | 'logits';

  constructor(
    readonly model: nn.Module,
    { average = 'softmax' }: { average?: 'softmax' | 'logits' } = {},
  ) {
    super();
    if (!(model instanceof nn.Module)) throw new TypeError('MultiCrop: expected a module, new MultiCrop(net)');
    if (average !== 'softmax' && average !== 'logits') {
      throw new OutOfRangeError(`MultiCrop: average is 'softmax' or 'logits', got '${String(average)}'`);
    }
    this.average = average;
  }

  override forward(x: Tensor | readonly Tensor[]): Tensor {
    const crops = isTensor(x) ? x : stack(x, 1);
    if (crops.ndim !== 5) {
      throw new ShapeError(
        `MultiCrop: expected [N, crops, C, H, W] or a list of [N, C, H, W], got ${formatAval(crops)}. ` +
          'One image needs x.unsqueeze(0); whole images go to the model itself.',
      );
    }
    const [n, k, ...image] = crops.shape;
    // N x K x C x H x W
    const logits = this.model(crops.reshape([n * k, ...image])) as unknown;
    // N·K x classes
    if (!isTensor(logits) || logits.ndim !== 2) {
      const got = isTensor(logits) ? formatAval(logits) : 'something else than a tensor';
      throw new (isTensor(logits) ? ShapeError : FakkelError)(
        `MultiCrop: expected logits [N, classes] of the model, got ${got}. ` +
          'Networks with auxiliary classifiers give more in training mode: call eval().',
      );
    }
    const scores = this.average === 'softmax' ? logits.softmax(1) : logits;
    return scores.reshape([n, k, scores.shape[1]]).mean(1);
  }

  override extraRepr(): string {
    return `average=${this.average}`;
  }
}
