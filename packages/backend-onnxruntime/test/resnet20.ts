/**
 * ResNet-20 for small images, as tools/goldens/training_steps.py has it: the same order of parameters, so the same weights
 * after the same seed.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015, section 4.2, with shortcuts of option B.
 */
import { nn, type Tensor } from '@fakkel/core';

class Block extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  downsample: nn.Sequential | null = null;

  constructor(inputs: number, planes: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(inputs, planes, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = new nn.Conv2d(planes, planes, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(planes);
    if (stride !== 1 || inputs !== planes) {
      this.downsample = new nn.Sequential(
        new nn.Conv2d(inputs, planes, 1, { stride, bias: false }),
        new nn.BatchNorm2d(planes),
      );
    }
  }

  override forward(x: Tensor): Tensor {
    const shortcut = this.downsample ? this.downsample(x) : x;
    return this.bn2(this.conv2(this.bn1(this.conv1(x)).relu()))
      .add(shortcut)
      .relu();
  }
}

const stage = (inputs: number, planes: number, stride: number): nn.Sequential =>
  new nn.Sequential(new Block(inputs, planes, stride), new Block(planes, planes, 1), new Block(planes, planes, 1));

export class ResNet20 extends nn.Module {
  conv1 = new nn.Conv2d(3, 16, 3, { padding: 1, bias: false });
  bn1 = new nn.BatchNorm2d(16);
  layer1 = stage(16, 16, 1);
  layer2 = stage(16, 32, 2);
  layer3 = stage(32, 64, 2);
  fc = new nn.Linear(64, 10);

  constructor() {
    super();
    for (const module of this.modules()) {
      if (!(module instanceof nn.Conv2d)) continue;
      nn.init.kaimingNormal_(module.weight, { mode: 'fanOut', nonlinearity: 'relu' });
    }
  }

  override forward(x: Tensor): Tensor {
    // N x 3 x H x W
    x = this.bn1(this.conv1(x)).relu();
    x = this.layer3(this.layer2(this.layer1(x)));
    // N x 64 x H/4 x W/4
    return this.fc(x.mean([2, 3]));
  }
}
