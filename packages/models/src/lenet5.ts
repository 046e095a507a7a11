/**
 * LeNet-5 as it is trained today.
 */
import { nn, type Tensor } from '@fakkel/core';
import { builder } from './builder.js';
import { checkImages } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

export interface LeNet5Options extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 10. */
  numClasses?: number;
  /** Channels of the images. Default 1. */
  inChannels?: number;
}

/** See {@link lenet5}. */
export class LeNet5 extends nn.Module {
  conv1: nn.Conv2d;
  relu1 = new nn.ReLU();
  pool1 = new nn.MaxPool2d(2);
  conv2: nn.Conv2d;
  relu2 = new nn.ReLU();
  pool2 = new nn.MaxPool2d(2);
  conv3: nn.Conv2d;
  relu3 = new nn.ReLU();
  flatten = new nn.Flatten();
  fc1: nn.Linear;
  relu4 = new nn.ReLU();
  fc2: nn.Linear;

  constructor(options: LeNet5Options = {}) {
    super();
    checkOptions('LeNet5', options, ['numClasses', 'inChannels', ...FACTORY_OPTIONS]);
    const { numClasses = 10, inChannels = 1, dtype, device } = options;
    const factory = { dtype, device };
    this.conv1 = new nn.Conv2d(inChannels, 6, 5, factory);
    this.conv2 = new nn.Conv2d(6, 16, 5, factory);
    this.conv3 = new nn.Conv2d(16, 120, 5, factory);
    this.fc1 = new nn.Linear(120, 84, factory);
    this.fc2 = new nn.Linear(84, numClasses, factory);
  }

  override forward(x: Tensor): Tensor {
    checkImages('LeNet5', x, this.conv1.inChannels, 32);
    // N x inChannels x 32 x 32
    x = this.relu1(this.conv1(x));
    // N x 6 x 28 x 28
    x = this.pool1(x);
    // N x 6 x 14 x 14
    x = this.relu2(this.conv2(x));
    // N x 16 x 10 x 10
    x = this.pool2(x);
    // N x 16 x 5 x 5
    x = this.relu3(this.conv3(x));
    // N x 120 x 1 x 1
    x = this.flatten(x);
    // N x 120
    x = this.relu4(this.fc1(x));
    // N x 84
    return this.fc2(x);
  }
}

/**
 * LeNet-5 as it is trained today: the layers of the 1998 network, with what has replaced its other parts since.
 *
 * | | 1998 ({@link lenet5Original}) | here |
 * |---|---|---|
 * | activation | 1.7159·tanh(2x/3) | ReLU |
 * | subsampling | sum of four, a weight and a bias a map, activation | max pooling |
 * | second convolution | a table of connections | all maps to all maps |
 * | output | distances to a code of each class | logits, for `CrossEntropyLoss` |
 * | initialization | uniform, ±2.4 / fan-in | PyTorch's default |
 *
 * After `manualSeed(seed)` its initial weights are those of a PyTorch model with the same layers. 61,706 parameters.
 *
 * Shape: input `[N, inChannels, 32, 32]`, output `[N, numClasses]`, logits.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.
 *
 * @param options `numClasses` (10), `inChannels` (1), `dtype` ('float32'), `device` (the default device).
 * @example
 * import { randn } from '@fakkel/core';
 * import { lenet5 } from '@fakkel/models';
 * const net = lenet5();
 * net(randn([8, 1, 32, 32])).shape; // [8, 10]
 */
export const lenet5 = builder('lenet5', (options: LeNet5Options) => new LeNet5(options));
