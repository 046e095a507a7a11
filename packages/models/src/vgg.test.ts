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
import { VGG, vgg11, vgg11Bn, vgg13, vgg13Bn, vgg16, vgg16Bn, vgg19, vgg19Bn, vggStage } from './index.js';

const states = readGolden<Record<string, StateGolden>>('states');

test.each([
  ['vgg11', vgg11, 132_863_336],
  ['vgg11_bn', vgg11Bn, 132_868_840],
  ['vgg13', vgg13, 133_047_848],
  ['vgg13_bn', vgg13Bn, 133_053_736],
  ['vgg16', vgg16, 138_357_544],
  ['vgg16_bn', vgg16Bn, 138_365_992],
  ['vgg19', vgg19, 143_667_240],
  ['vgg19_bn', vgg19Bn, 143_678_248],
] as const)('%s has torchvision’s state dict', (name, build, parameters) => {
  const state = nn.utils.skipInit(() => stateOf(build()));
  expect(state).toEqual(states[name]);
  expect(state.parameters).toBe(parameters);
});

test('vgg11: weights after manualSeed(0) to the bit', { timeout: 240_000 }, async () => {
  const { initial } = readGolden<{ initial: Record<string, string> }>('vgg11');
  manualSeed(0);
  using net = vgg11();
  const parameters = net.namedParameters();
  expect(parameters.map(([key]) => key)).toEqual(Object.keys(initial));
  for (const [key, p] of parameters) {
    // Of the large ones it is vgg11Bn that is looked at; that they are passed over shows in the last.
    if (p.numel() < 5e6) expect(await digest(p), key).toBe(initial[key]);
  }
});

test('vgg11Bn: weights to the bit, logits, loss and gradients', { timeout: 240_000 }, async () => {
  const golden = readGolden<StepGolden & { initial: Record<string, string> }>('vgg11Bn');
  manualSeed(0);
  using net = vgg11Bn({ dropout: 0 });
  for (const [key, p] of net.namedParameters()) expect(await digest(p), key).toBe(golden.initial[key]);
  const convolutions = [...(net.features as nn.Sequential)].map((layer) => layer instanceof nn.Conv2d);
  const vanishing = new Set(convolutions.flatMap((is, i) => (is ? [`features.${i}.bias`] : [])));
  const x = images(64);
  await expectStep(net, golden, 1e-4, {
    logits: () => [net(x)],
    loss: ([logits]) => nn.functional.crossEntropy(logits, tensor([3, 1], { dtype: 'int32' })),
    vanishing,
  });
});

describe('VGG', () => {
  const net = nn.utils.skipInit(() => vgg11({ numClasses: 10 }));

  test('images of any size from 32 × 32 on', () => {
    expect(net(zeros([2, 3, 32, 32])).shape).toEqual([2, 10]);
    expect(net(zeros([1, 3, 224, 300])).shape).toEqual([1, 10]);
  });

  test.each([[[1, 3, 28, 28]], [[1, 1, 224, 224]], [[3, 224, 224]]])('images that it is not made for: %j', (shape) => {
    expect(() => net(zeros(shape))).toThrowErrorMatchingSnapshot();
  });

  test('features of one’s own, with weights drawn as torchvision does', async () => {
    manualSeed(0);
    const features = new nn.Sequential(...vggStage(1, 8, 1, { batchNorm: true }), ...vggStage(8, 512, 1));
    const own = new VGG(features, { numClasses: 4, dropout: 0.1 });
    expect(own.eval()(randn([1, 1, 28, 28])).shape).toEqual([1, 4]);
    const first = features.at(0) as nn.Conv2d;
    expect(await first.bias!.toArray()).toEqual(new Array(8).fill(0));
    // N(0, 2 / fanOut) with a fan-out of 8 · 9.
    expect(await first.weight.square().mean().item()).toBeCloseTo(2 / 72, 2);
    expect(String(own.classifier)).toContain('(2): Dropout(p=0.1, inplace=False)');
  });

  test('misuse', () => {
    expect(() => new VGG({ numClasses: 10 } as unknown as nn.Layer)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: VGG: expected a module of features first, then options. For the published networks call vgg16({ … }) or another builder.]`,
    );
    expect(() => vgg16({ batchNorm: true } as object)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: VGG: unknown option 'batchNorm'. There are: numClasses, initWeights, dropout, dtype, device.]`,
    );
    expect(() => vggStage(3, 64, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: vggStage: convolutions is a whole number of at least 1, got 0]`,
    );
    expect(() => vggStage(3, 64, 1, true as unknown as object)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: vggStage: options come as one object, { batchNorm, dtype, device }; got true]`,
    );
  });
});

test('vggStage prints as the layers of torchvision’s', () => {
  expect(String(new nn.Sequential(...vggStage(3, 64, 2, { batchNorm: true })))).toMatchInlineSnapshot(`
    "Sequential(
      (0): Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
      (1): BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (2): ReLU()
      (3): Conv2d(64, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
      (4): BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)
      (5): ReLU()
      (6): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    )"
  `);
  expect(vggStage(3, 64, 1, { dtype: 'float64' })[0]).toHaveProperty('weight.dtype', 'float64');
});
