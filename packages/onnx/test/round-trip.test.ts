import { describe, expect, test } from 'vitest';
import { checkerNote, checkModels, hasChecker, parseModels } from '../../../test/onnx-checker.js';
import {
  checkModel,
  decodeModel,
  encodeModel,
  formatModel,
  type OnnxAttribute,
  type OnnxDType,
  type OnnxTensor,
  tensorFrom,
} from '../src/index.js';
import { EVERYTHING, modelOf } from './helpers.js';

const withAttributes = (attributes: Record<string, OnnxAttribute>) =>
  modelOf(
    { nodes: [{ opType: 'Op', domain: 'test.fakkel', inputs: ['x'], outputs: ['y'], attributes }] },
    { 'test.fakkel': 1 },
  );

const withTensor = (tensor: OnnxTensor) =>
  modelOf({ nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'] }], initializers: [tensor] });

const VALUES: Record<Exclude<OnnxDType, 'string'>, readonly (number | bigint)[]> = {
  float32: [0, -1.5, Infinity],
  float64: [0, 5e-324, -Infinity],
  float16: [1, 65504, -0.5],
  bfloat16: [1, -2, 0.5],
  bool: [0, 1, 1],
  int8: [-128, 127, 0],
  uint8: [0, 255, 1],
  int16: [-32768, 32767, 0],
  uint16: [0, 65535, 1],
  int32: [-(2 ** 31), 2 ** 31 - 1, 0],
  uint32: [0, 2 ** 32 - 1, 1],
  int64: [-(2n ** 63n), 2n ** 63n - 1n, 0n],
  uint64: [0n, 2n ** 64n - 1n, 1n],
};
const dtypes = Object.keys(VALUES) as (keyof typeof VALUES)[];
const tensors = dtypes.map((dtype) => tensorFrom(VALUES[dtype], dtype, [3], `a_${dtype}`));

describe('a model comes back as it was written', () => {
  test('with one of everything', () => {
    expect(decodeModel(encodeModel(EVERYTHING))).toStrictEqual(EVERYTHING);
  });

  test.each(tensors)('with an initializer of $dtype', (tensor) => {
    expect(decodeModel(encodeModel(withTensor(tensor)))).toStrictEqual(withTensor(tensor));
  });

  const attributes: Record<string, OnnxAttribute> = {
    zero: { type: 'int', value: 0 },
    negative: { type: 'int', value: -1 },
    safe: { type: 'int', value: Number.MAX_SAFE_INTEGER },
    beyond: { type: 'int', value: 2n ** 53n },
    most: { type: 'int', value: 2n ** 63n - 1n },
    ints: { type: 'ints', value: [0, -5, -(2n ** 63n)] },
    noInts: { type: 'ints', value: [] },
    float: { type: 'float', value: Math.fround(0.1) },
    nan: { type: 'float', value: NaN },
    floats: { type: 'floats', value: [0, -Infinity] },
    string: { type: 'string', value: 'grün' },
    empty: { type: 'string', value: '' },
    byteOrderMark: { type: 'string', value: '\ufeffa' },
    strings: { type: 'strings', value: ['', 'b'] },
    tensor: { type: 'tensor', value: tensors[0] },
    tensors: { type: 'tensors', value: tensors },
    graph: { type: 'graph', value: EVERYTHING.graph },
    graphs: { type: 'graphs', value: [EVERYTHING.graph, EVERYTHING.graph] },
    ['__proto__x']: { type: 'int', value: 1 },
  };
  test.each(Object.keys(attributes))('with an attribute: %s', (name) => {
    const model = withAttributes({ [name]: attributes[name] });
    expect(decodeModel(encodeModel(model))).toStrictEqual(model);
  });

  test('where a name is __proto__', () => {
    const attributes = Object.fromEntries([['__proto__', { type: 'int', value: 1 } as const]]);
    const { nodes } = decodeModel(encodeModel(withAttributes(attributes))).graph;
    expect(Object.entries(nodes[0].attributes!)).toEqual([['__proto__', { type: 'int', value: 1 }]]);
  });

  test('with shapes that are partly known, or not at all', () => {
    const inputs = [
      { name: 'x', dtype: 'float32', shape: [0, 'n', ''] },
      { name: 'ofAnyRank', dtype: 'int64' },
      { name: 'scalar', dtype: 'bool', shape: [] },
      { name: 'untyped' },
      { name: 'untypedMatrix', shape: [2, 2] },
    ] as const;
    expect(decodeModel(encodeModel(modelOf({ inputs }))).graph.inputs).toStrictEqual(inputs);
  });
});

test('floats are rounded to float32, as the file has them', () => {
  const model = withAttributes({ alpha: { type: 'float', value: 0.1 } });
  expect(decodeModel(encodeModel(model)).graph.nodes[0].attributes!.alpha.value).toBe(Math.fround(0.1));
});

test("ONNX's domain has two names, and is read as the empty one", () => {
  const model = modelOf(
    { nodes: [{ opType: 'Relu', domain: 'ai.onnx', inputs: ['x'], outputs: ['y'] }] },
    { 'ai.onnx': 17 },
  );
  const read = decodeModel(encodeModel(model));
  expect(read.opsets).toEqual({ '': 17 });
  expect(read.graph.nodes[0].domain).toBeUndefined();
});

describe('large data', () => {
  test('is copied once when it is written, and not when it is read', () => {
    const data = new Uint8Array(50e6).fill(7);
    const model = withTensor({ name: 'w', dtype: 'uint8', shape: [50e6], data });
    const bytes = encodeModel(model);
    expect(bytes.byteLength).toBeLessThan(50e6 + 200);
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
    const read = decodeModel(bytes).graph.initializers![0].data;
    expect(read.buffer).toBe(bytes.buffer);
    expect([read.byteLength, read[0], read.at(-1)]).toEqual([50e6, 7, 7]);
  });

  test('beyond 2 GiB is an error, before anything of that size is allocated', () => {
    const data = new Uint8Array(0);
    Object.defineProperty(data, 'byteLength', { value: 2 ** 31 });
    const tensor: OnnxTensor = { name: 'w', dtype: 'uint8', shape: [2 ** 31], data };
    // One whose own length is below the limit, and a sum that is not.
    const half = new Uint8Array(0);
    Object.defineProperty(half, 'byteLength', { value: 2 ** 30 });
    const halves = ['a', 'b'].map((name): OnnxTensor => ({ name, dtype: 'uint8', shape: [2 ** 30], data: half }));
    for (const initializers of [[tensor], halves]) {
      expect(() => encodeModel(modelOf({ initializers }))).toThrow('more than the 2 GiB of a protobuf file');
    }
  });
});

describe("ONNX's own checker", () => {
  test.skipIf(!hasChecker)(`accepts what is written${checkerNote}`, async () => {
    const models = [EVERYTHING, ...tensors.map(withTensor)];
    for (const model of models) checkModel(model);
    expect(await checkModels(models.map(encodeModel))).toEqual(models.map(() => undefined));
  });

  test.skipIf(!hasChecker)(`refuses a model that is wrong: this file tests something${checkerNote}`, async () => {
    const wrong = modelOf({ nodes: [{ opType: 'Relu', inputs: ['nothing'], outputs: ['y'] }] });
    expect((await checkModels([encodeModel(wrong)]))[0]).toContain('nothing');
  });

  test.skipIf(!hasChecker)(`parses the text of a model to the model${checkerNote}`, async () => {
    const graph = { name: 'then', inputs: [], outputs: EVERYTHING.graph.outputs.slice(0, 1), nodes: [] };
    const models = [
      withTensor(tensorFrom([1.5, -2, 1e-8], 'float32', [3], 'w')),
      withTensor(tensorFrom([3, -1], 'int64', [2], 'w')),
      withAttributes({
        a: { type: 'int', value: -3 },
        b: { type: 'float', value: 2 },
        c: { type: 'string', value: 'a text' },
        d: { type: 'ints', value: [1, 2] },
        e: { type: 'floats', value: [Math.fround(0.1), 2] },
        f: { type: 'strings', value: ['a', 'b'] },
        g: { type: 'graph', value: graph },
      }),
      { ...modelOf({ inputs: [{ name: 'x', dtype: 'float32', shape: ['n', ''] }] }), producerName: 'fakkel' },
    ];
    const files = await parseModels(models.map((model) => formatModel(model)));
    expect(files.map((file) => formatModel(decodeModel(file)))).toEqual(models.map((model) => formatModel(model)));
  });
});

test('a network of 1,500 nodes is written in milliseconds', () => {
  const nodes = Array.from({ length: 1500 }, (_, i) => ({
    opType: 'Conv',
    name: `conv${i}`,
    inputs: [`x${i}`, `weight${i}`, `bias${i}`],
    outputs: [`x${i + 1}`],
    attributes: {
      pads: { type: 'ints', value: [1, 1, 1, 1] },
      strides: { type: 'ints', value: [1, 1] },
      group: { type: 'int', value: 1 },
    } as const,
  }));
  const model = modelOf({ nodes });
  let fastest = Infinity;
  for (let run = 0; run < 20; run++) {
    const start = performance.now();
    encodeModel(model);
    fastest = Math.min(fastest, performance.now() - start);
  }
  expect(fastest).toBeLessThan(30); // 1.5 ms on two cores of a small server
});
