/**
 * Residual networks for small images, and their plain counterparts.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, section 4.2.
 */
import { formatAval, nn, OutOfRangeError, ShapeError, type Tensor } from '@fakkel/core';
import { builder } from './builder.js';
import { checkImageBatch } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';
import {
  BasicBlock,
  batchNorm2d,
  conv1x1,
  conv3x3,
  initializeConvolutions,
  zeroInitResidual,
  type NormLayer,
} from './residual-blocks.js';

/** What plain networks take. */
export interface CifarPlainOptions extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 10. */
  numClasses?: number;
  /** Channels of the images. Default 3. */
  inChannels?: number;
  /** Makes the normalization layers. Default: `nn.BatchNorm2d`. */
  normLayer?: NormLayer;
}

/** What residual networks take. */
export interface CifarResNetOptions extends CifarPlainOptions {
  /**
   * How a shortcut gets from a stage to the next, where the image is halved and the channels are doubled. 'A' (default,
   * the paper's choice here): every other pixel, and channels of zeros; no parameters. 'B': a 1×1 convolution of stride 2
   * with normalization.
   */
  shortcut?: 'A' | 'B';
  /** Whether blocks start as the identity: the last normalization of each has weight 0. Default false. */
  zeroInitResidual?: boolean;
}

/**
 * A shortcut without parameters (the paper's option A): every `stride`-th pixel of every `stride`-th row, and channels
 * of zeros behind those that are there.
 *
 * Shape: input `[N, C, H, W]`, output `[N, outChannels, ⌈H / stride⌉, ⌈W / stride⌉]`.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, section 3.3. The paper leaves open where the
 * zeros are; they are last, as in the authors' later code for Torch.
 *
 * @param outChannels Channels of the output, at least as many as the input has.
 * @param stride Default 2.
 * @throws ShapeError for more channels.
 * @example
 * import { randn } from '@fakkel/core';
 * import { PadShortcut } from '@fakkel/models';
 * new PadShortcut(32)(randn([8, 16, 32, 32])).shape; // [8, 32, 16, 16]
 */
export class PadShortcut extends nn.Module {
  constructor(
    readonly outChannels: number,
    readonly stride = 2,
  ) {
    super();
  }

  override forward(x: Tensor): Tensor {
    const { outChannels, stride } = this;
    if (!(x.shape[1] <= outChannels)) {
      throw new ShapeError(
        `PadShortcut: expected [N, C, H, W] with at most ${outChannels} channels, got ${formatAval(x)}`,
      );
    }
    // The average of one pixel is the pixel.
    if (stride > 1) x = x.avgPool2d(1, { stride });
    return x.pad([0, 0, 0, 0, 0, outChannels - x.shape[1]]);
  }

  override extraRepr(): string {
    return `${this.outChannels}, stride=${this.stride}`;
  }
}

/** A {@link BasicBlock} without its shortcut: two 3×3 convolutions, each with normalization and ReLU. */
export class PlainBlock extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.Layer;
  relu = new nn.ReLU();
  conv2: nn.Conv2d;
  bn2: nn.Layer;

  constructor(
    inPlanes: number,
    planes: number,
    {
      stride = 1,
      normLayer = batchNorm2d,
      ...factory
    }: { stride?: number; normLayer?: NormLayer } & nn.FactoryOptions = {},
  ) {
    super();
    this.conv1 = conv3x3(inPlanes, planes, { stride, ...factory });
    this.bn1 = normLayer(planes, factory);
    this.conv2 = conv3x3(planes, planes, factory);
    this.bn2 = normLayer(planes, factory);
  }

  override forward(x: Tensor): Tensor {
    x = this.relu(this.bn1(this.conv1(x)));
    return this.relu(this.bn2(this.conv2(x)));
  }
}

const OPTIONS = ['numClasses', 'inChannels', 'shortcut', 'zeroInitResidual', 'normLayer', ...FACTORY_OPTIONS];

/**
 * The networks of the paper's section 4.2: a 3×3 convolution, three stages of n = (depth − 2) / 6 blocks of two 3×3
 * convolutions with 16, 32 and 64 maps, the second and third stage at half the size of the one before, global average
 * pooling, and a fully connected layer.
 *
 * See {@link cifarResnet20} for residual blocks, {@link cifarPlain20} for plain ones (`shortcut: 'none'`).
 *
 * @param depth Layers with weights on the way: 6n + 2.
 * @throws OutOfRangeError for another depth, or an unknown shortcut.
 */
export class CifarResNet extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.Layer;
  relu = new nn.ReLU();
  layer1: nn.Sequential;
  layer2: nn.Sequential;
  layer3: nn.Sequential;
  avgpool = new nn.AdaptiveAvgPool2d(1);
  fc: nn.Linear;

  constructor(
    depth: number,
    options: Omit<CifarResNetOptions, 'shortcut'> & { shortcut?: CifarResNetOptions['shortcut'] | 'none' } = {},
  ) {
    super();
    checkOptions('CifarResNet', options, OPTIONS);
    const { numClasses = 10, inChannels = 3, shortcut = 'A', normLayer = batchNorm2d, dtype, device } = options;
    if (!['A', 'B', 'none'].includes(shortcut)) {
      throw new OutOfRangeError(`CifarResNet: shortcut is 'A', 'B' or 'none', got '${String(shortcut)}'`);
    }
    const blocks = (depth - 2) / 6;
    if (!Number.isInteger(blocks) || blocks < 1) {
      throw new OutOfRangeError(`CifarResNet: depth is 6n + 2: 8, 14, 20, …; got ${depth}`);
    }
    const factory = { dtype, device };
    const block = (inPlanes: number, planes: number, stride: number): nn.Layer => {
      if (shortcut === 'none') return new PlainBlock(inPlanes, planes, { stride, normLayer, ...factory });
      const same = stride === 1 && inPlanes === planes;
      const downsample = same
        ? null
        : shortcut === 'A'
          ? new PadShortcut(planes, stride)
          : new nn.Sequential(conv1x1(inPlanes, planes, { stride, ...factory }), normLayer(planes, factory));
      return new BasicBlock(inPlanes, planes, { stride, downsample, normLayer, ...factory });
    };
    const stage = (inPlanes: number, planes: number, stride: number): nn.Sequential =>
      new nn.Sequential(
        ...Array.from({ length: blocks }, (_, i) =>
          i === 0 ? block(inPlanes, planes, stride) : block(planes, planes, 1),
        ),
      );
    this.conv1 = conv3x3(inChannels, 16, factory);
    this.bn1 = normLayer(16, factory);
    this.layer1 = stage(16, 16, 1);
    this.layer2 = stage(16, 32, 2);
    this.layer3 = stage(32, 64, 2);
    this.fc = new nn.Linear(64, numClasses, factory);
    initializeConvolutions(this, 'fanIn');
    if (options.zeroInitResidual) zeroInitResidual(this);
  }

  override forward(x: Tensor): Tensor {
    checkImageBatch(this, x, this.conv1);
    // N x inChannels x 32 x 32
    x = this.relu(this.bn1(this.conv1(x)));
    // N x 16 x 32 x 32
    x = this.layer1(x);
    // N x 16 x 32 x 32
    x = this.layer2(x);
    // N x 32 x 16 x 16
    x = this.layer3(x);
    // N x 64 x 8 x 8
    x = this.avgpool(x).flatten(1);
    // N x 64
    return this.fc(x);
  }
}

/**
 * ResNet-20 for images of 32×32, as the paper has it for CIFAR-10: 0.27 million parameters, 8.75 % test error there.
 *
 * | builder | layers | parameters | paper's error on CIFAR-10 | plain counterpart |
 * |---|---|---|---|---|
 * | {@link cifarResnet20} | 20 | 269,722 | 8.75 % | {@link cifarPlain20} |
 * | {@link cifarResnet32} | 32 | 464,154 | 7.51 % | {@link cifarPlain32} |
 * | {@link cifarResnet44} | 44 | 658,586 | 7.17 % | {@link cifarPlain44} |
 * | {@link cifarResnet56} | 56 | 853,018 | 6.97 % | {@link cifarPlain56} |
 * | {@link cifarResnet110} | 110 | 1,727,962 | 6.43 % | {@link cifarPlain110} |
 *
 * Convolutions start from N(0, 2 / fanIn), the initialization that the paper names; the fully connected layer from
 * PyTorch's default. State-dict keys are named as those of torchvision's ResNet. The paper trains with SGD, momentum
 * 0.9, weight decay 1e-4, 128 images a step, from a learning rate of 0.1 (of 0.01 in the first epoch of ResNet-110), a
 * tenth of it after 32,000 and after 48,000 of 64,000 steps; images are padded by 4, cropped at random, and mirrored.
 *
 * Shape: input `[N, inChannels, H, W]`, of 32×32 (28×28, or any other, is as well), output `[N, numClasses]`, logits.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, section 4.2, table 6.
 *
 * @param options See {@link CifarResNetOptions}: `numClasses` (10), `inChannels` (3), `shortcut` ('A'),
 * `zeroInitResidual` (false), `normLayer`, `dtype` ('float32'), `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { cifarResnet20 } from '@fakkel/models';
 * const net = cifarResnet20({ inChannels: 1 });
 * net(randn([8, 1, 28, 28])).shape; // [8, 10]
 */
export const cifarResnet20 = residual(20);
/** ResNet-32 for images of 32×32. See {@link cifarResnet20}. */
export const cifarResnet32 = residual(32);
/** ResNet-44 for images of 32×32. See {@link cifarResnet20}. */
export const cifarResnet44 = residual(44);
/** ResNet-56 for images of 32×32. See {@link cifarResnet20}. */
export const cifarResnet56 = residual(56);
/** ResNet-110 for images of 32×32. See {@link cifarResnet20}. */
export const cifarResnet110 = residual(110);

/**
 * {@link cifarResnet20} without its shortcuts: the same layers and the same parameters, one after the other.
 *
 * What it is for: the deeper of these networks have a higher *training* error than the shallow ones (the paper's
 * figure 6, left), which more layers could not have if training found the best of them: the degradation problem.
 *
 * Shape: input `[N, inChannels, H, W]`, output `[N, numClasses]`, logits.
 *
 * @param options See {@link CifarPlainOptions}: `numClasses` (10), `inChannels` (3), `normLayer`, `dtype` ('float32'),
 * `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { cifarPlain20 } from '@fakkel/models';
 * cifarPlain20()(randn([8, 3, 32, 32])).shape; // [8, 10]
 */
export const cifarPlain20 = plain(20);
/** The plain network of 32 layers. See {@link cifarPlain20}. */
export const cifarPlain32 = plain(32);
/** The plain network of 44 layers. See {@link cifarPlain20}. */
export const cifarPlain44 = plain(44);
/** The plain network of 56 layers. See {@link cifarPlain20}. */
export const cifarPlain56 = plain(56);
/** The plain network of 110 layers. See {@link cifarPlain20}. */
export const cifarPlain110 = plain(110);

function residual(depth: number) {
  return builder(`cifarResnet${depth}`, (options: CifarResNetOptions) => {
    checkOptions(`cifarResnet${depth}`, options, OPTIONS);
    if ((options.shortcut as string) === 'none') {
      throw new OutOfRangeError(
        `cifarResnet${depth}: shortcut is 'A' or 'B'. Without shortcuts it is cifarPlain${depth}.`,
      );
    }
    return new CifarResNet(depth, options);
  });
}

function plain(depth: number) {
  const known = OPTIONS.filter((name) => name !== 'shortcut' && name !== 'zeroInitResidual');
  return builder(`cifarPlain${depth}`, (options: CifarPlainOptions) => {
    checkOptions(`cifarPlain${depth}`, options, known);
    return new CifarResNet(depth, { ...options, shortcut: 'none' });
  });
}
