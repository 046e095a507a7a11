/**
 * Blocks of residual networks, and what such networks share.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015.
 */
import { nn, OutOfRangeError, type Tensor } from '@fakkel/core';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

/** Makes the normalization of so many channels: `(channels, options) => new nn.GroupNorm(32, channels, options)`. */
export type NormLayer = (channels: number, options: nn.FactoryOptions) => nn.Layer;

/** What {@link BasicBlock} and {@link Bottleneck} take. */
export interface ResidualBlockOptions extends nn.FactoryOptions {
  /** Step of the convolution that subsamples. Default 1. */
  stride?: number;
  /** What the shortcut passes through, where it changes shape. Default null: nothing. */
  downsample?: nn.Layer | null;
  /** Groups of the 3×3 convolution; {@link Bottleneck} only. Default 1. */
  groups?: number;
  /** Channels of a group in the 3×3 convolution, for 64 planes; {@link Bottleneck} only. Default 64. */
  baseWidth?: number;
  /** Dilation of the 3×3 convolution; {@link Bottleneck} only. Default 1. */
  dilation?: number;
  /** Default: `nn.BatchNorm2d`. */
  normLayer?: NormLayer;
}

/** @internal The default of `normLayer`. */
export const batchNorm2d: NormLayer = (channels, options) => new nn.BatchNorm2d(channels, options);

/**
 * The residual block of ResNet-18 and 34: relu(x + F(x)), where F is two 3×3 convolutions, each with batch
 * normalization, ReLU between them.
 *
 * Shape: input `[N, inPlanes, H, W]`, output `[N, planes, ⌈H / stride⌉, ⌈W / stride⌉]`.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, figure 5, left.
 *
 * @param inPlanes Channels of the input.
 * @param planes Channels of the output.
 * @param options See {@link ResidualBlockOptions}. Where `stride` or the number of channels changes the shape, the
 * shortcut needs a `downsample` that does so too.
 * @throws OutOfRangeError for groups, a width or a dilation, which are Bottleneck's.
 * @example
 * import { nn, randn } from '@fakkel/core';
 * import { BasicBlock } from '@fakkel/models';
 * const downsample = new nn.Sequential(new nn.Conv2d(64, 128, 1, { stride: 2, bias: false }), new nn.BatchNorm2d(128));
 * const block = new BasicBlock(64, 128, { stride: 2, downsample });
 * block(randn([2, 64, 8, 8])).shape; // [2, 128, 4, 4]
 */
export class BasicBlock extends nn.Module {
  /** Channels of the output, in planes. */
  static readonly expansion = 1;
  conv1: nn.Conv2d;
  bn1: nn.Layer;
  relu = new nn.ReLU();
  conv2: nn.Conv2d;
  bn2: nn.Layer;
  downsample: nn.Layer | null;
  readonly stride: number;

  constructor(inPlanes: number, planes: number, options: ResidualBlockOptions = {}) {
    super();
    const { stride, downsample, groups, baseWidth, dilation, normLayer, factory } = blockOptions('BasicBlock', options);
    if (groups !== 1 || baseWidth !== 64 || dilation !== 1) {
      throw new OutOfRangeError(
        `BasicBlock: groups 1, baseWidth 64 and dilation 1 only, got ${groups}, ${baseWidth} and ${dilation}. Bottleneck takes others.`,
      );
    }
    this.conv1 = conv3x3(inPlanes, planes, { stride, ...factory });
    this.bn1 = normLayer(planes, factory);
    this.conv2 = conv3x3(planes, planes, factory);
    this.bn2 = normLayer(planes, factory);
    this.downsample = downsample;
    this.stride = stride;
  }

  override forward(x: Tensor): Tensor {
    const shortcut = this.downsample ? this.downsample(x) : x;
    const out = this.relu(this.bn1(this.conv1(x)));
    return this.relu(this.bn2(this.conv2(out)).add(shortcut));
  }
}

/**
 * The residual block of ResNet-50 and deeper: relu(x + F(x)), where F is a 1×1 convolution that narrows, a 3×3
 * convolution, and a 1×1 convolution that widens fourfold, each with batch normalization, ReLU between them.
 *
 * The 3×3 convolution subsamples, where the paper has the first 1×1 do it: torchvision's weights are of this network,
 * which is also known as ResNet v1.5, and is more accurate.
 *
 * Shape: input `[N, inPlanes, H, W]`, output `[N, 4 · planes, ⌈H / stride⌉, ⌈W / stride⌉]`.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, figure 5, right; Xie et al., "Aggregated
 * residual transformations for deep neural networks", 2016 (groups); Zagoruyko and Komodakis, "Wide residual networks",
 * 2016 (baseWidth).
 *
 * @param inPlanes Channels of the input.
 * @param planes A quarter of the channels of the output. The 3×3 convolution has ⌊planes · baseWidth / 64⌋ · groups.
 * @param options See {@link ResidualBlockOptions}. Where `stride` or the number of channels changes the shape, the
 * shortcut needs a `downsample` that does so too.
 * @example
 * import { randn } from '@fakkel/core';
 * import { Bottleneck } from '@fakkel/models';
 * const block = new Bottleneck(256, 64);
 * block(randn([2, 256, 8, 8])).shape; // [2, 256, 8, 8]
 */
export class Bottleneck extends nn.Module {
  /** Channels of the output, in planes. */
  static readonly expansion = 4;
  conv1: nn.Conv2d;
  bn1: nn.Layer;
  conv2: nn.Conv2d;
  bn2: nn.Layer;
  conv3: nn.Conv2d;
  bn3: nn.Layer;
  relu = new nn.ReLU();
  downsample: nn.Layer | null;
  readonly stride: number;

  constructor(inPlanes: number, planes: number, options: ResidualBlockOptions = {}) {
    super();
    const { stride, downsample, groups, baseWidth, dilation, normLayer, factory } = blockOptions('Bottleneck', options);
    const width = Math.floor(planes * (baseWidth / 64)) * groups;
    const outPlanes = planes * Bottleneck.expansion;
    this.conv1 = conv1x1(inPlanes, width, factory);
    this.bn1 = normLayer(width, factory);
    this.conv2 = conv3x3(width, width, { stride, groups, dilation, ...factory });
    this.bn2 = normLayer(width, factory);
    this.conv3 = conv1x1(width, outPlanes, factory);
    this.bn3 = normLayer(outPlanes, factory);
    this.downsample = downsample;
    this.stride = stride;
  }

  override forward(x: Tensor): Tensor {
    const shortcut = this.downsample ? this.downsample(x) : x;
    let out = this.relu(this.bn1(this.conv1(x)));
    out = this.relu(this.bn2(this.conv2(out)));
    return this.relu(this.bn3(this.conv3(out)).add(shortcut));
  }
}

const BLOCK_OPTIONS = ['stride', 'downsample', 'groups', 'baseWidth', 'dilation', 'normLayer', ...FACTORY_OPTIONS];

function blockOptions(block: string, options: ResidualBlockOptions) {
  checkOptions(block, options, BLOCK_OPTIONS);
  const { stride = 1, downsample = null, groups = 1, baseWidth = 64, dilation = 1, normLayer, ...factory } = options;
  return { stride, downsample, groups, baseWidth, dilation, normLayer: normLayer ?? batchNorm2d, factory };
}

/** @internal 3×3 convolution that keeps the size, but for its stride; without bias, for a normalization follows. */
export const conv3x3 = (inPlanes: number, planes: number, options: nn.ConvLayerOptions): nn.Conv2d =>
  new nn.Conv2d(inPlanes, planes, 3, { ...options, padding: options.dilation ?? 1, bias: false });

/** @internal 1×1 convolution without bias. */
export const conv1x1 = (inPlanes: number, planes: number, options: nn.ConvLayerOptions): nn.Conv2d =>
  new nn.Conv2d(inPlanes, planes, 1, { ...options, bias: false });

/** @internal He's initialization of all convolutions. */
export function initializeConvolutions(net: nn.Module, mode: 'fanIn' | 'fanOut'): void {
  for (const module of net.modules()) {
    if (module instanceof nn.Conv2d) nn.init.kaimingNormal_(module.weight, { mode, nonlinearity: 'relu' });
  }
}

/** @internal The last normalization of each residual branch starts with a weight of 0, so that blocks pass x. */
export function zeroInitResidual(net: nn.Module): void {
  for (const module of net.modules()) {
    const last = module instanceof Bottleneck ? module.bn3 : module instanceof BasicBlock ? module.bn2 : null;
    if (last && 'weight' in last && last.weight instanceof nn.Parameter) nn.init.zeros_(last.weight);
  }
}
