/**
 * AlexNet in torchvision's form, which published weights are for.
 */
import { nn, type Tensor } from '@fakkel/core';
import { builder } from './builder.js';
import { checkImageBatch } from './images.js';
import { checkOptions, FACTORY_OPTIONS } from './options.js';

/** What {@link alexnet} takes. */
export interface AlexNetOptions extends nn.FactoryOptions {
  /** Classes that it tells apart. Default 1000. */
  numClasses?: number;
  /** Probability of an input of the first two fully connected layers to be dropped in training. Default 0.5. */
  dropout?: number;
}

/** See {@link alexnet}. */
export class AlexNet extends nn.Module {
  features: nn.Sequential;
  avgpool = new nn.AdaptiveAvgPool2d([6, 6]);
  classifier: nn.Sequential;

  constructor(options: AlexNetOptions = {}) {
    super();
    checkOptions('AlexNet', options, ['numClasses', 'dropout', ...FACTORY_OPTIONS]);
    const { numClasses = 1000, dropout = 0.5, dtype, device } = options;
    const factory = { dtype, device };
    this.features = new nn.Sequential(
      new nn.Conv2d(3, 64, 11, { stride: 4, padding: 2, ...factory }),
      new nn.ReLU(),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Conv2d(64, 192, 5, { padding: 2, ...factory }),
      new nn.ReLU(),
      new nn.MaxPool2d(3, { stride: 2 }),
      new nn.Conv2d(192, 384, 3, { padding: 1, ...factory }),
      new nn.ReLU(),
      new nn.Conv2d(384, 256, 3, { padding: 1, ...factory }),
      new nn.ReLU(),
      new nn.Conv2d(256, 256, 3, { padding: 1, ...factory }),
      new nn.ReLU(),
      new nn.MaxPool2d(3, { stride: 2 }),
    );
    this.classifier = new nn.Sequential(
      new nn.Dropout(dropout),
      new nn.Linear(256 * 6 * 6, 4096, factory),
      new nn.ReLU(),
      new nn.Dropout(dropout),
      new nn.Linear(4096, 4096, factory),
      new nn.ReLU(),
      new nn.Linear(4096, numClasses, factory),
    );
  }

  override forward(x: Tensor): Tensor {
    checkImageBatch(this, x, this.features.at(0), 63);
    // N x 3 x 224 x 224
    x = this.features(x);
    // N x 256 x 6 x 6
    x = this.avgpool(x);
    // N x 256 x 6 x 6, whatever the image's size
    x = x.flatten(1);
    // N x 9216
    return this.classifier(x);
  }
}

/**
 * AlexNet as torchvision has it: one tower, and no response normalization. It follows the network of "One weird trick",
 * whose layers are somewhat narrower than those of 2012: 64 maps for 96, 192 for 256, then 384, 256, 256. What was
 * published in 2012 is `alexnetOriginal`. 61,100,840 parameters, of which 58,631,144 are in the three fully connected
 * layers.
 *
 * After `manualSeed(seed)` its initial weights are torchvision's after `torch.manual_seed(seed)`.
 *
 * Shape: input `[N, 3, H, W]` from 63 × 63 on (made for 224 × 224), output `[N, numClasses]`, logits.
 *
 * Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014; the first of its kind:
 * Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012.
 *
 * @param options `numClasses` (1000), `dropout` (0.5), `dtype` ('float32'), `device` (the default device); `weights` for
 *   published weights, which makes it a promise.
 * @throws ShapeError for images of other channels, or smaller ones, when it is called.
 * @example
 * import { zeros } from '@fakkel/core';
 * import { alexnet } from '@fakkel/models';
 * const net = alexnet({ numClasses: 10 }).eval();
 * net(zeros([1, 3, 224, 224])).shape; // [1, 10]
 */
export const alexnet = builder('alexnet', (options: AlexNetOptions) => new AlexNet(options));
