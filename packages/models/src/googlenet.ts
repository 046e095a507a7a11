/**
 * GoogLeNet: nine Inception blocks, and two auxiliary classifiers for training.
 */
import { cat, FakkelError, isTensor, nn, OutOfRangeError, type Tensor } from '@fakkel/core';
import { builder, type WeightsRules } from './builder.js';
import { checkImageBatch } from './images.js';
import {
  BasicConv2d,
  type ConvBlock,
  Inception,
  InceptionAux,
  type InceptionAuxOptions,
  type InceptionOptions,
} from './inception.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

/** A class of Inception blocks: {@link Inception}, or one of your own with its arguments. */
export type InceptionBlock = new (
  inChannels: number,
  ch1x1: number,
  ch3x3red: number,
  ch3x3: number,
  ch5x5red: number,
  ch5x5: number,
  poolProj: number,
  options: InceptionOptions,
) => nn.Layer;

/** A class of auxiliary classifiers: {@link InceptionAux}, or one of your own with its arguments. */
export type InceptionAuxBlock = new (inChannels: number, numClasses: number, options: InceptionAuxOptions) => nn.Layer;

/** What {@link googlenet} takes. */
export interface GoogLeNetOptions extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 1000. */
  numClasses?: number;
  /** Whether there are auxiliary classifiers, for training. Default true; with published weights false. */
  auxLogits?: boolean;
  /**
   * Whether images that are normalized as torchvision does (mean and standard deviation of each channel) are brought to
   * the form that the published weights were made with: to [−1, 1]. Default false; with published weights true.
   */
  transformInput?: boolean;
  /**
   * Whether to draw the weights as torchvision does: convolutions and fully connected layers from N(0, 0.01²), cut at
   * ±2. Otherwise they are as layers draw them. Default true.
   */
  initWeights?: boolean;
  /**
   * The classes of which it is built: of convolutions, Inception blocks and auxiliary classifiers. The first is for the
   * stem: the other two have convolutions of their own choice. Default `[BasicConv2d, Inception, InceptionAux]`.
   */
  blocks?: readonly [ConvBlock, InceptionBlock, InceptionAuxBlock];
  /** Probability of an input of the last layer to be dropped in training. Default 0.2. */
  dropout?: number;
  /** The same within the auxiliary classifiers. Default 0.7. */
  dropoutAux?: number;
}

/**
 * What GoogLeNet with auxiliary classifiers returns in training: torchvision's named tuple, in its order. (Its forward
 * mixes the two auxiliary ones up, as of 0.14; here each is what its name says.)
 */
export interface GoogLeNetOutputs {
  /** Of the last layer, `[N, numClasses]`. */
  readonly logits: Tensor;
  /** Of the auxiliary classifier on block 4d, `[N, numClasses]`. */
  readonly auxLogits2: Tensor;
  /** Of the auxiliary classifier on block 4a, `[N, numClasses]`. */
  readonly auxLogits1: Tensor;
}

const OPTIONS = [
  'numClasses',
  'auxLogits',
  'transformInput',
  'initWeights',
  'blocks',
  'dropout',
  'dropoutAux',
  ...FACTORY_OPTIONS,
];

/** See {@link googlenet}. */
export class GoogLeNet extends nn.Module {
  /** Whether its auxiliary classifiers are used in training. */
  auxLogits: boolean;
  /** Whether images normalized as torchvision does are brought to [−1, 1]. */
  transformInput: boolean;
  conv1: nn.Layer;
  maxpool1 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  conv2: nn.Layer;
  conv3: nn.Layer;
  maxpool2 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  inception3a: nn.Layer;
  inception3b: nn.Layer;
  maxpool3 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  inception4a: nn.Layer;
  inception4b: nn.Layer;
  inception4c: nn.Layer;
  inception4d: nn.Layer;
  inception4e: nn.Layer;
  maxpool4 = new nn.MaxPool2d(2, { stride: 2, ceilMode: true });
  inception5a: nn.Layer;
  inception5b: nn.Layer;
  aux1: nn.Layer | null = null;
  aux2: nn.Layer | null = null;
  avgpool = new nn.AdaptiveAvgPool2d([1, 1]);
  dropout: nn.Dropout;
  fc: nn.Linear;

  constructor(options: GoogLeNetOptions = {}) {
    super();
    checkOptions('GoogLeNet', options, OPTIONS);
    const { numClasses = 1000, auxLogits = true, transformInput = false, initWeights = true } = options;
    const { blocks = [BasicConv2d, Inception, InceptionAux], dropout = 0.2, dropoutAux = 0.7 } = options;
    const { dtype, device } = options;
    const factory = { dtype, device };
    if (!Array.isArray(blocks) || blocks.length !== 3) {
      throw new OutOfRangeError(
        `GoogLeNet: blocks are three classes, [BasicConv2d, Inception, InceptionAux] or your own; got ${Array.isArray(blocks) ? blocks.length : typeof blocks}`,
      );
    }
    const [Conv, Block, Aux] = blocks as readonly [ConvBlock, InceptionBlock, InceptionAuxBlock];
    this.auxLogits = auxLogits;
    this.transformInput = transformInput;

    this.conv1 = new Conv(3, 64, { kernelSize: 7, stride: 2, padding: 3, ...factory });
    this.conv2 = new Conv(64, 64, { kernelSize: 1, ...factory });
    this.conv3 = new Conv(64, 192, { kernelSize: 3, padding: 1, ...factory });

    this.inception3a = new Block(192, 64, 96, 128, 16, 32, 32, factory);
    this.inception3b = new Block(256, 128, 128, 192, 32, 96, 64, factory);

    this.inception4a = new Block(480, 192, 96, 208, 16, 48, 64, factory);
    this.inception4b = new Block(512, 160, 112, 224, 24, 64, 64, factory);
    this.inception4c = new Block(512, 128, 128, 256, 24, 64, 64, factory);
    this.inception4d = new Block(512, 112, 144, 288, 32, 64, 64, factory);
    this.inception4e = new Block(528, 256, 160, 320, 32, 128, 128, factory);

    this.inception5a = new Block(832, 256, 160, 320, 32, 128, 128, factory);
    this.inception5b = new Block(832, 384, 192, 384, 48, 128, 128, factory);

    if (auxLogits) {
      this.aux1 = new Aux(512, numClasses, { dropout: dropoutAux, ...factory });
      this.aux2 = new Aux(528, numClasses, { dropout: dropoutAux, ...factory });
    }
    this.dropout = new nn.Dropout(dropout);
    this.fc = new nn.Linear(1024, numClasses, factory);
    if (initWeights) this.initWeights();
  }

  /** Draws the weights anew, as torchvision does; biases stay. Batch normalizations start from weight 1 and bias 0. */
  private initWeights(): void {
    for (const layer of this.modules()) {
      if (layer instanceof nn.Conv2d || layer instanceof nn.Linear) {
        nn.init.truncNormal_(layer.weight, 0, 0.01, -2, 2);
      } else if (layer instanceof nn.BatchNorm2d) {
        if (layer.weight) nn.init.constant_(layer.weight, 1);
        if (layer.bias) nn.init.constant_(layer.bias, 0);
      }
    }
  }

  override forward(x: Tensor): Tensor | GoogLeNetOutputs {
    checkImageBatch(this, x, this.conv1 instanceof BasicConv2d ? this.conv1.conv : undefined, 15);
    if (this.transformInput) x = toUnitRange(x);
    const { aux1, aux2 } = this.training && this.auxLogits ? this : { aux1: null, aux2: null };

    // N x 3 x 224 x 224
    x = this.conv1(x);
    // N x 64 x 112 x 112
    x = this.maxpool1(x);
    // N x 64 x 56 x 56
    x = this.conv2(x);
    // N x 64 x 56 x 56
    x = this.conv3(x);
    // N x 192 x 56 x 56
    x = this.maxpool2(x);

    // N x 192 x 28 x 28
    x = this.inception3a(x);
    // N x 256 x 28 x 28
    x = this.inception3b(x);
    // N x 480 x 28 x 28
    x = this.maxpool3(x);
    // N x 480 x 14 x 14
    x = this.inception4a(x);
    // N x 512 x 14 x 14
    const auxLogits1 = aux1?.(x);

    x = this.inception4b(x);
    // N x 512 x 14 x 14
    x = this.inception4c(x);
    // N x 512 x 14 x 14
    x = this.inception4d(x);
    // N x 528 x 14 x 14
    const auxLogits2 = aux2?.(x);

    x = this.inception4e(x);
    // N x 832 x 14 x 14
    x = this.maxpool4(x);
    // N x 832 x 7 x 7
    x = this.inception5a(x);
    // N x 832 x 7 x 7
    x = this.inception5b(x);
    // N x 1024 x 7 x 7

    x = this.avgpool(x);
    // N x 1024 x 1 x 1
    x = x.flatten(1);
    // N x 1024
    x = this.dropout(x);
    const logits = this.fc(x);
    // N x 1000 (numClasses)
    return auxLogits1 && auxLogits2 ? { logits, auxLogits2, auxLogits1 } : logits;
  }
}

/** From (x − mean) / std, with torchvision's mean and std of each channel, to (x − 0.5) / 0.5. */
function toUnitRange(x: Tensor): Tensor {
  const channels = [
    [0.485, 0.229],
    [0.456, 0.224],
    [0.406, 0.225],
  ].map(([mean, std], c) =>
    x
      .narrow(1, c, 1)
      .mul(std / 0.5)
      .add((mean - 0.5) / 0.5),
  );
  return cat(channels, 1);
}

/** What {@link googlenetLoss} takes. */
export interface GoogLeNetLossOptions {
  /** What the loss of each auxiliary classifier counts. Default 0.3, as in the paper. */
  auxWeight?: number;
  /** The loss of logits. Default `nn.functional.crossEntropy`. */
  criterion?: (logits: Tensor, target: Tensor) => Tensor;
}

/**
 * The loss that GoogLeNet is trained with: that of its logits, and those of the auxiliary classifiers with a weight,
 * loss = criterion(logits) + auxWeight · (criterion(auxLogits1) + criterion(auxLogits2)).
 *
 * In evaluation mode, and without auxiliary classifiers, the network returns a tensor: then it is the loss of that, so
 * that one line serves training and validation.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2014, section 5.
 *
 * @param output What the network returned.
 * @param target What the criterion takes beside logits: class indices `[N]`, int32.
 * @param options `auxWeight` (0.3), `criterion` (`nn.functional.crossEntropy`).
 * @returns The loss, `[]`, or what the criterion makes.
 * @throws FakkelError for an output that is neither a tensor nor {@link GoogLeNetOutputs}; OutOfRangeError unless the
 *   weight is a number of at least 0.
 * @example
 * import { nn, randn, tensor } from '@fakkel/core';
 * import { googlenet, googlenetLoss } from '@fakkel/models';
 * const net = googlenet({ numClasses: 10 });
 * const target = tensor([3, 8], { dtype: 'int32' });
 * const loss = googlenetLoss(net(randn([2, 3, 32, 32])), target, { criterion: new nn.CrossEntropyLoss() });
 * loss.backward();
 */
export function googlenetLoss(
  output: Tensor | GoogLeNetOutputs,
  target: Tensor,
  options: GoogLeNetLossOptions = {},
): Tensor {
  checkOptions('googlenetLoss', options, ['auxWeight', 'criterion']);
  const { auxWeight = 0.3, criterion = nn.functional.crossEntropy } = options;
  if (typeof auxWeight !== 'number' || !(auxWeight >= 0 && auxWeight < Infinity)) {
    throw new OutOfRangeError(`googlenetLoss: auxWeight is a number of at least 0, got ${String(auxWeight)}`);
  }
  if (isTensor(output)) return criterion(output, target);
  const { logits, auxLogits2, auxLogits1 } = output ?? {};
  if (![logits, auxLogits2, auxLogits1].every((t) => isTensor(t))) {
    const got = output && typeof output === 'object' ? `{ ${Object.keys(output).join(', ')} }` : String(output);
    throw new FakkelError(
      `googlenetLoss: expected what GoogLeNet returns, a tensor or { logits, auxLogits2, auxLogits1 }; got ${got}`,
    );
  }
  const auxiliary = criterion(auxLogits1, target).add(criterion(auxLogits2, target));
  return criterion(logits, target).add(auxiliary.mul(auxWeight));
}

/** @internal The published file has auxiliary classifiers, and is for images in [−1, 1]. */
export const publishedRules: WeightsRules<GoogLeNet, GoogLeNetOptions> = {
  prepare: ({ transformInput = true, ...options }) => ({
    ...options,
    transformInput,
    auxLogits: true,
    initWeights: false,
  }),
  finish: (model, { auxLogits = false }) => {
    if (auxLogits) return model;
    return Object.assign(model, { auxLogits: false, aux1: null, aux2: null });
  },
};

/**
 * GoogLeNet (Inception v1) as torchvision has it: a stem of three convolutions, nine {@link Inception} blocks, average
 * pooling and a single fully connected layer, with batch normalization after every convolution. 6,624,904 parameters
 * without auxiliary classifiers, a ninth of AlexNet's; 13,004,888 with them.
 *
 * In training mode with `auxLogits` it returns {@link GoogLeNetOutputs}, logits and those of the two auxiliary
 * classifiers ({@link InceptionAux}, on blocks 4a and 4d), for {@link googlenetLoss}; in evaluation mode the logits.
 *
 * After `manualSeed(seed)` its initial weights are torchvision's after `torch.manual_seed(seed)`, within a rounding or
 * two (see `nn.init.truncNormal_`).
 *
 * With published weights, `transformInput` is true, and the auxiliary classifiers are left out unless `auxLogits` asks
 * for them; those of the file were not trained with the rest: train them before use.
 *
 * Deviations of torchvision from the paper, kept because published weights are for them: batch normalization in place of
 * local response normalization and of biases, 3×3 convolutions in place of 5×5 (see {@link Inception}), adaptive pooling.
 *
 * Shape: input `[N, 3, H, W]` from 15 × 15 on (made for 224 × 224), output logits, `[N, numClasses]`.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2014.
 *
 * @param options `numClasses` (1000), `auxLogits` (true), `transformInput` (false), `initWeights` (true), `blocks`,
 *   `dropout` (0.2), `dropoutAux` (0.7), `dtype` ('float32'), `device` (the default device); `weights` for published
 *   weights, which makes it a promise. See {@link GoogLeNetOptions}.
 * @throws ShapeError for images of other channels, or smaller ones, when it is called.
 * @example
 * import { zeros } from '@fakkel/core';
 * import { googlenet, type GoogLeNetOutputs } from '@fakkel/models';
 * const net = googlenet({ numClasses: 10 });
 * const { logits, auxLogits1 } = net(zeros([2, 3, 64, 64])) as GoogLeNetOutputs;
 * logits.shape; // [2, 10]
 */
export const googlenet = builder('googlenet', (options: GoogLeNetOptions) => new GoogLeNet(options), publishedRules);
