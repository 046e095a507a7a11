import { describe, expect, test } from 'vitest';
import {
  checkModel,
  encodeModel,
  formatModel,
  IR_VERSION,
  type OnnxModel,
  tensorData,
  tensorFrom,
} from '../src/index.js';
import { EVERYTHING, modelOf } from './helpers.js';

const relu = (from: string, to: string, name?: string) => ({
  opType: 'Relu',
  ...(name && { name }),
  inputs: [from],
  outputs: [to],
});
const message = (model: OnnxModel): string => {
  try {
    checkModel(model);
  } catch (error) {
    return (error as Error).message;
  }
  return 'passed';
};

describe('checkModel', () => {
  test('passes what hangs together', () => {
    expect(message(EVERYTHING)).toBe('passed');
    // An input with a default.
    expect(
      message(
        modelOf({ nodes: [relu('x', 'y')], initializers: [tensorFrom(new Float32Array(6), 'float32', [2, 3], 'x')] }),
      ),
    ).toBe('passed');
  });

  test('names are given once', () => {
    expect(message(modelOf({ nodes: [relu('x', 'y', 'a'), relu('x', 'y', 'b')] }))).toMatchInlineSnapshot(
      `"checkModel: 'y' is an output of node 'b' (Relu), and already an output of node 'a' (Relu); every name is given once (static single assignment)."`,
    );
    expect(message(modelOf({ nodes: [relu('x', 'x')] }))).toMatchInlineSnapshot(
      `"checkModel: 'x' is an output of node of 'x' (Relu), and already an input of graph 'g'; every name is given once (static single assignment)."`,
    );
    const one = tensorFrom([1], 'float32', [1], 'w');
    expect(message(modelOf({ initializers: [one, one] }))).toMatchInlineSnapshot(
      `"checkModel: two initializers are called 'w'."`,
    );
  });

  test('names are given before they are read', () => {
    expect(message(modelOf({ nodes: [relu('a', 'y'), relu('x', 'a', 'first')] }))).toMatchInlineSnapshot(
      `"checkModel: node of 'y' (Relu) reads 'a' before node 'first' (Relu) has made it; put nodes after what they read."`,
    );
    expect(message(modelOf({ nodes: [relu('nowhere', 'y', 'act')] }))).toMatchInlineSnapshot(
      `"checkModel: node 'act' (Relu) reads 'nowhere', which no node makes and which is no input or initializer."`,
    );
    expect(message(modelOf({ nodes: [relu('y', 'y')] }))).toMatchInlineSnapshot(
      `"checkModel: node of 'y' (Relu) reads 'y', its own output."`,
    );
  });

  test('outputs are made by something', () => {
    expect(message(modelOf({ nodes: [relu('x', 'z')] }))).toMatchInlineSnapshot(
      `"checkModel: output 'y' of graph 'g' is made by no node and is no input or initializer."`,
    );
  });

  test('a graph in an attribute is checked with the names around it', () => {
    const body = { name: 'body', inputs: [], outputs: [], nodes: [relu('x', 'inner'), relu('later', 'other')] };
    const node = {
      opType: 'If',
      inputs: ['x'],
      outputs: ['y'],
      attributes: { then_branch: { type: 'graph', value: body } as const },
    };
    expect(message(modelOf({ nodes: [node, relu('x', 'later')] }))).toMatchInlineSnapshot(
      `"checkModel: node of 'other' (Relu) reads 'later', which no node makes and which is no input or initializer."`,
    );
  });

  test('domains are imported', () => {
    const node = { ...relu('x', 'y'), domain: 'com.microsoft' };
    expect(message(modelOf({ nodes: [node] }))).toMatchInlineSnapshot(
      `"checkModel: node of 'y' (Relu) is of domain 'com.microsoft', whose opset is not imported; add opsets: { 'com.microsoft': 1 }."`,
    );
    expect(message(modelOf({ nodes: [relu('x', 'y')] }, {}))).toMatchInlineSnapshot(
      `"checkModel: node of 'y' (Relu) is of domain '', whose opset is not imported; add opsets: { '': OPSET }."`,
    );
  });

  test('data is as long as its shape says', () => {
    const tensor = { ...tensorFrom([1, 2], 'float32', [2], 'w'), shape: [3] };
    expect(message(modelOf({ nodes: [relu('x', 'y')], initializers: [tensor] }))).toMatchInlineSnapshot(
      `"checkModel: initializer 'w' is float32[3] and so has 12 bytes, got 8."`,
    );
    const node = { ...relu('x', 'y'), attributes: { value: { type: 'tensor', value: tensor } as const } };
    expect(message(modelOf({ nodes: [node] }))).toMatchInlineSnapshot(
      `"checkModel: attribute 'value' of node of 'y' (Relu) is float32[3] and so has 12 bytes, got 8."`,
    );
  });

  test('inputs and outputs have a dtype, and versions are numbers from 1 up', () => {
    expect(message(modelOf({ inputs: [{ name: 'x' }], nodes: [relu('x', 'y')] }))).toMatchInlineSnapshot(
      `"checkModel: input 'x' has no dtype, which inputs and outputs of a model need."`,
    );
    expect(message({ ...modelOf({ nodes: [relu('x', 'y')] }), irVersion: 0 })).toMatchInlineSnapshot(
      `"checkModel: irVersion is 0, expected 3 or more: IR_VERSION is what this package writes."`,
    );
    expect(message(modelOf({ nodes: [relu('x', 'y')] }, { '': 0 }))).toMatchInlineSnapshot(
      `"checkModel: the opset version of domain '' is 0, expected 1 or more."`,
    );
  });
});

describe('encodeModel refuses', () => {
  const withAttribute = (value: unknown) =>
    modelOf({ nodes: [{ ...relu('x', 'y', 'act'), attributes: { alpha: value as never } }] });

  test('data that is not as long as its shape says', () => {
    const tensor = { ...tensorFrom([1, 2], 'float32', [2], 'w'), shape: [3] };
    expect(() => encodeModel(modelOf({ initializers: [tensor] }))).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: encodeModel: tensor 'w' is float32[3] but has 8 bytes of data, expected 3 × 4 bytes. tensorFrom(values, dtype, shape) makes the bytes from a typed array.]`,
    );
  });

  test('numbers that the file cannot hold', () => {
    expect(() => encodeModel(withAttribute({ type: 'int', value: 0.5 }))).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: encodeModel: attribute 'alpha' of node 'act' (Relu): expected an integer, got 0.5. Beyond ±(2^53 - 1) write a bigint, which may have 64 bits.]`,
    );
    expect(() => encodeModel(withAttribute({ type: 'ints', value: [2n ** 63n] }))).toThrow('expected an integer');
    expect(() => encodeModel(withAttribute({ type: 'int', value: 2 ** 53 }))).toThrow('expected an integer');
    expect(() => encodeModel(withAttribute({ type: 'float', value: 1e300 }))).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: encodeModel: attribute 'alpha' of node 'act' (Relu): 1e+300 is beyond float32, which ONNX's attributes are.]`,
    );
  });
});

describe('tensorFrom', () => {
  test('is a view of a typed array, and converts numbers', () => {
    const values = new Float32Array([1, 2, 3]).subarray(1);
    const tensor = tensorFrom(values, 'float32');
    expect(tensor.data.buffer).toBe(values.buffer);
    expect(tensorData(tensor)).toEqual(Float32Array.of(2, 3));
    expect(tensorData(tensorFrom([-1, 2], 'int64'))).toEqual(BigInt64Array.of(-1n, 2n));
    expect(tensorData(tensorFrom([1n], 'int32'))).toEqual(Int32Array.of(1));
    expect(tensorFrom([1], 'float32', [], 'one')).toMatchObject({ name: 'one', shape: [] });
  });

  test('rounds to float16 and bfloat16', () => {
    const values = Float32Array.of(0.1, 70000);
    expect(tensorData(tensorFrom(values, 'float16'), { widen: true })).toEqual(
      Float32Array.of(0.0999755859375, Infinity),
    );
    expect(tensorData(tensorFrom(values, 'bfloat16'), { widen: true })).toEqual(Float32Array.of(0.10009765625, 70144));
  });

  test('names what does not fit', () => {
    expect(() => tensorFrom([1, 2], 'float32', [3])).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: tensorFrom: shape [3] has 3 elements, the values are 2.]`,
    );
    expect(() => tensorFrom(new Int32Array(2), 'int64')).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: tensorFrom: int64 takes a BigInt64Array, got Int32Array. Array.from(values) as plain numbers is converted.]`,
    );
    expect(() => tensorFrom(new Float64Array(2), 'float16')).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: tensorFrom: float16 takes a Uint16Array of bits or a Float32Array, got Float64Array. Array.from(values) as plain numbers is converted.]`,
    );
  });
});

describe('tensorData', () => {
  test('reads data at any place in memory', () => {
    const bytes = new Uint8Array(9);
    bytes.set(new Uint8Array(Float32Array.of(1, 2).buffer), 1);
    const tensor = { dtype: 'float32', shape: [2], data: bytes.subarray(1) } as const;
    expect(tensorData(tensor)).toEqual(Float32Array.of(1, 2));
  });

  test('names what does not fit', () => {
    expect(() =>
      tensorData({ name: 'w', dtype: 'float32', shape: [1], data: new Uint8Array(3) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: tensorData: tensor 'w' has 3 bytes, no multiple of the 4 of a float32.]`,
    );
    expect(() =>
      tensorData({ name: 's', dtype: 'string', shape: [], data: new Uint8Array(0) }),
    ).toThrowErrorMatchingInlineSnapshot(`[OnnxError: tensorData: tensor 's' holds strings; read tensor.strings.]`);
  });
});

test('formatModel prints one line a node', () => {
  expect(formatModel({ ...EVERYTHING, irVersion: IR_VERSION }, { elements: 4 })).toMatchInlineSnapshot(`
    "<
      ir_version: 8,
      opset_import: ["" : 17],
      producer_name: "fakkel",
      producer_version: "0.0.0",
      domain: "org.example",
      model_version: 3,
      doc_string: "All of it: \\"quotes\\", ünïcödé",
      metadata_props: ["author" : "nobody", "license" : "Apache-2.0"]
    >
    everything (float[2,3] x, bool c, float[batch,1,8,8] image) => (float[2,3] y, float[batch,4,h,w] z, float16[2] h, float[3,2] r, float[2,3] clipped)
    <
      float[4,1,3,3] weight = {0, 0.14285715, 0.2857143, 0.42857143, ...},
      int64[2] shape = {3, -1},
      float most = {6},
      float[0,3] empty = {},
      string[2] text = {"a", "ß"},
      float[2,3] chosen
    >
    {
      chosen = If <then_branch = then () => (float[2,3] t)
      <
        float[3] bias = {1, 2, 3}
      >
      {
        t = Add (x, bias)
      }, else_branch = else () => (float[2,3] e) {
        e = Neg (x)
      }> (c)
      y = LeakyRelu <alpha = 0.0> (chosen)
      z = Conv <pads = [1, 1, 1, 1], group = 1, auto_pad = "NOTSET"> (image, weight)
      h = Constant <value = float16[2] {0.5, -2}> ()
      r = Reshape (x, shape)
      clipped = Clip (x, "", most)
    }
    "
  `);
});
