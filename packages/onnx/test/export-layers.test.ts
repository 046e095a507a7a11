/**
 * Every layer, exported with an open batch and compared with itself in ONNX Runtime at batches of 2, 1 and 5.
 */
import { manualSeed, nn, randn, type Shape, type Tensor } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { checkerNote, hasChecker } from '../../../test/onnx-checker.js';
import { complaints, exportedFiles, expectSame, histogram, indices } from './run.js';

beforeEach(() => {
  manualSeed(0);
});

const line: Shape = [3, 12];
const image: Shape = [4, 9, 8];
const volume: Shape = [2, 6, 5, 4];
const features: Shape = [6];

type Case = [name: string, make: () => nn.Module, shape: Shape, operators?: readonly string[]];

/** Statistics and slopes that are not those of a new layer. */
function stirred<M extends nn.Module>(net: M): M {
  for (const cell of [...net.parameters(), ...net.buffers()]) {
    if (cell.dtype !== 'int32') cell.assign(randn(cell.shape).abs().add(0.2));
  }
  return net;
}

const CASES: readonly Case[] = [
  ['Conv1d', () => new nn.Conv1d(3, 5, 3, { stride: 2, padding: 1 }), line, ['Conv']],
  ['Conv2d', () => new nn.Conv2d(4, 6, [3, 2], { padding: [1, 0], dilation: [2, 1], groups: 2 }), image, ['Conv']],
  ['Conv2d without bias', () => new nn.Conv2d(4, 6, 1, { bias: false }), image, ['Conv']],
  ['Conv2d same', () => new nn.Conv2d(4, 2, 4, { padding: 'same' }), image, ['Conv']],
  ['Conv3d', () => new nn.Conv3d(2, 3, 2, { stride: [1, 2, 1] }), volume, ['Conv']],
  ['ConvTranspose1d', () => new nn.ConvTranspose1d(3, 4, 3, { stride: 2, padding: 1 }), line, ['ConvTranspose']],
  [
    'ConvTranspose2d',
    () => new nn.ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 }),
    image,
    ['ConvTranspose'],
  ],
  ['ConvTranspose3d', () => new nn.ConvTranspose3d(2, 3, 2, { stride: 2 }), volume, ['ConvTranspose']],
  ['Linear', () => new nn.Linear(6, 4), features, ['Gemm']],
  ['Linear without bias', () => new nn.Linear(6, 4, { bias: false }), features, ['Gemm']],
  ['Linear on sequences', () => new nn.Linear(12, 4), line, ['Reshape', 'Gemm', 'Reshape']],
  ['Maxout', () => new nn.Maxout(6, 4, 3), features],

  ['MaxPool1d', () => new nn.MaxPool1d(3, { stride: 2, padding: 1 }), line, ['MaxPool']],
  ['MaxPool2d', () => new nn.MaxPool2d(3, { stride: 2 }), image, ['MaxPool']],
  ['MaxPool2d ceil', () => new nn.MaxPool2d(3, { stride: 2, ceilMode: true }), image, ['MaxPool']],
  ['MaxPool2d ceil that drops a window', () => new nn.MaxPool2d(2, { stride: 3, padding: 1, ceilMode: true }), image],
  ['MaxPool2d dilated', () => new nn.MaxPool2d(2, { stride: 1, dilation: 2, padding: 1 }), image, ['MaxPool']],
  ['MaxPool3d', () => new nn.MaxPool3d(2), volume, ['MaxPool']],
  ['AvgPool1d', () => new nn.AvgPool1d(3, { stride: 2, padding: 1 }), line, ['AveragePool']],
  ['AvgPool2d', () => new nn.AvgPool2d(2), image, ['AveragePool']],
  ['AvgPool2d pad', () => new nn.AvgPool2d(3, { padding: 1, countIncludePad: false }), image, ['AveragePool']],
  ['AvgPool2d ceil', () => new nn.AvgPool2d(3, { stride: 2, ceilMode: true }), image, ['AveragePool']],
  ['AvgPool2d ceil and padding', () => new nn.AvgPool2d(3, { stride: 2, padding: 1, ceilMode: true }), image],
  ['AvgPool2d divisor', () => new nn.AvgPool2d(2, { divisorOverride: 3 }), image],
  ['AvgPool3d', () => new nn.AvgPool3d(2), volume, ['AveragePool']],
  ['LPPool1d', () => new nn.LPPool1d(2, 3), line],
  ['LPPool2d', () => new nn.LPPool2d(2, 2, { ceilMode: true }), image],
  ['AdaptiveAvgPool1d', () => new nn.AdaptiveAvgPool1d(4), line, ['AveragePool']],
  ['AdaptiveAvgPool2d(1)', () => new nn.AdaptiveAvgPool2d(1), image, ['GlobalAveragePool']],
  ['AdaptiveAvgPool2d uneven', () => new nn.AdaptiveAvgPool2d([4, 3]), image],
  ['AdaptiveAvgPool3d', () => new nn.AdaptiveAvgPool3d([3, 5, 2]), volume],
  ['AdaptiveMaxPool1d', () => new nn.AdaptiveMaxPool1d(5), line],
  ['AdaptiveMaxPool2d', () => new nn.AdaptiveMaxPool2d([3, 4]), image, ['MaxPool']],
  ['AdaptiveMaxPool3d', () => new nn.AdaptiveMaxPool3d(2), volume],

  ['BatchNorm1d', () => stirred(new nn.BatchNorm1d(6)), features, ['BatchNormalization']],
  ['BatchNorm2d', () => stirred(new nn.BatchNorm2d(4)), image, ['BatchNormalization']],
  ['BatchNorm2d plain', () => stirred(new nn.BatchNorm2d(4, { affine: false })), image, ['BatchNormalization']],
  ['BatchNorm3d', () => stirred(new nn.BatchNorm3d(2)), volume, ['BatchNormalization']],
  ['InstanceNorm1d', () => new nn.InstanceNorm1d(3), line],
  ['InstanceNorm2d', () => stirred(new nn.InstanceNorm2d(4, { affine: true })), image],
  [
    'InstanceNorm3d with statistics',
    () => stirred(new nn.InstanceNorm3d(2, { trackRunningStats: true })),
    volume,
    ['BatchNormalization'],
  ],
  ['LayerNorm', () => stirred(new nn.LayerNorm(12)), line],
  ['LayerNorm of images', () => stirred(new nn.LayerNorm([9, 8])), image],
  ['GroupNorm', () => stirred(new nn.GroupNorm(2, 4)), image],
  ['LocalResponseNorm', () => new nn.LocalResponseNorm(3, { alpha: 0.5, k: 2 }), image, ['LRN']],
  ['LocalResponseNorm even', () => new nn.LocalResponseNorm(2, { alpha: 0.5 }), image],

  ['ReLU', () => new nn.ReLU(), image, ['Relu']],
  ['ReLU6', () => new nn.ReLU6(), image, ['Clip']],
  ['LeakyReLU', () => new nn.LeakyReLU(0.2), image, ['LeakyRelu']],
  ['PReLU', () => stirred(new nn.PReLU(4)), image, ['Reshape', 'PRelu']],
  ['RReLU', () => new nn.RReLU(), image, ['LeakyRelu']],
  ['Threshold', () => new nn.Threshold(0.1, 20), image],
  ['Hardshrink', () => new nn.Hardshrink(), image],
  ['Softshrink', () => new nn.Softshrink(), image],
  ['Tanhshrink', () => new nn.Tanhshrink(), image],
  ['ELU', () => new nn.ELU(0.7), image, ['Elu']],
  ['SELU', () => new nn.SELU(), image, ['Selu']],
  ['CELU', () => new nn.CELU(0.7), image, ['Celu']],
  ['Softplus', () => new nn.Softplus(), image, ['Softplus']],
  ['Softplus, steep', () => new nn.Softplus(3), image],
  ['Sigmoid', () => new nn.Sigmoid(), image, ['Sigmoid']],
  ['LogSigmoid', () => new nn.LogSigmoid(), image],
  ['Hardsigmoid', () => new nn.Hardsigmoid(), image, ['HardSigmoid']],
  ['Hardswish', () => new nn.Hardswish(), image, ['HardSwish']],
  ['Tanh', () => new nn.Tanh(), image, ['Tanh']],
  ['ScaledTanh', () => new nn.ScaledTanh(), image],
  ['Hardtanh', () => new nn.Hardtanh(-0.5, 0.7), image, ['Clip']],
  ['Softsign', () => new nn.Softsign(), image, ['Softsign']],
  ['GELU', () => new nn.GELU(), image],
  ['GELU by tanh', () => new nn.GELU({ approximate: 'tanh' }), image],
  ['SiLU', () => new nn.SiLU(), image, ['Sigmoid', 'Mul']],
  ['Mish', () => new nn.Mish(), image],
  ['GLU', () => new nn.GLU(1), image],
  ['Softmax', () => new nn.Softmax(1), image, ['Softmax']],
  ['LogSoftmax', () => new nn.LogSoftmax(-1), image, ['LogSoftmax']],
  ['Softmin', () => new nn.Softmin(1), features],
  ['Softmax2d', () => new nn.Softmax2d(), image, ['Softmax']],

  ['Dropout', () => new nn.Dropout(), image, ['Identity']],
  ['Dropout2d', () => new nn.Dropout2d(), image, ['Identity']],
  ['AlphaDropout', () => new nn.AlphaDropout(), image, ['Identity']],
  ['Identity', () => new nn.Identity(), image, ['Identity']],
  ['Flatten', () => new nn.Flatten(), image, ['Flatten']],
  ['Flatten of some axes', () => new nn.Flatten(2), image, ['Reshape']],
  ['Unflatten', () => new nn.Unflatten(1, [2, 3]), features, ['Reshape']],

  ['ConstantPad1d', () => new nn.ConstantPad1d([1, 2], 3), line, ['Pad']],
  ['ConstantPad2d, negative', () => new nn.ConstantPad2d([-1, 2, 1, -2], 3), image],
  ['ConstantPad3d', () => new nn.ConstantPad3d(1, 0.5), volume, ['Pad']],
  ['ZeroPad2d', () => new nn.ZeroPad2d(2), image, ['Pad']],
  ['ReflectionPad1d', () => new nn.ReflectionPad1d(2), line],
  ['ReflectionPad2d', () => new nn.ReflectionPad2d([1, 2, 3, 0]), image],
  ['ReflectionPad3d', () => new nn.ReflectionPad3d(1), volume],
  ['ReplicationPad1d', () => new nn.ReplicationPad1d([2, 1]), line],
  ['ReplicationPad2d', () => new nn.ReplicationPad2d(2), image],
  ['ReplicationPad3d', () => new nn.ReplicationPad3d([1, 0, 2, 1, 0, 1]), volume],

  ['Upsample nearest', () => new nn.Upsample({ scaleFactor: 2 }), image],
  ['Upsample nearest to a size', () => new nn.Upsample({ size: [13, 7] }), image],
  ['Upsample linear', () => new nn.Upsample({ scaleFactor: 1.5, mode: 'linear' }), line],
  ['Upsample bilinear', () => new nn.Upsample({ size: [5, 12], mode: 'bilinear', alignCorners: true }), image],
  ['Upsample bicubic', () => new nn.Upsample({ scaleFactor: 2, mode: 'bicubic' }), image],
  ['Upsample trilinear', () => new nn.Upsample({ scaleFactor: 2, mode: 'trilinear' }), volume],
  ['PixelShuffle', () => new nn.PixelShuffle(2), image],
  ['PixelUnshuffle', () => new nn.PixelUnshuffle(2), [2, 6, 4]],
  ['ChannelShuffle', () => new nn.ChannelShuffle(2), image],
  ['Unfold', () => new nn.Unfold([3, 2], { stride: 2, padding: 1 }), image],
  ['Fold', () => new nn.Fold([4, 5], [2, 2]), [8, 12]],
  ['RBF', () => new nn.RBF(randn([3, 6])), features],
];

describe('one input', () => {
  test.each(CASES)('%s', async (name, make, shape, operators) => {
    const batches = [2, 1, 5].map((n) => [randn([n, ...shape]).mul(2)]);
    const model = await expectSame(name, make(), batches);
    expect(model.graph.inputs[0].shape).toEqual(['batch', ...shape]);
    expect(model.graph.outputs[0].shape![0]).toBe('batch');
    if (operators) expect(model.graph.nodes.map(({ opType }) => opType)).toEqual(operators);
  });
});

/** Layers of several inputs. */
const PAIRS: readonly [name: string, make: () => nn.Module, inputs: (n: number) => Tensor[], operators?: string[]][] = [
  ['Bilinear', () => new nn.Bilinear(3, 4, 5), (n) => [randn([n, 3]), randn([n, 4])]],
  ['CosineSimilarity', () => new nn.CosineSimilarity(), (n) => [randn([n, 5]), randn([n, 5])]],
  ['PairwiseDistance', () => new nn.PairwiseDistance(), (n) => [randn([n, 5]), randn([n, 5])]],
  ['Embedding', () => new nn.Embedding(10, 3, { paddingIdx: 0 }), (n) => [indices([n, 4], 10)], ['Gather']],
  ['CrossEntropyLoss', () => new nn.CrossEntropyLoss(), (n) => [randn([n, 5]), indices([n], 5)]],
  [
    'CrossEntropyLoss of pixels, smoothed',
    () => new nn.CrossEntropyLoss({ labelSmoothing: 0.1, reduction: 'none' }),
    (n) => [randn([n, 5, 2, 3]), indices([n, 2, 3], 5)],
  ],
  ['NLLLoss', () => new nn.NLLLoss(), (n) => [randn([n, 5]), indices([n], 5)]],
  ['MSELoss of sums', () => new nn.MSELoss({ reduction: 'sum' }), (n) => [randn([n, 5]), randn([n, 5])]],
  ['SmoothL1Loss', () => new nn.SmoothL1Loss(), (n) => [randn([n, 5]), randn([n, 5])]],
  ['BCEWithLogitsLoss', () => new nn.BCEWithLogitsLoss(), (n) => [randn([n, 5]), randn([n, 5]).sigmoid()]],
];

describe('several inputs, other dtypes', () => {
  test.each(PAIRS)('%s', async (name, make, inputs, operators) => {
    const model = await expectSame(name, make(), [2, 1, 5].map(inputs));
    if (operators) expect(histogram(model)).toEqual(Object.fromEntries(operators.map((op) => [op, 1])));
  });
});

test.skipIf(!hasChecker)(
  `ONNX's checker, with shape inference, finds nothing in any of them${checkerNote}`,
  async () => {
    expect(exportedFiles()).toBe(CASES.length + PAIRS.length);
    expect(await complaints()).toEqual([]);
  },
);
