import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  device,
  evaluate,
  getDefaultDevice,
  manualSeed,
  nn,
  randn,
  setDefaultDevice,
  tensor,
  type Tensor,
} from '@fakkel/core';
import * as models from './index.js';
import {
  BasicBlock,
  Bottleneck,
  CifarResNet,
  cifarPlain20,
  cifarResnet20,
  PadShortcut,
  ResNet,
  resnet18,
} from './index.js';

const goldenFile = (name: string): string =>
  readFileSync(new URL(`../test/goldens/resnet/${name}`, import.meta.url), 'utf8');
const golden = <T>(name: string): T => JSON.parse(goldenFile(`${name}.json`)) as T;

/** As in tools/goldens/zoo_resnet.py: the first two values, the last two, the sum, the sum of absolute values. */
function fingerprint(data: ArrayLike<number>): number[] {
  let [sum, size] = [0, 0];
  for (let i = 0; i < data.length; i++) {
    sum += data[i];
    size += Math.abs(data[i]);
  }
  return [data[0], data[1], data[data.length - 2], data[data.length - 1], sum, size];
}

/** Values may be off by `tolerance` of their mean size, sums by `tolerance` of the sum of sizes. */
function expectFingerprint(data: ArrayLike<number>, expected: number[], tolerance: number, what: string): void {
  const size = expected[5];
  const mean = size / data.length;
  for (const [i, value] of fingerprint(data).entries()) {
    const scale = i < 4 ? Math.max(mean, Math.abs(expected[i])) : size;
    expect(Math.abs(value - expected[i]), `${what}, ${i}: ${value} for ${expected[i]}`).toBeLessThanOrEqual(
      tolerance * scale + 1e-10,
    );
  }
}

interface StepGolden {
  shape: number[];
  initial: Record<string, number[]>;
  logits: number[][];
  loss: number;
  gradients: Record<string, number[]>;
  statistics: Record<string, number[]>;
  eval: number[][];
}

function expectRows(rows: Nested, expected: number[][], tolerance: number, what: string): void {
  for (const [i, row] of expected.entries()) {
    const scale = Math.max(...row.map(Math.abs));
    for (const [j, value] of row.entries()) {
      expect(Math.abs(rows[i][j] - value), `${what} ${i}, ${j}`).toBeLessThanOrEqual(tolerance * scale);
    }
  }
}
type Nested = number[][];
type Classifier = nn.Module & ((x: Tensor) => Tensor);

// On the reference backend, whose numbers are the same on every processor: a rectifier whose input is within rounding of
// zero makes single gradients jump.
describe("one training step is PyTorch's: initial weights, logits, gradients, statistics, evaluation after it", () => {
  const groupNorm: models.NormLayer = (channels, options) => new nn.GroupNorm(32, channels, options);
  const tiny = (block: models.ResidualBlock, options: models.ResNetOptions): ResNet =>
    new ResNet(block, [1, 2, 1, 1], { numClasses: 5, ...options });
  const cases: Record<string, () => Classifier> = {
    'cifar-a': () => cifarResnet20(),
    'cifar-b': () => cifarResnet20({ shortcut: 'B', inChannels: 1, numClasses: 7, zeroInitResidual: true }),
    'cifar-plain': () => cifarPlain20(),
    resnet18: () => resnet18(),
    dilated: () => tiny(Bottleneck, { replaceStrideWithDilation: [false, true, true], zeroInitResidual: true }),
    grouped: () => tiny(Bottleneck, { groups: 32, widthPerGroup: 4 }),
    'group-norm': () => tiny(BasicBlock, { normLayer: groupNorm }),
  };
  test.each(Object.keys(cases))('%s', async (name) => {
    const expected = golden<StepGolden>(name);
    manualSeed(0);
    const net = cases[name]();
    const parameters = new Map(net.namedParameters());
    expect([...parameters.keys()]).toEqual(Object.keys(expected.gradients));
    for (const [key, initial] of Object.entries(expected.initial)) {
      expectFingerprint(await parameters.get(key)!.data(), initial, 2e-6, key);
    }
    manualSeed(1);
    const x = randn(expected.shape);
    const logits = net(x);
    const loss = nn.functional.crossEntropy(logits, tensor([1, 3], { dtype: 'int32' }));
    loss.backward();
    await evaluate(loss, logits, ...[...parameters.values()].map((p) => p.grad!));
    expectRows((await logits.toArray()) as Nested, expected.logits, 1e-4, 'logits');
    expect(Math.abs((await loss.item()) - expected.loss)).toBeLessThanOrEqual(1e-4 * expected.loss);
    for (const [key, gradient] of Object.entries(expected.gradients)) {
      expectFingerprint(await parameters.get(key)!.grad!.data(), gradient, 1e-4, `gradient of ${key}`);
    }
    const buffers = new Map(net.namedBuffers());
    for (const [key, statistics] of Object.entries(expected.statistics)) {
      expectFingerprint(await buffers.get(key)!.data(), statistics, 1e-4, key);
    }
    net.eval();
    expectRows((await net(x).toArray()) as Nested, expected.eval, 1e-4, 'eval');
    net.dispose();
  });
});

test("resnet50 is torchvision's: initial weights, and logits in eval mode", async () => {
  const standard = getDefaultDevice();
  onTestFinished(() => setDefaultDevice(standard));
  setDefaultDevice(await device('onnxruntime:cpu'));
  const expected = golden<Pick<StepGolden, 'shape' | 'initial' | 'eval'>>('resnet50');
  manualSeed(0);
  const net = models.resnet50().eval();
  for (const [key, initial] of Object.entries(expected.initial)) {
    expectFingerprint(await net.getParameter(key).data(), initial, 2e-6, key);
  }
  manualSeed(1);
  expectRows((await net(randn(expected.shape)).toArray()) as Nested, expected.eval, 1e-4, 'logits');
});

const count = (net: nn.Module): number => net.parameters().reduce((n, p) => n + p.numel(), 0);

describe('parameters, keys and shapes of the state dict are those of PyTorch', () => {
  const camelCase = (name: string): string => name.replace('wide_resnet', 'wideResnet');
  const structures = golden<Record<string, { parameters: number; entries: number; sha256: string }>>('structure');
  test.each(Object.entries(structures))('%s', (name, expected) => {
    const make = models[camelCase(name) as 'resnet18'];
    expect(make.modelName).toBe(camelCase(name));
    const net = nn.utils.skipInit(() => make());
    const state = [...net.stateDict()].map(([key, { shape }]) => `${key} [${shape.join(',')}]\n`);
    expect(count(net)).toBe(expected.parameters);
    expect(state).toHaveLength(expected.entries);
    expect(createHash('sha256').update(state.join('')).digest('hex')).toBe(expected.sha256);
  });

  test('as published', () => {
    const { resnet18, resnet34, resnet50, resnet101, resnet152, ...others } = structures;
    const published = [resnet18, resnet34, resnet50, resnet101, resnet152].map(({ parameters }) => parameters);
    expect(published).toEqual([11_689_512, 21_797_672, 25_557_032, 44_549_160, 60_192_808]);
    // Table 6 of the paper, in millions.
    const cifar = [20, 32, 44, 56, 110].map((depth) => others[`cifarResnet${depth}`].parameters / 1e6);
    expect(cifar.map((n) => Number(n.toPrecision(2)))).toEqual([0.27, 0.46, 0.66, 0.85, 1.7]);
    const cifar20 = cifarResnet20();
    expect(count(cifarPlain20())).toBe(count(cifar20));
  });
});

test('resnet18 prints as in PyTorch', () => {
  // No operation here works in place.
  expect(`${nn.utils.skipInit(() => resnet18()).toString()}\n`).toBe(
    goldenFile('resnet18.txt').replaceAll('inplace=True', ''),
  );
});

describe('cifarResnet', () => {
  test.each([[[2, 3, 32, 32]], [[1, 1, 28, 28]], [[1, 1, 33, 17]]])('images of %j', (shape) => {
    expect(cifarResnet20({ inChannels: shape[1] }).eval()(randn(shape)).shape).toEqual([shape[0], 10]);
    expect(cifarPlain20({ inChannels: shape[1] }).eval()(randn(shape)).shape).toEqual([shape[0], 10]);
  });

  test('dtype', () => {
    for (const net of [cifarResnet20({ dtype: 'float64', shortcut: 'B' }), cifarPlain20({ dtype: 'float64' })]) {
      expect(new Set(net.parameters().map((p) => p.dtype))).toEqual(new Set(['float64']));
    }
  });

  test('PadShortcut: every other pixel, zeros behind', async () => {
    const x = tensor([
      [
        [
          [1, 2, 3],
          [4, 5, 6],
          [7, 8, 9],
        ],
      ],
    ]);
    expect(await new PadShortcut(2)(x).toArray()).toEqual([
      [
        [
          [1, 3],
          [7, 9],
        ],
        [
          [0, 0],
          [0, 0],
        ],
      ],
    ]);
    expect(await new PadShortcut(1, 1)(x).toArray()).toEqual(await x.toArray());
    expect(() => new PadShortcut(2)(randn([1, 3, 4, 4]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: PadShortcut: expected [N, C, H, W] with at most 2 channels, got float32[1,3,4,4]]`,
    );
  });
});

describe('misuse', () => {
  const calls: Record<string, () => unknown> = {
    'a depth that does not fit': () => new CifarResNet(18),
    'no shortcut': () => cifarResnet20({ shortcut: 'none' as 'A' }),
    'an unknown shortcut': () => cifarResnet20({ shortcut: 'C' as 'A' }),
    'a shortcut for a plain network': () => cifarPlain20({ shortcut: 'B' } as object),
    'an option as in Python': () => resnet18({ num_classes: 10 } as object),
    'a number for options': () => resnet18(10 as never),
    'three stages': () => new ResNet(BasicBlock, [2, 2, 2]),
    'one flag for three stages': () =>
      new ResNet(Bottleneck, [1, 1, 1, 1], { replaceStrideWithDilation: true as never }),
    'dilation with BasicBlock': () => resnet18({ replaceStrideWithDilation: [false, false, true] }),
    'groups with BasicBlock': () => new BasicBlock(64, 64, { groups: 2 }),
    'groups other than the name says': () => models.resnext50_32x4d({ groups: 4 }),
    'an image without a batch': () => resnet18()(randn([3, 64, 64])),
    'a grey image': () => resnet18()(randn([1, 1, 64, 64])),
    'grey images where colours are expected': () => cifarResnet20()(randn([1, 1, 32, 32])),
  };
  test.each(Object.entries(calls))('%s', (_, call) => {
    expect(() => nn.utils.skipInit(call)).toThrowErrorMatchingSnapshot();
  });
});
