/** Operators in their versions, against ONNX Runtime: attributes that became inputs, defaults that changed. */
import { manualSeed, randn } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  encodeModel,
  importOnnx,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxTensor,
  tensorFrom,
} from '../src/index.js';
import { expectClose } from './import-helpers.js';
import { open } from './run.js';

type Settings = Record<string, number | string | readonly number[]>;

interface Case {
  readonly opset: number;
  readonly op: string;
  readonly x: readonly number[];
  readonly attributes?: Settings;
  /** Floats among the integers: names of attributes. */
  readonly floats?: readonly string[];
  /** Inputs after the first; null is left out. */
  readonly rest?: readonly (OnnxTensor | null)[];
  readonly outputs?: number;
}

const ints = (...values: number[]): OnnxTensor => tensorFrom(values, 'int64');
const scalar = (value: number): OnnxTensor => tensorFrom([value], 'float32', []);
const floats = (...values: number[]): OnnxTensor => tensorFrom(values, 'float32');
/** Numbers of a fixed, uneven pattern. */
const weights = (...shape: number[]): OnnxTensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  return tensorFrom(
    Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 0.3)),
    'float32',
    shape,
  );
};

function modelOf({ opset, op, x, attributes = {}, floats: floating = [], rest = [], outputs = 1 }: Case): OnnxModel {
  const convert = (name: string, value: Settings[string]): OnnxAttribute => {
    if (typeof value === 'string') return { type: 'string', value };
    const type = floating.includes(name) ? 'float' : 'int';
    return typeof value === 'number' ? { type, value } : { type: `${type}s`, value };
  };
  const names = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return {
    irVersion: 8,
    opsets: { '': opset },
    graph: {
      name: op,
      nodes: [
        {
          opType: op,
          inputs: ['x', ...rest.map((tensor, i) => (tensor ? `c${i}` : ''))],
          outputs: names,
          attributes: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, convert(key, value)])),
        },
      ],
      inputs: [{ name: 'x', dtype: 'float32', shape: x }],
      outputs: names.map((name) => ({ name, dtype: 'float32' })),
      initializers: rest.flatMap((tensor, i) => (tensor ? [{ ...tensor, name: `c${i}` }] : [])),
    },
  };
}

const END = Number.MAX_SAFE_INTEGER;
const image = [2, 3, 7, 8];
const pool = (attributes: Settings): Settings => ({ kernel_shape: [3, 2], ...attributes });

const CASES: Case[] = [
  // The flattening softmax, and the one along an axis.
  ...['Softmax', 'LogSoftmax', 'Hardmax'].flatMap((op): Case[] => [
    { opset: 11, op, x: [2, 3, 4] },
    { opset: 12, op, x: [2, 3, 4], attributes: { axis: 2 } },
    { opset: 11, op, x: [2, 3, 4], attributes: { axis: 0 } },
    { opset: 13, op, x: [2, 3, 4] },
    { opset: 17, op, x: [2, 3, 4], attributes: { axis: 1 } },
  ]),
  { opset: 7, op: 'Clip', x: [9], attributes: { min: -0.5, max: 0.25 }, floats: ['min', 'max'] },
  { opset: 11, op: 'Clip', x: [9], rest: [scalar(-0.5)] },
  { opset: 13, op: 'Clip', x: [9], rest: [null, scalar(0.1)] },
  { opset: 7, op: 'Squeeze', x: [1, 3, 1], attributes: { axes: [2] } },
  { opset: 13, op: 'Squeeze', x: [1, 3, 1], rest: [ints(0, -1)] },
  { opset: 11, op: 'Unsqueeze', x: [3], attributes: { axes: [0, -1] } },
  { opset: 13, op: 'Unsqueeze', x: [3], rest: [ints(-1, 0)] },
  { opset: 9, op: 'Slice', x: [4, 5], attributes: { starts: [1, -3], ends: [END, -1], axes: [0, 1] } },
  { opset: 10, op: 'Slice', x: [4, 5], rest: [ints(1), ints(END), ints(1), ints(2)] },
  { opset: 13, op: 'Slice', x: [4, 5], rest: [ints(-1), ints(-END), ints(1), ints(-2)] },
  { opset: 13, op: 'Slice', x: [4, 5], rest: [ints(3), ints(1), ints(0)] },
  { opset: 11, op: 'Split', x: [2, 6], attributes: { axis: 1, split: [1, 5] }, outputs: 2 },
  { opset: 12, op: 'Split', x: [6], outputs: 3 },
  { opset: 13, op: 'Split', x: [2, 6], attributes: { axis: -1 }, rest: [ints(4, 2)], outputs: 2 },
  { opset: 18, op: 'Split', x: [2, 7], attributes: { axis: 1, num_outputs: 3 }, outputs: 3 },
  { opset: 7, op: 'Pad', x: [2, 3], attributes: { pads: [0, 1, 1, 2], value: 0.5 }, floats: ['value'] },
  { opset: 10, op: 'Pad', x: [2, 3], attributes: { pads: [0, 2, 0, 1], mode: 'reflect' } },
  { opset: 11, op: 'Pad', x: [2, 3], rest: [ints(0, -1, 1, 2), scalar(-2)] },
  { opset: 13, op: 'Pad', x: [2, 3], attributes: { mode: 'edge' }, rest: [ints(2, 1, 0, 3)] },
  { opset: 18, op: 'Pad', x: [2, 3], rest: [ints(1, 2), scalar(3), ints(-1)] },
  ...(['ReduceMean', 'ReduceMax', 'ReduceL2', 'ReduceProd'] as const).flatMap((op): Case[] => [
    { opset: 13, op, x: [2, 3, 4], attributes: { axes: [-1, 0], keepdims: 0 } },
    { opset: 18, op, x: [2, 3, 4], rest: [ints(1)] },
    { opset: 17, op, x: [2, 3, 4] },
  ]),
  { opset: 11, op: 'ReduceSum', x: [2, 3, 4], attributes: { axes: [1] } },
  { opset: 13, op: 'ReduceSum', x: [2, 3, 4], rest: [ints(0, 2)], attributes: { keepdims: 0 } },
  { opset: 13, op: 'ReduceSum', x: [2, 3], attributes: { noop_with_empty_axes: 1 } },
  { opset: 7, op: 'Dropout', x: [5], attributes: { ratio: 0.5 }, floats: ['ratio'] },
  { opset: 12, op: 'Dropout', x: [5], rest: [scalar(0.5)] },
  { opset: 9, op: 'Upsample', x: [1, 2, 3, 4], rest: [floats(1, 1, 2, 3)] },
  {
    opset: 7,
    op: 'Upsample',
    x: [1, 2, 3, 4],
    attributes: { scales: [1, 1, 2, 2], mode: 'linear' },
    floats: ['scales'],
  },
  { opset: 10, op: 'Resize', x: [1, 2, 3, 4], rest: [floats(1, 1, 2, 1.5)] },
  ...['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].flatMap((mode): Case[] => [
    {
      ...{ opset: 11, op: 'Resize', x: [1, 2, 4, 5] },
      attributes: { mode: 'linear', coordinate_transformation_mode: mode },
      rest: [floats(), floats(), ints(1, 2, 7, 3)],
    },
    {
      ...{ opset: 13, op: 'Resize', x: [1, 2, 4, 5] },
      attributes: { mode: 'cubic', coordinate_transformation_mode: mode, cubic_coeff_a: -0.5 },
      floats: ['cubic_coeff_a'],
      rest: [null, floats(1, 1, 1.5, 2)],
    },
    {
      ...{ opset: 13, op: 'Resize', x: [1, 2, 4, 5] },
      attributes: { mode: 'nearest', coordinate_transformation_mode: mode, nearest_mode: 'floor' },
      rest: [null, null, ints(1, 2, 9, 8)],
    },
  ]),
  // Windows.
  ...['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].flatMap((auto_pad): Case[] => [
    {
      ...{ opset: 11, op: 'Conv', x: image, rest: [weights(4, 3, 3, 2), weights(4)] },
      attributes: { auto_pad, strides: [2, 1], kernel_shape: [3, 2] },
    },
    { opset: 11, op: 'MaxPool', x: image, attributes: pool({ auto_pad, strides: [2, 3] }) },
    { opset: 11, op: 'AveragePool', x: image, attributes: pool({ auto_pad, strides: [2, 3] }) },
  ]),
  {
    opset: 11,
    op: 'Conv',
    x: image,
    rest: [weights(6, 1, 3, 2)],
    attributes: { group: 3, pads: [2, 0, 1, 1], dilations: [2, 3] },
  },
  { opset: 11, op: 'Conv', x: [2, 3, 9], rest: [weights(4, 3, 3)], attributes: { pads: [1, 2], strides: [2] } },
  {
    opset: 11,
    op: 'Conv',
    x: [1, 2, 4, 4, 4],
    rest: [weights(3, 2, 2, 2, 2)],
    attributes: { pads: [1, 1, 1, 1, 1, 1] },
  },
  {
    opset: 11,
    op: 'ConvTranspose',
    x: image,
    rest: [weights(3, 2, 3, 3), weights(2)],
    attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
  },
  {
    opset: 11,
    op: 'ConvTranspose',
    x: image,
    rest: [weights(3, 2, 3, 3), weights(2)],
    attributes: { strides: [2, 2], pads: [0, 1, 2, 1], dilations: [1, 2] },
  },
  {
    opset: 11,
    op: 'ConvTranspose',
    x: image,
    rest: [weights(3, 2, 3, 3)],
    attributes: { strides: [3, 2], output_shape: [21, 17] },
  },
  {
    opset: 11,
    op: 'ConvTranspose',
    x: image,
    rest: [weights(3, 2, 3, 3)],
    attributes: { strides: [2, 2], auto_pad: 'SAME_UPPER' },
  },
  {
    opset: 11,
    op: 'ConvTranspose',
    x: image,
    rest: [weights(3, 2, 3, 3)],
    attributes: { strides: [2, 2], auto_pad: 'SAME_LOWER' },
  },
  { opset: 8, op: 'MaxPool', x: image, attributes: pool({ pads: [1, 0, 0, 1] }) },
  { opset: 12, op: 'MaxPool', x: image, attributes: pool({ dilations: [2, 3], strides: [2, 2], ceil_mode: 1 }) },
  { opset: 10, op: 'MaxPool', x: image, attributes: pool({ pads: [1, 1, 1, 1], strides: [3, 3], ceil_mode: 1 }) },
  ...[0, 1].flatMap((count_include_pad): Case[] => [
    {
      opset: 7,
      op: 'AveragePool',
      x: image,
      attributes: pool({ count_include_pad, pads: [1, 0, 0, 1], strides: [2, 2] }),
    },
    { opset: 11, op: 'AveragePool', x: image, attributes: pool({ count_include_pad, pads: [1, 1, 1, 1] }) },
    { opset: 11, op: 'AveragePool', x: image, attributes: pool({ count_include_pad, strides: [3, 3], ceil_mode: 1 }) },
  ]),
  { opset: 7, op: 'GlobalLpPool', x: image, attributes: { p: 3 } },
  { opset: 11, op: 'LpPool', x: image, attributes: pool({ pads: [1, 0, 0, 1] }) },
  {
    opset: 7,
    op: 'LRN',
    x: [2, 6, 3, 3],
    attributes: { size: 5, alpha: 0.3, beta: 0.6, bias: 2 },
    floats: ['alpha', 'beta', 'bias'],
  },
  ...[7, 9, 14, 15].map((opset): Case => ({
    ...{ opset, op: 'BatchNormalization', x: image },
    rest: [floats(1, 2, -1), floats(0.5, 0, 1), floats(0.1, 0.2, -0.3), floats(0.5, 1.5, 2)],
    attributes: { epsilon: 0.01 },
    floats: ['epsilon'],
  })),
  { opset: 17, op: 'LayerNormalization', x: [2, 3, 4], rest: [weights(3, 4), weights(3, 4)], attributes: { axis: 1 } },
  {
    opset: 18,
    op: 'GroupNormalization',
    x: [2, 4, 3],
    rest: [floats(1, 2), floats(0.5, -1)],
    attributes: { num_groups: 2 },
  },
  { opset: 21, op: 'GroupNormalization', x: [2, 4, 3], rest: [weights(4), weights(4)], attributes: { num_groups: 2 } },
  {
    opset: 7,
    op: 'Gemm',
    x: [3, 2],
    rest: [weights(4, 3), weights(4)],
    attributes: { transA: 1, transB: 1, alpha: 0.5, beta: 2 },
    floats: ['alpha', 'beta'],
  },
  { opset: 11, op: 'Gemm', x: [2, 3], rest: [weights(3, 4)] },
  { opset: 14, op: 'HardSwish', x: [9] },
  { opset: 18, op: 'Mish', x: [9] },
  { opset: 20, op: 'Gelu', x: [9], attributes: { approximate: 'tanh' } },
  { opset: 11, op: 'DepthToSpace', x: [1, 8, 2, 3], attributes: { blocksize: 2, mode: 'CRD' } },
];

beforeEach(() => {
  manualSeed(0);
});

describe.each([...new Set(CASES.map(({ op }) => op))])('%s', (op) => {
  const own = CASES.filter((one) => one.op === op).map((one, i) => [`${i}, version ${one.opset}`, one] as const);
  test.each(own)('case %s', async (_name, one) => {
    const model = modelOf(one);
    const run = await open(encodeModel(model));
    const x = randn([...one.x]);
    const expected = await run({ x });
    const y = importOnnx<ReturnType<typeof randn> | ReturnType<typeof randn>[]>(model)(x);
    const results = Array.isArray(y) ? y : [y];
    expect(results).toHaveLength(one.outputs ?? 1);
    for (const [i, result] of results.entries()) {
      expect([...result.shape]).toEqual([...expected[`y${i}`].dims]);
      expectClose(await result.data(), Array.from(expected[`y${i}`].data, Number), { rtol: 1e-5, atol: 1e-6 });
    }
  });
});
