/**
 * GoogLeNet, as torchvision has it, without the auxiliary classifiers.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2014.
 */
import { cat, nn, type Tensor } from '@fakkel/core';
import { initialize } from './init.js';

class BasicConv2d extends nn.Module {
  conv: nn.Conv2d;
  bn: nn.BatchNorm2d;

  constructor(inChannels: number, outChannels: number, kernelSize: number, stride = 1, padding = 0) {
    super();
    this.conv = new nn.Conv2d(inChannels, outChannels, kernelSize, { stride, padding, bias: false });
    this.bn = new nn.BatchNorm2d(outChannels, { eps: 0.001 });
  }

  override forward(x: Tensor): Tensor {
    return this.bn(this.conv(x)).relu();
  }
}

/** One Inception block: four branches over the same input, joined along channels. */
class Inception extends nn.Module {
  branch1: BasicConv2d;
  branch2: nn.Sequential;
  branch3: nn.Sequential;
  branch4: nn.Sequential;

  constructor(
    inChannels: number,
    ch1x1: number,
    ch3x3red: number,
    ch3x3: number,
    ch5x5red: number,
    ch5x5: number,
    poolProj: number,
  ) {
    super();
    this.branch1 = new BasicConv2d(inChannels, ch1x1, 1);
    this.branch2 = new nn.Sequential(
      new BasicConv2d(inChannels, ch3x3red, 1),
      new BasicConv2d(ch3x3red, ch3x3, 3, 1, 1),
    );
    // 3×3, where the paper has 5×5: torchvision's weights are of this network.
    this.branch3 = new nn.Sequential(
      new BasicConv2d(inChannels, ch5x5red, 1),
      new BasicConv2d(ch5x5red, ch5x5, 3, 1, 1),
    );
    this.branch4 = new nn.Sequential(
      new nn.MaxPool2d(3, { stride: 1, padding: 1, ceilMode: true }),
      new BasicConv2d(inChannels, poolProj, 1),
    );
  }

  override forward(x: Tensor): Tensor {
    return cat([this.branch1(x), this.branch2(x), this.branch3(x), this.branch4(x)], 1);
  }
}

class GoogLeNet extends nn.Module {
  conv1 = new BasicConv2d(3, 64, 7, 2, 3);
  maxpool1 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  conv2 = new BasicConv2d(64, 64, 1);
  conv3 = new BasicConv2d(64, 192, 3, 1, 1);
  maxpool2 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  inception3a = new Inception(192, 64, 96, 128, 16, 32, 32);
  inception3b = new Inception(256, 128, 128, 192, 32, 96, 64);
  maxpool3 = new nn.MaxPool2d(3, { stride: 2, ceilMode: true });
  inception4a = new Inception(480, 192, 96, 208, 16, 48, 64);
  inception4b = new Inception(512, 160, 112, 224, 24, 64, 64);
  inception4c = new Inception(512, 128, 128, 256, 24, 64, 64);
  inception4d = new Inception(512, 112, 144, 288, 32, 64, 64);
  inception4e = new Inception(528, 256, 160, 320, 32, 128, 128);
  maxpool4 = new nn.MaxPool2d(2, { stride: 2, ceilMode: true });
  inception5a = new Inception(832, 256, 160, 320, 32, 128, 128);
  inception5b = new Inception(832, 384, 192, 384, 48, 128, 128);
  avgpool = new nn.AdaptiveAvgPool2d(1);
  dropout: nn.Dropout;
  fc = new nn.Linear(1024, 1000);

  constructor(dropout: number) {
    super();
    this.dropout = new nn.Dropout(dropout);
    initialize(this);
  }

  override forward(x: Tensor): Tensor {
    // N x 3 x 224 x 224
    x = this.maxpool1(this.conv1(x));
    // N x 64 x 56 x 56
    x = this.maxpool2(this.conv3(this.conv2(x)));
    // N x 192 x 28 x 28
    x = this.maxpool3(this.inception3b(this.inception3a(x)));
    // N x 480 x 14 x 14
    x = this.inception4c(this.inception4b(this.inception4a(x)));
    // N x 512 x 14 x 14
    x = this.maxpool4(this.inception4e(this.inception4d(x)));
    // N x 832 x 7 x 7
    x = this.inception5b(this.inception5a(x));
    // N x 1024 x 7 x 7
    x = this.dropout(this.avgpool(x).flatten(1));
    return this.fc(x);
  }
}

export const googlenet = (dropout: number): nn.Module => new GoogLeNet(dropout);
