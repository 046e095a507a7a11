/**
 * The blocks of GoogLeNet.
 */
import { cat, nn, type Tensor } from '@fakkel/core';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

/** What a convolution of Inception blocks takes beside its channels. */
export interface ConvBlockOptions extends Omit<nn.ConvLayerOptions, 'bias'> {
  /** Cells of the kernel: one number, or `[height, width]`. */
  kernelSize: nn.functional.PerAxis;
}

const CONV_BLOCK_OPTIONS = [
  'kernelSize',
  'stride',
  'padding',
  'dilation',
  'groups',
  'paddingMode',
  ...FACTORY_OPTIONS,
] satisfies (keyof ConvBlockOptions)[];

/** A class of convolutions for Inception blocks: {@link BasicConv2d}, or one of your own. */
export type ConvBlock = new (inChannels: number, outChannels: number, options: ConvBlockOptions) => nn.Layer;

/**
 * A convolution without bias, batch normalization (eps 0.001) and ReLU.
 *
 * Shape: that of {@link nn.Conv2d}.
 *
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param options `kernelSize`, and those of {@link nn.Conv2d} but the bias.
 * @example
 * import { randn } from '@fakkel/core';
 * import { BasicConv2d } from '@fakkel/models';
 * new BasicConv2d(3, 64, { kernelSize: 7, stride: 2, padding: 3 })(randn([2, 3, 32, 32])).shape; // [2, 64, 16, 16]
 */
export class BasicConv2d extends nn.Module {
  conv: nn.Conv2d;
  bn: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number, options: ConvBlockOptions) {
    super();
    checkOptions('BasicConv2d', options, CONV_BLOCK_OPTIONS);
    const { kernelSize, ...others } = options;
    const { dtype, device } = options;
    this.conv = new nn.Conv2d(inChannels, outChannels, kernelSize, { ...others, bias: false });
    this.bn = new nn.BatchNorm2d(outChannels, { eps: 0.001, dtype, device });
  }

  override forward(x: Tensor): Tensor {
    return this.bn(this.conv(x)).relu();
  }
}

/** What {@link Inception} takes beside its channels. */
export interface InceptionOptions extends nn.FactoryOptions {
  /** The convolutions. Default {@link BasicConv2d}. */
  convBlock?: ConvBlock;
}

/**
 * One Inception block: four parallel branches over the same input, joined along channels. The block need not choose a
 * kernel's size: it has them all, and 1×1 convolutions before the large kernels keep the cost down.
 *
 * | branch | layers | channels |
 * |---|---|---|
 * | 1 | 1×1 | ch1x1 |
 * | 2 | 1×1 to ch3x3red, 3×3 | ch3x3 |
 * | 3 | 1×1 to ch5x5red, 3×3 (5×5 in the paper) | ch5x5 |
 * | 4 | max pooling 3×3 with stride 1, 1×1 | poolProj |
 *
 * The third branch has 3×3 where the paper has 5×5: a known deviation of torchvision
 * (https://github.com/pytorch/vision/issues/906), kept because its published weights are for that.
 *
 * Shape: input `[N, inChannels, H, W]`, output `[N, ch1x1 + ch3x3 + ch5x5 + poolProj, H, W]`.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2014, figure 2b.
 *
 * @param inChannels Channels of the input.
 * @param ch1x1 Channels of the first branch.
 * @param ch3x3red Channels of the second branch before its 3×3 convolution.
 * @param ch3x3 Channels of the second branch.
 * @param ch5x5red Channels of the third branch before its large convolution.
 * @param ch5x5 Channels of the third branch.
 * @param poolProj Channels of the fourth branch.
 * @param options `convBlock` ({@link BasicConv2d}), `dtype` ('float32'), `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { Inception } from '@fakkel/models';
 * const block = new Inception(192, 64, 96, 128, 16, 32, 32); // GoogLeNet's first
 * block(randn([2, 192, 7, 7])).shape; // [2, 256, 7, 7]
 */
export class Inception extends nn.Module {
  branch1: nn.Layer;
  branch2: nn.Sequential;
  branch3: nn.Sequential;
  branch4: nn.Sequential;

  constructor(
    inChannels: number,
    ch1x1: number,
    ch3x3red: number,
    ch3x3: number,
    ch5x5red: number,
    ch5x5: number,
    poolProj: number,
    options: InceptionOptions = {},
  ) {
    super();
    checkOptions('Inception', options, ['convBlock', ...FACTORY_OPTIONS]);
    const { convBlock: Conv = BasicConv2d, dtype, device } = options;
    const factory = { dtype, device };
    this.branch1 = new Conv(inChannels, ch1x1, { kernelSize: 1, ...factory });
    this.branch2 = new nn.Sequential(
      new Conv(inChannels, ch3x3red, { kernelSize: 1, ...factory }),
      new Conv(ch3x3red, ch3x3, { kernelSize: 3, padding: 1, ...factory }),
    );
    this.branch3 = new nn.Sequential(
      new Conv(inChannels, ch5x5red, { kernelSize: 1, ...factory }),
      // 3 in place of the paper's 5, as the published weights: https://github.com/pytorch/vision/issues/906.
      new Conv(ch5x5red, ch5x5, { kernelSize: 3, padding: 1, ...factory }),
    );
    this.branch4 = new nn.Sequential(
      new nn.MaxPool2d(3, { stride: 1, padding: 1, ceilMode: true }),
      new Conv(inChannels, poolProj, { kernelSize: 1, ...factory }),
    );
  }

  override forward(x: Tensor): Tensor {
    return cat([this.branch1(x), this.branch2(x), this.branch3(x), this.branch4(x)], 1);
  }
}

/** What {@link InceptionAux} takes beside its sizes. */
export interface InceptionAuxOptions extends nn.FactoryOptions {
  /** The convolution. Default {@link BasicConv2d}. */
  convBlock?: ConvBlock;
  /** Probability of an output of the first fully connected layer to be dropped in training. Default 0.7. */
  dropout?: number;
}

/**
 * An auxiliary classifier: a small network on top of a block in the middle, whose loss brings gradients, and the demand
 * for features that tell classes apart, to the layers before it. It is for training only.
 *
 * Average pooling to 4 × 4, a 1×1 convolution to 128 channels, a fully connected layer of 1024, dropout, and one of
 * `numClasses`. (The paper pools with 5×5 and stride 3, which is 4 × 4 for its 14 × 14.)
 *
 * Shape: input `[N, inChannels, H, W]`, output `[N, numClasses]`, logits.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2014, section 5.
 *
 * @param inChannels Channels of the block that it is on top of.
 * @param numClasses Classes that it tells apart.
 * @param options `convBlock` ({@link BasicConv2d}), `dropout` (0.7), `dtype` ('float32'), `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { InceptionAux } from '@fakkel/models';
 * new InceptionAux(512, 10)(randn([2, 512, 14, 14])).shape; // [2, 10]
 */
export class InceptionAux extends nn.Module {
  conv: nn.Layer;
  fc1: nn.Linear;
  fc2: nn.Linear;
  dropout: nn.Dropout;

  constructor(inChannels: number, numClasses: number, options: InceptionAuxOptions = {}) {
    super();
    checkOptions('InceptionAux', options, ['convBlock', 'dropout', ...FACTORY_OPTIONS]);
    const { convBlock: Conv = BasicConv2d, dropout = 0.7, dtype, device } = options;
    const factory = { dtype, device };
    this.conv = new Conv(inChannels, 128, { kernelSize: 1, ...factory });
    this.fc1 = new nn.Linear(2048, 1024, factory);
    this.fc2 = new nn.Linear(1024, numClasses, factory);
    this.dropout = new nn.Dropout(dropout);
  }

  override forward(x: Tensor): Tensor {
    // aux1: N x 512 x 14 x 14, aux2: N x 528 x 14 x 14
    x = x.adaptiveAvgPool2d([4, 4]);
    // aux1: N x 512 x 4 x 4, aux2: N x 528 x 4 x 4
    x = this.conv(x);
    // N x 128 x 4 x 4
    x = x.flatten(1);
    // N x 2048
    x = this.fc1(x).relu();
    // N x 1024
    x = this.dropout(x);
    // N x 1024
    return this.fc2(x);
    // N x 1000 (numClasses)
  }
}
