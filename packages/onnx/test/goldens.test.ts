/** Files that Python's onnx has written: `tools/goldens/onnx_files.py`. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { checkModel, decodeModel, encodeModel, OnnxError, tensorData } from '../src/index.js';
import { golden } from './helpers.js';

interface Expected {
  dtype: string;
  shape: number[];
  data: string;
  strings?: string[];
}
const { tensors } = JSON.parse(readFileSync(new URL('./goldens/onnx/index.json', import.meta.url), 'utf8')) as {
  tensors: Record<string, Expected>;
};

describe('tensors', () => {
  const model = decodeModel(golden('tensors.onnx'));
  const read = new Map(model.graph.initializers!.map((tensor) => [tensor.name, tensor]));

  test('are all read', () => expect([...read.keys()]).toEqual(Object.keys(tensors)));

  test.each(Object.entries(tensors))('%s', (name, { dtype, shape, data, strings }) => {
    expect(read.get(name)).toEqual({
      name,
      dtype,
      shape,
      data: Uint8Array.from(Buffer.from(data, 'base64')),
      ...(strings && { strings }),
    });
  });

  test('as typed arrays', () => {
    expect(tensorData(read.get('int64_field')!)).toEqual(
      BigInt64Array.of(0n, -(2n ** 63n), 2n ** 63n - 1n, -1n, 1n, 5n),
    );
    expect(tensorData(read.get('float16_raw')!, { widen: true })).toEqual(
      Float32Array.of(0, -1.5, 65504, 2 ** -24, Infinity, 0.0999755859375),
    );
    expect(tensorData(read.get('bfloat16_field')!, { widen: true })).toEqual(
      Float32Array.of(0, -1.5, 9.969209968386869e37, 1, Infinity, 3),
    );
    expect(tensorData(read.get('bool_field')!)).toEqual(Uint8Array.of(0, 1, 1, 0, 0, 1));
  });

  test('hang together, and are the same once written and read again', () => {
    checkModel(model);
    expect(decodeModel(encodeModel(model))).toStrictEqual(model);
  });
});

test('attributes of every type', () => {
  const model = decodeModel(golden('attributes.onnx'));
  const { graph, ...rest } = model;
  expect(rest).toEqual({
    irVersion: 8,
    opsets: { '': 17, 'test.fakkel': 2 },
    producerName: 'fakkel goldens',
    producerVersion: '1',
    domain: 'org.example',
    modelVersion: 7,
    docString: 'Every type of attribute.',
    metadata: { author: 'nobody', ключ: 'значение' },
  });
  expect(graph.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: ['n', ''] }]);
  expect(graph.outputs).toEqual([{ name: 'y', dtype: 'float32', shape: ['n', 0] }]);
  const [node] = graph.nodes;
  const tensor = {
    name: 't',
    dtype: 'float32',
    shape: [2],
    data: new Uint8Array(Float32Array.of(1.5, -2).buffer),
  };
  const body = {
    name: 'body',
    inputs: [],
    outputs: [{ name: 'inner', dtype: 'float32', shape: [2, 3] }],
    nodes: [{ opType: 'Relu', inputs: ['x'], outputs: ['inner'] }],
  };
  expect(node).toEqual({
    opType: 'Everything',
    domain: 'test.fakkel',
    name: 'all',
    inputs: ['x', '', 'x'],
    outputs: ['y'],
    attributes: {
      an_int: { type: 'int', value: -3 },
      zero: { type: 'int', value: 0 },
      most: { type: 'int', value: 2n ** 63n - 1n },
      least: { type: 'int', value: -(2n ** 63n) },
      safe: { type: 'int', value: Number.MAX_SAFE_INTEGER },
      a_float: { type: 'float', value: Math.fround(0.1) },
      a_string: { type: 'string', value: 'grün' },
      a_tensor: { type: 'tensor', value: tensor },
      a_graph: { type: 'graph', value: body },
      some_ints: { type: 'ints', value: [1, -1, 2n ** 62n] },
      some_floats: { type: 'floats', value: [0.5, Infinity] },
      some_strings: { type: 'strings', value: ['a', ''] },
      some_tensors: { type: 'tensors', value: [tensor, tensor] },
      some_graphs: { type: 'graphs', value: [body] },
    },
  });
  expect(decodeModel(encodeModel(model))).toStrictEqual(model);
});

test('graphs in attributes, which read names of the graph around them', () => {
  const model = decodeModel(golden('branches.onnx'));
  checkModel(model);
  const { attributes } = model.graph.nodes[0];
  expect(attributes!.then_branch).toMatchObject({ type: 'graph', value: { name: 'then', nodes: [{ inputs: ['x'] }] } });
  expect(model.graph.values).toEqual([{ name: 'unused', dtype: 'float32', shape: ['n', 4] }]);
});

describe('data outside the file', () => {
  test('is asked for by name, place and length', () => {
    const bytes = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    const asked: unknown[] = [];
    const external = (...args: unknown[]) => {
      asked.push(args);
      return bytes;
    };
    const [w] = decodeModel(golden('external.onnx'), { external }).graph.initializers!;
    expect(asked).toEqual([['weights.bin', 64, 24]]);
    expect(w).toEqual({ name: 'w', dtype: 'float32', shape: [2, 3], data: bytes });
  });

  test('is an error that names the file, where nobody reads it or it is short', () => {
    expect(() => decodeModel(golden('external.onnx'))).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: decodeModel: initializer 'w' has its data in the file 'weights.bin', beside the model's. Pass { external: (location, offset, length) => bytes } to read it.]`,
    );
    const external = () => new Uint8Array(3);
    expect(() => decodeModel(golden('external.onnx'), { external })).toThrowErrorMatchingInlineSnapshot(
      `[OnnxError: decodeModel: initializer 'w' needs 24 bytes of 'weights.bin' at offset 64, got 3.]`,
    );
  });
});

describe('what is not supported is named', () => {
  const message = (name: string) => {
    try {
      decodeModel(golden(name));
    } catch (error) {
      expect(error).toBeInstanceOf(OnnxError);
      return (error as OnnxError).message;
    }
    throw new Error(`${name} was read`);
  };
  test('sparse tensors', () => {
    expect(message('sparse-initializer.onnx')).toMatchInlineSnapshot(
      `"decodeModel: initializer 'sparse' of graph 'g' is a sparse tensor, which is not supported. Export it dense."`,
    );
    expect(message('sparse-attribute.onnx')).toMatchInlineSnapshot(
      `"decodeModel: attribute 'sparse_value' of node 'const' (Constant) is a sparse tensor, which is not supported."`,
    );
  });
  test('types as attributes', () => {
    expect(message('type-attribute.onnx')).toMatchInlineSnapshot(
      `"decodeModel: attribute 'type' of node of 'o' (Optional) is a type, which is not supported."`,
    );
  });
  test('functions of the model', () => {
    expect(message('functions.onnx')).toMatchInlineSnapshot(
      `"decodeModel: the model has functions of its own (local.Twice), which is not supported. Export it without them, or inline them with onnx.inliner."`,
    );
  });
  test('sequences', () => {
    expect(message('sequence.onnx')).toMatchInlineSnapshot(
      `"decodeModel: output 's' is no tensor (a sequence, map or optional, perhaps), which is not supported."`,
    );
  });
  test('complex numbers', () => {
    expect(message('complex.onnx')).toMatchInlineSnapshot(
      `"decodeModel: initializer 'complex' has element type complex64 (14); read are float32, uint8, int8, uint16, int16, int32, int64, string, bool, float16, float64, uint32, uint64, bfloat16."`,
    );
  });
});
