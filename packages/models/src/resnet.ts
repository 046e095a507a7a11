/**
 * Residual networks for images of ImageNet's size, as torchvision has them: ResNet, ResNeXt, Wide ResNet.
 */
import { nn, OutOfRangeError, type Tensor } from '@fakkel/core';
import { builder } from './builder.js';
import { checkImageBatch } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';
import {
  BasicBlock,
  batchNorm2d,
  Bottleneck,
  conv1x1,
  initializeConvolutions,
  zeroInitResidual,
  type NormLayer,
  type ResidualBlockOptions,
} from './residual-blocks.js';

/** What {@link ResNet} takes. */
export interface ResNetOptions extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 1000. */
  numClasses?: number;
  /**
   * Whether the last normalization of each block starts with weight 0, so that blocks start as the identity; it makes the
   * trained network 0.2 to 0.3 % more accurate (Goyal et al., "Accurate, large minibatch SGD", 2017). Default false.
   */
  zeroInitResidual?: boolean;
  /** Groups of the 3×3 convolutions; with {@link Bottleneck}. Default 1. */
  groups?: number;
  /** Channels of a group in the 3×3 convolutions of the first stage; with {@link Bottleneck}. Default 64. */
  widthPerGroup?: number;
  /**
   * Whether the second, third and fourth stage keep the size of their input, and dilate the 3×3 convolutions instead: for
   * segmentation; with {@link Bottleneck}. Default `[false, false, false]`.
   */
  replaceStrideWithDilation?: readonly [boolean, boolean, boolean];
  /** Makes the normalization layers. Default: `nn.BatchNorm2d`. */
  normLayer?: NormLayer;
}

/** A class of residual blocks: {@link BasicBlock}, {@link Bottleneck}, or one's own. */
export interface ResidualBlock {
  new (inPlanes: number, planes: number, options: ResidualBlockOptions): nn.Layer;
  /** Channels of the output, in planes. */
  readonly expansion: number;
}

const OPTIONS = [
  'numClasses',
  'zeroInitResidual',
  'groups',
  'widthPerGroup',
  'replaceStrideWithDilation',
  'normLayer',
  ...FACTORY_OPTIONS,
];

/**
 * A residual network: a 7×7 convolution of stride 2, max pooling, four stages of residual blocks with 64, 128, 256 and
 * 512 planes, each but the first at half the size of the one before, global average pooling, and a fully connected layer.
 *
 * Shape: input `[N, 3, H, W]`, of 224×224 or any other size, output `[N, numClasses]`, logits.
 *
 * @param block {@link BasicBlock} or {@link Bottleneck}.
 * @param layers Blocks of each of the four stages.
 * @param options See {@link ResNetOptions}.
 * @throws OutOfRangeError for other than four stages, or what a block does not take.
 * @example
 * import { randn } from '@fakkel/core';
 * import { BasicBlock, ResNet } from '@fakkel/models';
 * const resnet10 = new ResNet(BasicBlock, [1, 1, 1, 1], { numClasses: 10 });
 * resnet10(randn([1, 3, 64, 64])).shape; // [1, 10]
 */
export class ResNet extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.Layer;
  relu = new nn.ReLU();
  maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  layer1: nn.Sequential;
  layer2: nn.Sequential;
  layer3: nn.Sequential;
  layer4: nn.Sequential;
  avgpool = new nn.AdaptiveAvgPool2d([1, 1]);
  fc: nn.Linear;

  constructor(block: ResidualBlock, layers: readonly number[], options: ResNetOptions = {}) {
    super();
    checkOptions('ResNet', options, OPTIONS);
    const { numClasses = 1000, groups = 1, widthPerGroup: baseWidth = 64, normLayer = batchNorm2d } = options;
    const { replaceStrideWithDilation: dilate = [false, false, false], dtype, device } = options;
    const factory = { dtype, device };
    if (layers.length !== 4 || layers.some((n) => !Number.isInteger(n) || n < 1)) {
      throw new OutOfRangeError(
        `ResNet: layers are the blocks of four stages, [2, 2, 2, 2], got [${layers.join(', ')}]`,
      );
    }
    if (!Array.isArray(dilate) || dilate.length !== 3) {
      throw new OutOfRangeError(
        `ResNet: replaceStrideWithDilation says it for stages 2, 3 and 4, [false, false, true], got ${JSON.stringify(dilate)}`,
      );
    }
    let inPlanes = 64;
    let dilation = 1;
    const stage = (planes: number, blocks: number, stride: number, dilated: boolean): nn.Sequential => {
      const outPlanes = planes * block.expansion;
      const dilationBefore = dilation;
      if (dilated) [dilation, stride] = [dilation * stride, 1];
      const common = { groups, baseWidth, normLayer, ...factory };
      const downsample =
        stride === 1 && inPlanes === outPlanes
          ? null
          : new nn.Sequential(conv1x1(inPlanes, outPlanes, { stride, ...factory }), normLayer(outPlanes, factory));
      const first = new block(inPlanes, planes, { ...common, stride, downsample, dilation: dilationBefore });
      inPlanes = outPlanes;
      const others = Array.from({ length: blocks - 1 }, () => new block(inPlanes, planes, { ...common, dilation }));
      return new nn.Sequential(first, ...others);
    };
    this.conv1 = new nn.Conv2d(3, inPlanes, 7, { stride: 2, padding: 3, bias: false, ...factory });
    this.bn1 = normLayer(inPlanes, factory);
    this.layer1 = stage(64, layers[0], 1, false);
    this.layer2 = stage(128, layers[1], 2, dilate[0]);
    this.layer3 = stage(256, layers[2], 2, dilate[1]);
    this.layer4 = stage(512, layers[3], 2, dilate[2]);
    this.fc = new nn.Linear(inPlanes, numClasses, factory);
    initializeConvolutions(this, 'fanOut');
    if (options.zeroInitResidual) zeroInitResidual(this);
  }

  override forward(x: Tensor): Tensor {
    checkImageBatch(this, x, this.conv1);
    // N x 3 x 224 x 224
    x = this.relu(this.bn1(this.conv1(x)));
    // N x 64 x 112 x 112
    x = this.layer1(this.maxpool(x));
    // N x 64 x 56 x 56, four times as many channels with Bottleneck, here and below
    x = this.layer2(x);
    // N x 128 x 28 x 28
    x = this.layer3(x);
    // N x 256 x 14 x 14
    x = this.layer4(x);
    // N x 512 x 7 x 7
    x = this.avgpool(x).flatten(1);
    // N x 512
    return this.fc(x);
  }
}

/**
 * ResNet-18: two blocks of two 3×3 convolutions in each stage.
 *
 * | builder | block | blocks a stage | parameters |
 * |---|---|---|---|
 * | {@link resnet18} | {@link BasicBlock} | 2, 2, 2, 2 | 11,689,512 |
 * | {@link resnet34} | {@link BasicBlock} | 3, 4, 6, 3 | 21,797,672 |
 * | {@link resnet50} | {@link Bottleneck} | 3, 4, 6, 3 | 25,557,032 |
 * | {@link resnet101} | {@link Bottleneck} | 3, 4, 23, 3 | 44,549,160 |
 * | {@link resnet152} | {@link Bottleneck} | 3, 8, 36, 3 | 60,192,808 |
 * | {@link resnext50_32x4d} | {@link Bottleneck}, 32 groups of width 4 | 3, 4, 6, 3 | 25,028,904 |
 * | {@link resnext101_32x8d} | {@link Bottleneck}, 32 groups of width 8 | 3, 4, 23, 3 | 88,791,336 |
 * | {@link resnext101_64x4d} | {@link Bottleneck}, 64 groups of width 4 | 3, 4, 23, 3 | 83,455,272 |
 * | {@link wideResnet50_2} | {@link Bottleneck}, width 128 | 3, 4, 6, 3 | 68,883,240 |
 * | {@link wideResnet101_2} | {@link Bottleneck}, width 128 | 3, 4, 23, 3 | 126,886,696 |
 *
 * Layers, state-dict keys and initialization are torchvision's: after `manualSeed(seed)` the initial weights are those of
 * torchvision's model after `torch.manual_seed(seed)`. Convolutions start from N(0, 2 / fanOut), the fully connected layer
 * from PyTorch's default.
 *
 * When to use: the usual first choice for images from some 100 pixels up; {@link cifarResnet20} is for smaller ones.
 *
 * Shape: input `[N, 3, H, W]`, of 224×224 or any other size, output `[N, numClasses]`, logits.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, table 1.
 *
 * @param options See {@link ResNetOptions}: `numClasses` (1000), `zeroInitResidual` (false), `normLayer`, `dtype`
 * ('float32'), `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { resnet18 } from '@fakkel/models';
 * const net = resnet18({ numClasses: 10 });
 * net(randn([1, 3, 64, 64])).shape; // [1, 10]
 */
export const resnet18 = resnet('resnet18', BasicBlock, [2, 2, 2, 2]);
/** ResNet-34. See {@link resnet18}. */
export const resnet34 = resnet('resnet34', BasicBlock, [3, 4, 6, 3]);
/** ResNet-50, the one of most published results. See {@link resnet18}. */
export const resnet50 = resnet('resnet50', Bottleneck, [3, 4, 6, 3]);
/** ResNet-101. See {@link resnet18}. */
export const resnet101 = resnet('resnet101', Bottleneck, [3, 4, 23, 3]);
/** ResNet-152, whose ensembles won ImageNet in 2015. See {@link resnet18}. */
export const resnet152 = resnet('resnet152', Bottleneck, [3, 8, 36, 3]);

/**
 * ResNeXt-50 32×4d: ResNet-50 whose 3×3 convolutions have 32 groups of 4 channels in the first stage. See
 * {@link resnet18}.
 *
 * Source: Xie et al., "Aggregated residual transformations for deep neural networks", 2016.
 */
export const resnext50_32x4d = resnet('resnext50_32x4d', Bottleneck, [3, 4, 6, 3], { groups: 32, widthPerGroup: 4 });
/** ResNeXt-101 32×8d. See {@link resnext50_32x4d}. */
export const resnext101_32x8d = resnet('resnext101_32x8d', Bottleneck, [3, 4, 23, 3], { groups: 32, widthPerGroup: 8 });
/** ResNeXt-101 64×4d. See {@link resnext50_32x4d}. */
export const resnext101_64x4d = resnet('resnext101_64x4d', Bottleneck, [3, 4, 23, 3], { groups: 64, widthPerGroup: 4 });

/**
 * Wide ResNet-50-2: ResNet-50 with twice the channels inside its blocks. See {@link resnet18}.
 *
 * Source: Zagoruyko and Komodakis, "Wide residual networks", 2016.
 */
export const wideResnet50_2 = resnet('wideResnet50_2', Bottleneck, [3, 4, 6, 3], { widthPerGroup: 128 });
/** Wide ResNet-101-2. See {@link wideResnet50_2}. */
export const wideResnet101_2 = resnet('wideResnet101_2', Bottleneck, [3, 4, 23, 3], { widthPerGroup: 128 });

function resnet(
  name: string,
  block: ResidualBlock,
  layers: readonly number[],
  own: Pick<ResNetOptions, 'groups' | 'widthPerGroup'> = {},
) {
  return builder(name, (options: ResNetOptions) => {
    checkOptions(name, options, OPTIONS);
    for (const [key, value] of Object.entries(own)) {
      const given = options[key as keyof typeof own];
      if (given !== undefined && given !== value) {
        throw new OutOfRangeError(
          `${name}: ${key} is ${value}, that is what the name says; got ${given}. Write new ResNet(Bottleneck, [${layers.join(', ')}], …) for others.`,
        );
      }
    }
    return new ResNet(block, layers, { ...options, ...own });
  });
}
