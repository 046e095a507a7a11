import { manualSeed, nn, randn, tensor, zeros } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import {
  digest,
  expectStep,
  images,
  readGolden,
  type StateGolden,
  stateOf,
  type StepGolden,
} from '../test/zoo-classic.js';
import { alexnet, alexnetOriginal } from './index.js';

const states = readGolden<Record<string, StateGolden>>('states');
const target = () => tensor([3, 1], { dtype: 'int32' });

describe.each([
  ['alexnet', alexnet, 63, 1],
  ['alexnetOriginal', alexnetOriginal, 227, 60], // centered pixels
] as const)('%s is the PyTorch model', (name, build, size, scale) => {
  test('weights after manualSeed(0) to the bit, logits, loss and gradients', { timeout: 240_000 }, async () => {
    const golden = readGolden<StepGolden & { initial: Record<string, string> }>(name);
    manualSeed(0);
    using net = build({ dropout: 0 });
    expect(stateOf(net)).toEqual(states[name]);
    for (const [key, p] of net.namedParameters()) expect(await digest(p), key).toBe(golden.initial[key]);
    const x = images(size).mul(scale);
    await expectStep(net, golden, 1e-4, {
      logits: () => [net(x)],
      loss: ([logits]) => nn.functional.crossEntropy(logits, target()),
    });
  });
});

/** The tree that torchvision prints: its ReLUs work in place, which prints and computes nothing else here. */
test('alexnet prints as torchvision’s', () => {
  const { alexnet: expected } = readGolden<Record<string, string>>('reprs');
  expect(String(nn.utils.skipInit(() => alexnet()))).toBe(expected.replaceAll('ReLU(inplace=True)', 'ReLU()'));
});

describe('alexnet', () => {
  const net = nn.utils.skipInit(() => alexnet({ numClasses: 10 })).eval();

  test('61,100,840 parameters; any number of classes, float64', () => {
    expect(states.alexnet.parameters).toBe(61_100_840);
    const small = nn.utils.skipInit(() => alexnet({ numClasses: 7, dtype: 'float64' }));
    expect((small.classifier.at(-1) as nn.Linear).outFeatures).toBe(7);
    expect(small.parameters().every(({ dtype }) => dtype === 'float64')).toBe(true);
  });

  test('images of any size from 63 × 63 on', () => {
    for (const [h, w] of [
      [63, 63],
      [64, 250],
      [224, 224],
    ]) {
      expect(net(zeros([1, 3, h, w])).shape).toEqual([1, 10]);
    }
  });

  test('dropout is an option', () => {
    const layers = [...nn.utils.skipInit(() => alexnet({ dropout: 0.25 })).classifier];
    expect(layers.filter((layer) => layer instanceof nn.Dropout).map(({ p }) => p)).toEqual([0.25, 0.25]);
  });

  test.each([
    [[1, 1, 224, 224]],
    [[1, 224, 224, 3]],
    [[3, 224, 224]],
    [[8, 3, 62, 224]],
    [[8, 5, 224, 224]],
    [[10, 3]],
  ])('images that it is not made for: %j', (shape) => {
    expect(() => net(zeros(shape))).toThrowErrorMatchingSnapshot();
  });

  test('options that it does not have', () => {
    expect(() => alexnet({ num_classes: 10 } as object)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: AlexNet: unknown option 'num_classes'. Did you mean numClasses? There are: numClasses, dropout, dtype, device.]`,
    );
    expect(() => alexnet({ dropout: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: Dropout: p is a number from 0 to 1, got 2]`,
    );
    expect(() => alexnetOriginal({ inChannels: 1 } as object)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: AlexNetOriginal: unknown option 'inChannels'. There are: numClasses, dropout, dtype, device.]`,
    );
  });
});

describe('alexnetOriginal', () => {
  const net = alexnetOriginal({ dropout: 0.25 }); // drawn: the towers are looked at

  test('60,965,224 parameters, layer by layer', () => {
    expect([net.dropout6.p, net.dropout7.p]).toEqual([0.25, 0.25]);
    const counts = net.namedChildren().map(([name, layer]) => [name, stateOf(layer).parameters] as const);
    expect(counts.filter(([, n]) => n > 0)).toEqual([
      ['conv1', 96 * (3 * 11 * 11) + 96],
      ['conv2', 256 * (48 * 5 * 5) + 256], // of 96 maps, a map sees the 48 of its tower
      ['conv3', 384 * (256 * 3 * 3) + 384], // both towers
      ['conv4', 384 * (192 * 3 * 3) + 384],
      ['conv5', 256 * (192 * 3 * 3) + 256],
      ['fc6', 4096 * (256 * 6 * 6) + 4096],
      ['fc7', 4096 * 4096 + 4096],
      ['fc8', 1000 * 4096 + 1000],
    ]);
    expect(stateOf(net).parameters).toBe(60_965_224);
  });

  test('towers: in conv2 a map does not depend on the other half, in conv3 it does', async () => {
    for (const [layer, alone] of [
      [net.conv2, true],
      [net.conv3, false],
      [net.conv4, true],
      [net.conv5, true],
    ] as const) {
      const x = randn([1, layer.inChannels, 3, 3], { requiresGrad: true });
      layer(x).narrow(1, 0, 4).sum().backward(); // maps of the first tower
      const other = x.grad!.narrow(1, layer.inChannels / 2, layer.inChannels / 2);
      expect((await other.abs().sum().item()) === 0, String(layer)).toBe(alone);
    }
  });

  test('other images than of 227 × 227', () => {
    expect(() => net(zeros([1, 3, 224, 224]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: AlexNetOriginal: expected images [N, 3, 227, 227], got float32[1,3,224,224]. Resize or pad the images first.]`,
    );
  });
});
