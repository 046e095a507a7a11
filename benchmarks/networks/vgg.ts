/**
 * VGG-11 without batch normalization, as torchvision has it.
 *
 * Source: Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014, table 1, A.
 */
import { nn, type Tensor } from '@fakkel/core';
import { initialize } from './init.js';

/** Channels of the convolutions; M: max pooling. */
const CONFIGURATION = [64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M', 512, 512, 'M'] as const;

function features(): nn.Sequential {
  let channels = 3;
  return new nn.Sequential(
    ...CONFIGURATION.flatMap((entry) => {
      if (entry === 'M') return [new nn.MaxPool2d(2)];
      const conv = new nn.Conv2d(channels, entry, 3, { padding: 1 });
      channels = entry;
      return [conv, new nn.ReLU()];
    }),
  );
}

class VGG11 extends nn.Module {
  features = features();
  avgpool = new nn.AdaptiveAvgPool2d(7);
  classifier: nn.Sequential;

  constructor(dropout: number) {
    super();
    this.classifier = new nn.Sequential(
      new nn.Linear(512 * 7 * 7, 4096),
      new nn.ReLU(),
      new nn.Dropout(dropout),
      new nn.Linear(4096, 4096),
      new nn.ReLU(),
      new nn.Dropout(dropout),
      new nn.Linear(4096, 1000),
    );
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    // N x 3 x 224 x 224
    x = this.avgpool(this.features(x));
    // N x 512 x 7 x 7
    return this.classifier(x.flatten(1));
  }
}

export const vgg11 = (dropout: number): nn.Module => new VGG11(dropout);
