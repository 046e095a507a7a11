/**
 * VGG networks: stages of 3×3 convolutions, each followed by pooling.
 */
import { nn, OutOfRangeError, type Tensor } from '@fakkel/core';
import { type Builder, builder } from './builder.js';
import { checkImageBatch } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

/** What {@link vggStage} takes beside its sizes. */
export interface VGGStageOptions extends nn.FactoryOptions {
  /** Whether a batch normalization follows each convolution. Default false. */
  batchNorm?: boolean;
}

/**
 * The layers of one VGG stage: 3×3 convolutions that keep the size, each with a ReLU, then a max pooling that halves
 * height and width. Two of these convolutions see as much as one of 5×5, three as much as one of 7×7, with fewer
 * parameters and more nonlinearities.
 *
 * They come as a list, to be spread into one {@link nn.Sequential}: torchvision's state dicts count the layers of all
 * stages through.
 *
 * Shape of the stage: input `[N, inChannels, H, W]`, output `[N, outChannels, ⌊H/2⌋, ⌊W/2⌋]`.
 *
 * Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, section 2.
 *
 * @param inChannels Channels of the input.
 * @param outChannels Channels of every convolution of the stage.
 * @param convolutions How many there are.
 * @param options `batchNorm` (false), `dtype` ('float32'), `device` (the default device).
 * @throws OutOfRangeError unless there is a whole number of convolutions.
 * @example
 * import { nn, randn } from '@fakkel/core';
 * import { vggStage } from '@fakkel/models';
 * const features = new nn.Sequential(...vggStage(1, 32, 1), ...vggStage(32, 64, 2, { batchNorm: true }));
 * features(randn([8, 1, 28, 28])).shape; // [8, 64, 7, 7]
 */
export function vggStage(
  inChannels: number,
  outChannels: number,
  convolutions: number,
  options: VGGStageOptions = {},
): nn.Layer[] {
  checkOptions('vggStage', options, ['batchNorm', ...FACTORY_OPTIONS]);
  if (!Number.isInteger(convolutions) || convolutions < 1) {
    throw new OutOfRangeError(`vggStage: convolutions is a whole number of at least 1, got ${String(convolutions)}`);
  }
  const { batchNorm = false, dtype, device } = options;
  const factory = { dtype, device };
  const layers: nn.Layer[] = [];
  for (let i = 0; i < convolutions; i++) {
    layers.push(new nn.Conv2d(i === 0 ? inChannels : outChannels, outChannels, 3, { padding: 1, ...factory }));
    if (batchNorm) layers.push(new nn.BatchNorm2d(outChannels, factory));
    layers.push(new nn.ReLU());
  }
  return [...layers, new nn.MaxPool2d(2)];
}

/** What VGG builders take. */
export interface VGGOptions extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 1000. */
  numClasses?: number;
  /**
   * Whether to draw the weights as torchvision does: convolutions from `kaimingNormal_` with the fan-out, fully
   * connected layers from N(0, 0.01²), all biases 0. Otherwise they are as layers draw them. Default true.
   */
  initWeights?: boolean;
  /** Probability of an output of the first two fully connected layers to be dropped in training. Default 0.5. */
  dropout?: number;
}

/**
 * A VGG network: convolutional features, pooled to 7 × 7, and three fully connected layers. The builders, {@link vgg16}
 * and others, make the published ones; here the features are yours.
 *
 * Shape: input `[N, 3, H, W]`, output `[N, numClasses]`, logits. The features give 512 channels, of any size.
 *
 * @param features The convolutional part, whose output has 512 channels.
 * @param options See {@link VGGOptions}.
 * @example
 * import { nn, zeros } from '@fakkel/core';
 * import { VGG, vggStage } from '@fakkel/models';
 * const features = new nn.Sequential(...vggStage(3, 64, 1), ...vggStage(64, 512, 1));
 * const net = new VGG(features, { numClasses: 10 }).eval();
 * net(zeros([1, 3, 28, 28])).shape; // [1, 10]
 */
export class VGG extends nn.Module {
  /** The least height and width of images. Below, the features leave nothing; 1 if that is for them to say. */
  minSize = 1;
  features: nn.Layer;
  avgpool = new nn.AdaptiveAvgPool2d([7, 7]);
  classifier: nn.Sequential;

  constructor(features: nn.Layer, options: VGGOptions = {}) {
    super();
    checkOptions('VGG', options, ['numClasses', 'initWeights', 'dropout', ...FACTORY_OPTIONS]);
    if (!(features instanceof nn.Module)) {
      throw new TypeError(
        'VGG: expected a module of features first, then options. For the published networks call vgg16({ … }) or another builder.',
      );
    }
    const { numClasses = 1000, initWeights = true, dropout = 0.5, dtype, device } = options;
    const factory = { dtype, device };
    this.features = features;
    this.classifier = new nn.Sequential(
      new nn.Linear(512 * 7 * 7, 4096, factory),
      new nn.ReLU(),
      new nn.Dropout(dropout),
      new nn.Linear(4096, 4096, factory),
      new nn.ReLU(),
      new nn.Dropout(dropout),
      new nn.Linear(4096, numClasses, factory),
    );
    if (initWeights) this.initWeights();
  }

  /** Draws the weights anew, as torchvision does. Batch normalizations start from weight 1 and bias 0. */
  private initWeights(): void {
    const { constant_, kaimingNormal_, normal_ } = nn.init;
    for (const layer of this.modules()) {
      if (layer instanceof nn.Conv2d) {
        kaimingNormal_(layer.weight, { mode: 'fanOut', nonlinearity: 'relu' });
        if (layer.bias) constant_(layer.bias, 0);
      } else if (layer instanceof nn.BatchNorm2d) {
        if (layer.weight) constant_(layer.weight, 1);
        if (layer.bias) constant_(layer.bias, 0);
      } else if (layer instanceof nn.Linear) {
        normal_(layer.weight, 0, 0.01);
        if (layer.bias) constant_(layer.bias, 0);
      }
    }
  }

  override forward(x: Tensor): Tensor {
    const { features } = this;
    checkImageBatch(this, x, features instanceof nn.Sequential ? features.at(0) : features, this.minSize);
    // N x 3 x 224 x 224
    x = this.features(x);
    // N x 512 x 7 x 7
    x = this.avgpool(x);
    // N x 512 x 7 x 7, whatever the image's size
    x = x.flatten(1);
    // N x 25088
    return this.classifier(x);
  }
}

/** Convolutions of each of the five stages: configurations A, B, D and E of the paper's Table 1. */
const CONVOLUTIONS = {
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
} as const;
const CHANNELS = [3, 64, 128, 256, 512, 512] as const;

/** A builder of the VGG of so many layers with weights. */
function vgg(name: string, depth: keyof typeof CONVOLUTIONS, batchNorm: boolean): Builder<VGG, VGGOptions> {
  const make = (options: VGGOptions): VGG => {
    const { dtype, device } = options;
    const stages = CONVOLUTIONS[depth].map((convolutions, i) =>
      vggStage(CHANNELS[i], CHANNELS[i + 1], convolutions, { batchNorm, dtype, device }),
    );
    // Five poolings halve the size.
    return Object.assign(new VGG(new nn.Sequential(...stages.flat()), options), { minSize: 32 });
  };
  // Published weights replace what would be drawn.
  return builder(name, make, { prepare: (options) => ({ ...options, initWeights: false }) });
}

/**
 * VGG with 11 layers that have weights (configuration A): 8 convolutions and 3 fully connected layers. 132,863,336
 * parameters. See {@link vgg16} for what all have in common.
 *
 * @param options See {@link VGGOptions}; `weights` for published weights, which makes it a promise.
 */
export const vgg11 = vgg('vgg11', 11, false);
/** {@link vgg11} with batch normalization after each convolution. 132,868,840 parameters. */
export const vgg11Bn = vgg('vgg11Bn', 11, true);
/** VGG with 13 layers that have weights (configuration B). 133,047,848 parameters. See {@link vgg16}. */
export const vgg13 = vgg('vgg13', 13, false);
/** {@link vgg13} with batch normalization after each convolution. 133,053,736 parameters. */
export const vgg13Bn = vgg('vgg13Bn', 13, true);
/**
 * VGG with 16 layers that have weights (configuration D): 13 convolutions of 3×3 in five stages, each stage with half the
 * height and width and twice the channels of the one before (to 512), and 3 fully connected layers. 138,357,544
 * parameters, of which 102,764,544 are in the first fully connected layer.
 *
 * After `manualSeed(seed)` its initial weights are torchvision's after `torch.manual_seed(seed)`.
 *
 * Shape: input `[N, 3, H, W]` from 32 × 32 on (made for 224 × 224), output `[N, numClasses]`, logits.
 *
 * Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, Table 1.
 *
 * @param options `numClasses` (1000), `initWeights` (true), `dropout` (0.5), `dtype` ('float32'), `device` (the default
 *   device); `weights` for published weights, which makes it a promise.
 * @throws ShapeError for images of other channels, or smaller ones, when it is called.
 * @example
 * import { zeros } from '@fakkel/core';
 * import { vgg16 } from '@fakkel/models';
 * const net = vgg16({ numClasses: 10, initWeights: false }).eval();
 * net(zeros([1, 3, 32, 32])).shape; // [1, 10]
 */
export const vgg16 = vgg('vgg16', 16, false);
/** {@link vgg16} with batch normalization after each convolution. 138,365,992 parameters. */
export const vgg16Bn = vgg('vgg16Bn', 16, true);
/** VGG with 19 layers that have weights (configuration E). 143,667,240 parameters. See {@link vgg16}. */
export const vgg19 = vgg('vgg19', 19, false);
/** {@link vgg19} with batch normalization after each convolution. 143,678,248 parameters. */
export const vgg19Bn = vgg('vgg19Bn', 19, true);
