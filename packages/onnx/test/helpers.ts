import { readFileSync } from 'node:fs';
import { IR_VERSION, type OnnxGraph, type OnnxModel, OPSET, tensorFrom } from '../src/index.js';

/** The bytes of a file that `tools/goldens/onnx_files.py` has made. */
export function golden(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`./goldens/onnx/${name}`, import.meta.url)));
}

/** A model of one graph with an input x and an output y, both float32[2,3]. */
export function modelOf(graph: Partial<OnnxGraph>, opsets: OnnxModel['opsets'] = { '': OPSET }): OnnxModel {
  const type = { dtype: 'float32', shape: [2, 3] } as const;
  const io = { inputs: [{ name: 'x', ...type }], outputs: [{ name: 'y', ...type }] };
  return { irVersion: IR_VERSION, opsets, graph: { name: 'g', nodes: [], ...io, ...graph } };
}

const value = (name: string) => ({ name, dtype: 'float32', shape: [2, 3] }) as const;

/** A model with one of everything that operators of ONNX take. */
export const EVERYTHING: OnnxModel = {
  irVersion: IR_VERSION,
  opsets: { '': OPSET },
  producerName: 'fakkel',
  producerVersion: '0.0.0',
  domain: 'org.example',
  modelVersion: 3,
  docString: 'All of it: "quotes", ünïcödé',
  metadata: { author: 'nobody', license: 'Apache-2.0' },
  graph: {
    name: 'everything',
    inputs: [
      { name: 'x', dtype: 'float32', shape: [2, 3] },
      { name: 'c', dtype: 'bool', shape: [] },
      { name: 'image', dtype: 'float32', shape: ['batch', 1, 8, 8] },
    ],
    outputs: [
      { name: 'y', dtype: 'float32', shape: [2, 3] },
      { name: 'z', dtype: 'float32', shape: ['batch', 4, 'h', 'w'] },
      { name: 'h', dtype: 'float16', shape: [2] },
      { name: 'r', dtype: 'float32', shape: [3, 2] },
      { name: 'clipped', dtype: 'float32', shape: [2, 3] },
    ],
    nodes: [
      {
        opType: 'If',
        name: 'choose',
        inputs: ['c'],
        outputs: ['chosen'],
        attributes: {
          then_branch: {
            type: 'graph',
            value: {
              name: 'then',
              inputs: [],
              outputs: [value('t')],
              nodes: [{ opType: 'Add', inputs: ['x', 'bias'], outputs: ['t'] }],
              initializers: [tensorFrom([1, 2, 3], 'float32', [3], 'bias')],
            },
          },
          else_branch: {
            type: 'graph',
            value: {
              name: 'else',
              inputs: [],
              outputs: [value('e')],
              nodes: [{ opType: 'Neg', inputs: ['x'], outputs: ['e'] }],
            },
          },
        },
      },
      {
        opType: 'LeakyRelu',
        inputs: ['chosen'],
        outputs: ['y'],
        attributes: { alpha: { type: 'float', value: 0 } },
      },
      {
        opType: 'Conv',
        name: 'conv',
        inputs: ['image', 'weight'],
        outputs: ['z'],
        attributes: {
          pads: { type: 'ints', value: [1, 1, 1, 1] },
          group: { type: 'int', value: 1 },
          auto_pad: { type: 'string', value: 'NOTSET' },
        },
      },
      {
        opType: 'Constant',
        inputs: [],
        outputs: ['h'],
        attributes: { value: { type: 'tensor', value: tensorFrom([0.5, -2], 'float16') } },
      },
      { opType: 'Reshape', inputs: ['x', 'shape'], outputs: ['r'] },
      { opType: 'Clip', inputs: ['x', '', 'most'], outputs: ['clipped'] },
    ],
    initializers: [
      tensorFrom(
        Float32Array.from({ length: 36 }, (_, i) => i / 7),
        'float32',
        [4, 1, 3, 3],
        'weight',
      ),
      tensorFrom([3, -1], 'int64', [2], 'shape'),
      tensorFrom([6], 'float32', [], 'most'),
      tensorFrom([], 'float32', [0, 3], 'empty'),
      { name: 'text', dtype: 'string', shape: [2], data: new Uint8Array(0), strings: ['a', 'ß'] },
    ],
    values: [value('chosen')],
  },
};
