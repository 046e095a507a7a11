/**
 * Residual networks: torchvision's ResNet-18, and ResNet-20 for images of 32×32.
 *
 * Source: He et al., "Deep residual learning for image recognition", 2015; the shortcuts that change shape are 1×1
 * convolutions (option B) in both.
 */
import { nn, type Tensor } from '@fakkel/core';

class BasicBlock extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  relu = new nn.ReLU();
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  downsample: nn.Sequential | null = null;

  constructor(inPlanes: number, planes: number, stride: number) {
    super();
    this.conv1 = new nn.Conv2d(inPlanes, planes, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(planes);
    this.conv2 = new nn.Conv2d(planes, planes, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(planes);
    if (stride !== 1 || inPlanes !== planes) {
      this.downsample = new nn.Sequential(
        new nn.Conv2d(inPlanes, planes, 1, { stride, bias: false }),
        new nn.BatchNorm2d(planes),
      );
    }
  }

  override forward(x: Tensor): Tensor {
    const shortcut = this.downsample ? this.downsample(x) : x;
    const out = this.relu(this.bn1(this.conv1(x)));
    return this.relu(this.bn2(this.conv2(out)).add(shortcut));
  }
}

function stage(inPlanes: number, planes: number, blocks: number, stride: number): nn.Sequential {
  return new nn.Sequential(
    ...Array.from({ length: blocks }, (_, i) =>
      i === 0 ? new BasicBlock(inPlanes, planes, stride) : new BasicBlock(planes, planes, 1),
    ),
  );
}

/** He's initialization for layers before ReLU, as in torchvision. */
function initialize(net: nn.Module): void {
  for (const module of net.modules()) {
    if (module instanceof nn.Conv2d) {
      nn.init.kaimingNormal_(module.weight, { mode: 'fanOut', nonlinearity: 'relu' });
    }
  }
}

class ResNet18 extends nn.Module {
  conv1 = new nn.Conv2d(3, 64, 7, { stride: 2, padding: 3, bias: false });
  bn1 = new nn.BatchNorm2d(64);
  relu = new nn.ReLU();
  maxpool = new nn.MaxPool2d(3, { stride: 2, padding: 1 });
  layer1 = stage(64, 64, 2, 1);
  layer2 = stage(64, 128, 2, 2);
  layer3 = stage(128, 256, 2, 2);
  layer4 = stage(256, 512, 2, 2);
  avgpool = new nn.AdaptiveAvgPool2d(1);
  fc = new nn.Linear(512, 1000);

  constructor() {
    super();
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    // N x 3 x 224 x 224
    x = this.relu(this.bn1(this.conv1(x)));
    // N x 64 x 112 x 112
    x = this.layer1(this.maxpool(x));
    // N x 64 x 56 x 56
    x = this.layer4(this.layer3(this.layer2(x)));
    // N x 512 x 7 x 7
    return this.fc(this.avgpool(x).flatten(1));
  }
}

class ResNet20 extends nn.Module {
  conv1 = new nn.Conv2d(3, 16, 3, { padding: 1, bias: false });
  bn1 = new nn.BatchNorm2d(16);
  relu = new nn.ReLU();
  layer1 = stage(16, 16, 3, 1);
  layer2 = stage(16, 32, 3, 2);
  layer3 = stage(32, 64, 3, 2);
  avgpool = new nn.AdaptiveAvgPool2d(1);
  fc = new nn.Linear(64, 10);

  constructor() {
    super();
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    // N x 3 x 32 x 32
    x = this.relu(this.bn1(this.conv1(x)));
    // N x 16 x 32 x 32
    x = this.layer3(this.layer2(this.layer1(x)));
    // N x 64 x 8 x 8
    return this.fc(this.avgpool(x).flatten(1));
  }
}

export const resnet18 = (): nn.Module => new ResNet18();
export const resnet20 = (): nn.Module => new ResNet20();
