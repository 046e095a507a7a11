/**
 * Summaries of the zoo: parameters and multiply-accumulates are the published ones and those that hooks count in
 * torchvision's models, memory of activations is what PyTorch keeps, and big models take neither time nor memory.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nn } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import * as zoo from '../index.js';

interface Golden {
  input: number[];
  models: Record<string, { values: number; pooled: number; masks: number; indices: number }>;
  totals: Record<string, { parameters: number; buffers: number; macs: number }>;
}
const path = join(import.meta.dirname, '../../test/goldens/understanding/saved-activations.json');
const golden = JSON.parse(readFileSync(path, 'utf8')) as Golden;

/** torchvision's names for ours, and the billions of operations that its tables of weights state. */
const PUBLISHED: Record<string, [make: () => nn.Module, operations: number]> = {
  alexnet: [() => zoo.alexnet(), 0.714],
  vgg11: [() => zoo.vgg11(), 7.609],
  vgg11_bn: [() => zoo.vgg11Bn(), 7.609],
  vgg13: [() => zoo.vgg13(), 11.308],
  vgg13_bn: [() => zoo.vgg13Bn(), 11.308],
  vgg16: [() => zoo.vgg16(), 15.47],
  vgg16_bn: [() => zoo.vgg16Bn(), 15.47],
  vgg19: [() => zoo.vgg19(), 19.632],
  vgg19_bn: [() => zoo.vgg19Bn(), 19.632],
  googlenet: [() => zoo.googlenet(), 1.498],
  resnet18: [() => zoo.resnet18(), 1.814],
  resnet34: [() => zoo.resnet34(), 3.664],
  resnet50: [() => zoo.resnet50(), 4.089],
  resnet101: [() => zoo.resnet101(), 7.801],
  resnet152: [() => zoo.resnet152(), 11.514],
  resnext50_32x4d: [() => zoo.resnext50_32x4d(), 4.23],
  resnext101_32x8d: [() => zoo.resnext101_32x8d(), 16.414],
  resnext101_64x4d: [() => zoo.resnext101_64x4d(), 15.46],
  wide_resnet50_2: [() => zoo.wideResnet50_2(), 11.398],
  wide_resnet101_2: [() => zoo.wideResnet101_2(), 22.753],
};

describe('totals', () => {
  test.each(Object.entries(PUBLISHED))('%s', (name, [make, operations]) => {
    const { totals } = nn.summary(nn.utils.skipInit(make), [1, 3, 224, 224]);
    const { parameters, macs, buffers } = golden.totals[name];
    expect(totals.parameters).toBe(parameters);
    expect(totals.macs).toBe(macs);
    expect(totals.bufferBytes).toBe(4 * buffers);
    expect(totals.macs / 1e9).toBeCloseTo(operations, 3);
  });

  test('without auxiliary heads, and the originals', () => {
    const count = (make: () => nn.Module, shape: number[]) => nn.summary(nn.utils.skipInit(make), shape).totals;
    expect(count(() => zoo.googlenet({ auxLogits: false }), [1, 3, 224, 224]).parameters).toBe(6_624_904);
    expect(count(() => zoo.lenet5Original(), [1, 1, 32, 32]).parameters).toBe(60_850);
    expect(count(() => zoo.alexnetOriginal(), [1, 3, 227, 227]).parameters).toBe(60_965_224);
    // Table 6 of He et al. 2015: 0.27 million to 1.7 million.
    const cifar = [zoo.cifarResnet20, zoo.cifarResnet32, zoo.cifarResnet44, zoo.cifarResnet56, zoo.cifarResnet110];
    const millions = cifar.map((make) => (count(() => make(), [1, 3, 32, 32]).parameters / 1e6).toFixed(2));
    expect(millions).toEqual(['0.27', '0.46', '0.66', '0.85', '1.73']);
  });
});

test('a summary of the largest takes no memory for its weights', () => {
  const before = process.memoryUsage().arrayBuffers;
  const net = nn.utils.skipInit(() => zoo.vgg19());
  expect(nn.summary(net, [64, 3, 224, 224]).totals.parameterBytes).toBe(4 * 143_667_240);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16e6);
});

describe('activations in training are what PyTorch keeps', () => {
  const { input, models } = golden;
  // GoogLeNet's auxiliary heads: pooling of 14 cells to 4 is made of operations here, and a division keeps what it
  // divides, [2, 512 and 528, 4, 14], and its tables; and flattening copies, where PyTorch's view shares [2, 128, 4, 4].
  const here: Record<string, number> = { googlenet: 4 * (2 * (512 + 528) * 4 * 14) + 128 + 2 * 4 * (2 * 128 * 4 * 4) };
  test.each(Object.entries(models))('%s', (name, { values, indices }) => {
    const { activations } = nn.summary(nn.utils.skipInit(PUBLISHED[name][0]), input).totals;
    // Of max pooling PyTorch keeps indices of 8 bytes, here they have 4; it also keeps what pooling was given, of which
    // the rule needs the shape only, and dropout's masks, which are drawn again here from their keys.
    expect(activations.training).toBe(values + 4 * indices + (here[name] ?? 0));
  });
});
