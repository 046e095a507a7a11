/**
 * AlexNet as published in 2012.
 */
import { nn, type Tensor } from '@fakkel/core';
import { builder } from './builder.js';
import { checkImages } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

/** What {@link alexnetOriginal} takes. */
export interface AlexNetOriginalOptions extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 1000. */
  numClasses?: number;
  /** Probability of an output of the first two fully connected layers to be dropped in training. Default 0.5. */
  dropout?: number;
}

/** Response normalization with the paper's constants: k = 2, n = 5, α = 1e-4, β = 0.75. */
const responseNorm = (): nn.LocalResponseNorm =>
  // PyTorch divides alpha by the size of the window, which the paper does not.
  new nn.LocalResponseNorm(5, { alpha: 5 * 1e-4, beta: 0.75, k: 2 });

/** Pooling in windows that overlap: 3 × 3 cells, 2 apart. */
const overlappingPool = (): nn.MaxPool2d => new nn.MaxPool2d(3, { stride: 2 });

/** See {@link alexnetOriginal}. */
export class AlexNetOriginal extends nn.Module {
  conv1: nn.Conv2d;
  norm1 = responseNorm();
  pool1 = overlappingPool();
  conv2: nn.Conv2d;
  norm2 = responseNorm();
  pool2 = overlappingPool();
  conv3: nn.Conv2d;
  conv4: nn.Conv2d;
  conv5: nn.Conv2d;
  pool5 = overlappingPool();
  fc6: nn.Linear;
  dropout6: nn.Dropout;
  fc7: nn.Linear;
  dropout7: nn.Dropout;
  fc8: nn.Linear;

  constructor(options: AlexNetOriginalOptions = {}) {
    super();
    checkOptions('AlexNetOriginal', options, ['numClasses', 'dropout', ...FACTORY_OPTIONS]);
    const { numClasses = 1000, dropout = 0.5, dtype, device } = options;
    const factory = { dtype, device };
    this.conv1 = new nn.Conv2d(3, 96, 11, { stride: 4, ...factory });
    this.conv2 = new nn.Conv2d(96, 256, 5, { padding: 2, groups: 2, ...factory });
    this.conv3 = new nn.Conv2d(256, 384, 3, { padding: 1, ...factory });
    this.conv4 = new nn.Conv2d(384, 384, 3, { padding: 1, groups: 2, ...factory });
    this.conv5 = new nn.Conv2d(384, 256, 3, { padding: 1, groups: 2, ...factory });
    this.fc6 = new nn.Linear(256 * 6 * 6, 4096, factory);
    this.dropout6 = new nn.Dropout(dropout);
    this.fc7 = new nn.Linear(4096, 4096, factory);
    this.dropout7 = new nn.Dropout(dropout);
    this.fc8 = new nn.Linear(4096, numClasses, factory);
    this.resetParameters();
  }

  /** Draws the parameters anew, as section 5 of the paper says. */
  resetParameters(): void {
    const { conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8 } = this;
    // Ones give these ReLUs positive inputs, so that they learn from the first step on.
    const ones = new Set<nn.Module>([conv2, conv4, conv5, fc6, fc7]);
    for (const layer of [conv1, conv2, conv3, conv4, conv5, fc6, fc7, fc8]) {
      nn.init.normal_(layer.weight, 0, 0.01);
      nn.init.constant_(layer.bias!, ones.has(layer) ? 1 : 0);
    }
  }

  override forward(x: Tensor): Tensor {
    checkImages('AlexNetOriginal', x, this.conv1.inChannels, 227);
    // N x 3 x 227 x 227
    x = this.norm1(this.conv1(x).relu());
    // N x 96 x 55 x 55
    x = this.pool1(x);
    // N x 96 x 27 x 27
    x = this.norm2(this.conv2(x).relu());
    // N x 256 x 27 x 27
    x = this.pool2(x);
    // N x 256 x 13 x 13
    x = this.conv3(x).relu();
    // N x 384 x 13 x 13
    x = this.conv4(x).relu();
    // N x 384 x 13 x 13
    x = this.conv5(x).relu();
    // N x 256 x 13 x 13
    x = this.pool5(x).flatten(1);
    // N x 9216
    x = this.dropout6(this.fc6(x).relu());
    // N x 4096
    x = this.dropout7(this.fc7(x).relu());
    // N x 4096
    return this.fc8(x);
  }
}

/**
 * AlexNet as published in 2012. It was trained on two graphics processors with half of the maps on each; in its second,
 * fourth and fifth convolutions a map sees the maps of its own half only (two groups), in the third and in the fully
 * connected layers it sees all.
 *
 * | layer | output | parameters |
 * |---|---|---|
 * | conv1, 11×11, stride 4 | 96 × 55 × 55 | 96·(3·11·11) + 96 = 34,944 |
 * | response normalization, pooling 3×3, stride 2 | 96 × 27 × 27 | |
 * | conv2, 5×5, two groups | 256 × 27 × 27 | 256·(48·5·5) + 256 = 307,456 |
 * | response normalization, pooling | 256 × 13 × 13 | |
 * | conv3, 3×3 | 384 × 13 × 13 | 384·(256·3·3) + 384 = 885,120 |
 * | conv4, 3×3, two groups | 384 × 13 × 13 | 384·(192·3·3) + 384 = 663,936 |
 * | conv5, 3×3, two groups | 256 × 13 × 13 | 256·(192·3·3) + 256 = 442,624 |
 * | pooling | 256 × 6 × 6 | |
 * | fc6, dropout | 4096 | 4096·9216 + 4096 = 37,752,832 |
 * | fc7, dropout | 4096 | 4096·4096 + 4096 = 16,781,312 |
 * | fc8 | 1000 | 1000·4096 + 1000 = 4,097,000 |
 * | | | 60,965,224 |
 *
 * ReLU follows every layer but the last. Response normalization divides each activity by
 * (2 + 1e-4 · Σ of the squares in five neighbouring maps)^0.75; following the paper's formula, neighbours are counted
 * among all maps of the layer, also across the two halves.
 *
 * Weights start from N(0, 0.01²), biases from 1 in conv2, conv4, conv5, fc6 and fc7 and from 0 elsewhere. The paper
 * trains with SGD: momentum 0.9, weight decay 5e-4, batches of 128, a learning rate of 0.01 that is divided by ten when
 * the validation error stops improving. It says 224 × 224 for the images; its arithmetic needs 227 × 227.
 *
 * Shape: input `[N, 3, 227, 227]`, the pixels (0 to 255) minus their mean over the training set, output
 * `[N, numClasses]`, logits. Images of unit variance are too small for these initial weights: the ones in the biases then
 * hide them.
 *
 * Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
 * sections 3 to 5.
 *
 * @param options `numClasses` (1000), `dropout` (0.5), `dtype` ('float32'), `device` (the default device).
 * @throws ShapeError for images of another size, when it is called.
 * @example
 * import { zeros } from '@fakkel/core';
 * import { alexnetOriginal } from '@fakkel/models';
 * const net = alexnetOriginal({ numClasses: 10 }).eval();
 * net(zeros([1, 3, 227, 227])).shape; // [1, 10]
 */
export const alexnetOriginal = builder(
  'alexnetOriginal',
  (options: AlexNetOriginalOptions) => new AlexNetOriginal(options),
);
