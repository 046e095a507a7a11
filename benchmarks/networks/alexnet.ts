/**
 * AlexNet, as torchvision has it ("one weird trick", 2014).
 */
import { nn, type Tensor } from '@fakkel/core';
import { initialize } from './init.js';

class AlexNet extends nn.Module {
  features = new nn.Sequential(
    new nn.Conv2d(3, 64, 11, { stride: 4, padding: 2 }),
    new nn.ReLU(),
    new nn.MaxPool2d(3, { stride: 2 }),
    new nn.Conv2d(64, 192, 5, { padding: 2 }),
    new nn.ReLU(),
    new nn.MaxPool2d(3, { stride: 2 }),
    new nn.Conv2d(192, 384, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(384, 256, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.Conv2d(256, 256, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(3, { stride: 2 }),
  );
  avgpool = new nn.AdaptiveAvgPool2d(6);
  classifier: nn.Sequential;

  constructor(dropout: number) {
    super();
    this.classifier = new nn.Sequential(
      new nn.Dropout(dropout),
      new nn.Linear(256 * 6 * 6, 4096),
      new nn.ReLU(),
      new nn.Dropout(dropout),
      new nn.Linear(4096, 4096),
      new nn.ReLU(),
      new nn.Linear(4096, 1000),
    );
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    // N x 3 x 224 x 224
    x = this.avgpool(this.features(x));
    // N x 256 x 6 x 6
    return this.classifier(x.flatten(1));
  }
}

export const alexnet = (dropout: number): nn.Module => new AlexNet(dropout);
