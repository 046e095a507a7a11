/** Imported models as modules: which constants are weights, modes, fine-tuning, errors. */
import { Buffer, manualSeed, nn, onCompile, Parameter, randn, type Tensor, tensor } from '@fakkel/core';
import { cifarResnet20 } from '@fakkel/models';
import { SGD } from '@fakkel/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  encodeModel,
  exportOnnx,
  importOnnx,
  type ImportOptions,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  OnnxError,
  OnnxLayer,
  tensorFrom,
} from '../src/index.js';
import { expectClose } from './import-helpers.js';

beforeEach(() => {
  manualSeed(0);
});

const int = (value: number): OnnxAttribute => ({ type: 'int', value });
const node = (
  opType: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, OnnxAttribute> = {},
): OnnxNode => ({ opType, inputs, outputs, attributes });
const float = (name: string, values: number[], shape: number[] = [values.length]) =>
  tensorFrom(values, 'float32', shape, name);
const int64 = (name: string, ...values: number[]) => tensorFrom(values, 'int64', [values.length], name);

function modelOf(graph: Partial<OnnxGraph> & Pick<OnnxGraph, 'nodes'>, opset = 17): OnnxModel {
  const inputs = [{ name: 'x', dtype: 'float32', shape: ['batch', 2] }] as const;
  const outputs = [{ name: 'y', dtype: 'float32' }] as const;
  return { irVersion: 8, opsets: { '': opset }, graph: { name: 'g', inputs, outputs, ...graph } };
}

const message = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    expect(error).toBeInstanceOf(OnnxError);
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
};

const dense = modelOf({
  nodes: [
    node('Gemm', ['x', 'fc1.weight', 'fc1.bias'], ['a'], { transB: int(1) }),
    node('Relu', ['a'], ['features']),
    node('Gemm', ['features', 'fc2.weight', 'fc2.bias'], ['y'], { transB: int(1) }),
  ],
  initializers: [
    float('fc1.weight', [1, 2, 3, -4, 5, 6], [3, 2]),
    float('fc1.bias', [0.5, 0, -1]),
    float('fc2.weight', [1, 0, -1, 2, 1, 0], [2, 3]),
    float('fc2.bias', [0, 1]),
  ],
});

describe('what is a weight', () => {
  const keys = (model: OnnxModel, options?: ImportOptions) => [...importOnnx(model, options).stateDict().keys()];

  test('inputs of layers, Constant nodes among them, also moved', async () => {
    const model = modelOf({
      nodes: [
        node('Constant', [], ['kernel'], { value: { type: 'tensor', value: float('', [1, 2, 3, 4], [2, 2]) } }),
        node('Transpose', ['kernel'], ['moved']),
        node('MatMul', ['x', 'moved'], ['product']),
        node('Add', ['product', 'bias'], ['y']),
      ],
      initializers: [float('bias', [1, 2])],
    });
    expect(keys(model).sort()).toEqual(['bias', 'kernel']);
    const module = importOnnx(model);
    module(tensor([[1, 10]]))
      .sum()
      .backward();
    expect(await module.getParameter('kernel').grad!.toArray()).toEqual([
      [1, 10],
      [1, 10],
    ]);
  });

  test('the bias of one output, but no number of a formula', () => {
    const model = modelOf({
      nodes: [
        node('MatMul', ['x', 'w'], ['product']),
        node('Add', ['product', 'bias'], ['a']),
        node('Mul', ['a', 'half'], ['b']),
        node('Add', ['b', 'epsilon'], ['y']),
      ],
      initializers: [
        float('w', [1, 2], [2, 1]),
        float('bias', [1]),
        float('half', [0.5], []),
        float('epsilon', [1e-5]),
      ],
    });
    expect(keys(model)).toEqual(['w', 'bias']);
  });

  test('not what prepares the input, nor settings; unless trainable says so', () => {
    const model = modelOf({
      nodes: [
        node('Sub', ['x', 'pixels.mean'], ['a']),
        node('Div', ['a', 'pixels.std'], ['b']),
        node('Mul', ['b', 'gain'], ['c']),
        node('Clip', ['c', 'low', 'high'], ['d']),
        node('Gemm', ['d', 'w'], ['e']),
        node('Mul', ['e', 'scale'], ['y']),
      ],
      initializers: [
        float('pixels.mean', [0.1, 0.2]),
        float('pixels.std', [1, 2]),
        float('gain', [1, 3]),
        ...[float('low', [-1], []), float('high', [1], [])],
        ...[float('w', [1, 2, 3, 4], [2, 2]), float('scale', [1, 2])],
      ],
    });
    expect(keys(model)).toEqual(['w', 'scale']);
    const seen: string[] = [];
    const module = importOnnx(model, {
      trainable: ({ name, isWeight, readers }) => {
        seen.push(`${name} ${isWeight} ${readers.map((reader) => `${reader.node.opType}[${reader.input}]`).join()}`);
        return name === 'gain' || name === 'w';
      },
    });
    expect(seen).toEqual([
      'pixels.mean false Sub[1]',
      'pixels.std false Div[1]',
      'gain false Mul[1]',
      'w true Gemm[1]',
      'scale true Mul[1]',
    ]);
    expect(module.namedParameters().map(([name, p]) => [name, p.requiresGrad])).toEqual([
      ['gain', true],
      ['w', true],
      ['scale', false],
    ]);
  });

  test('one that two nodes read is one parameter, whose gradients add up', async () => {
    const module = importOnnx(
      modelOf({
        nodes: [node('MatMul', ['x', 'w'], ['a']), node('MatMul', ['a', 'w'], ['y'])],
        initializers: [float('w', [2, 0, 0, 2], [2, 2])],
      }),
    );
    module(tensor([[1, 1]]))
      .sum()
      .backward();
    expect(module.parameters()).toHaveLength(1);
    expect(await module.parameters()[0].grad!.toArray()).toEqual([
      [4, 4],
      [4, 4],
    ]);
  });

  test('an Identity of one is another weight, and the same with tied', () => {
    const model = modelOf({
      nodes: [
        node('Identity', ['a.weight'], ['b.weight']),
        node('Gemm', ['x', 'a.weight'], ['h']),
        node('Gemm', ['h', 'b.weight'], ['y']),
      ],
      initializers: [float('a.weight', [1, 2, 3, 4], [2, 2])],
    });
    expect(keys(model)).toEqual(['a.weight', 'b.weight']);
    expect(keys(model, { tied: true })).toEqual(['a.weight']);
  });

  test('names that are members of modules, or make no tree, stay keys', async () => {
    const names = ['train', 'a.forward', 'a', '.b', 'constructor', '0'];
    const model = modelOf({
      nodes: names.map((name, i) => node('Gemm', [i === 0 ? 'x' : `h${i}`, name], [i === 5 ? 'y' : `h${i + 1}`])),
      initializers: names.map((name) => float(name, [1, 0, 0, 1], [2, 2])),
    });
    expect(keys(model).sort()).toEqual([...names].sort());
    const copy = importOnnx(model).clone();
    expect([...copy.stateDict().keys()].sort()).toEqual([...names].sort());
    expect(await copy(tensor([[3, 4]])).toArray()).toEqual([[3, 4]]);
  });

  test('half precision is widened, float64 stays', () => {
    const half = modelOf({
      nodes: [node('Gemm', ['x', 'w'], ['y'])],
      inputs: [{ name: 'x', dtype: 'float16', shape: [1, 2] }],
      initializers: [tensorFrom([1, 2], 'float16', [2, 1], 'w')],
    });
    expect(importOnnx(half)(tensor([[1, 1]])).dtype).toBe('float32');
    const double = modelOf({
      nodes: [node('Gemm', ['x', 'w'], ['y'])],
      inputs: [{ name: 'x', dtype: 'float64', shape: [1, 2] }],
      initializers: [tensorFrom([1, 2], 'float64', [2, 1], 'w')],
    });
    expect(importOnnx(double).parameters()[0].dtype).toBe('float64');
  });
});

describe('modes', () => {
  const statistics = [float('bn.weight', [1, 1]), float('bn.bias', [0, 0]), float('m', [1, 1]), float('v', [4, 4])];
  const norm = modelOf({
    nodes: [node('BatchNormalization', ['x', 'bn.weight', 'bn.bias', 'm', 'v'], ['y'])],
    initializers: statistics,
  });

  test('statistics are buffers that move in training, with the unbiased variance', async () => {
    const model = importOnnx(norm);
    const x = tensor([
      [0, 2],
      [4, 6],
    ]);
    expect(model.training).toBe(false);
    expectClose(await model(x).data(), [-0.5, 0.5, 1.5, 2.5], { rtol: 1e-5, atol: 0 });
    model.train();
    expectClose(await model(x).data(), [-1, -1, 1, 1], { rtol: 1e-5, atol: 0 });
    expect(model.namedBuffers().map(([name, buffer]) => [name, buffer instanceof Buffer])).toEqual([
      ['m', true],
      ['v', true],
    ]);
    expectClose(await model.buffers()[0].data(), [1.1, 1.3], { rtol: 1e-6, atol: 0 });
    expectClose(await model.buffers()[1].data(), [4.4, 4.4], { rtol: 1e-6, atol: 0 });
  });

  test('statistics that two layers share in the file are each its own', () => {
    const twice = modelOf({
      nodes: [
        node('BatchNormalization', ['x', 'bn.weight', 'bn.bias', 'm', 'v'], ['h']),
        node('BatchNormalization', ['h', 'bn.weight', 'bn.bias', 'm', 'v'], ['y']),
      ],
      initializers: statistics,
    });
    expect(
      importOnnx(twice)
        .namedBuffers()
        .map(([name]) => name)
        .sort(),
    ).toEqual(['m', 'v', 'y.num_batches_tracked', 'y.running_mean', 'y.running_var'].sort());
  });

  test('dropout drops in training, whatever the file says', async () => {
    for (const opset of [7, 12]) {
      const ratio: Record<string, OnnxAttribute> = opset === 7 ? { ratio: { type: 'float', value: 0.75 } } : {};
      const inputs = opset === 7 ? ['x'] : ['x', 'ratio'];
      const graph = { nodes: [node('Dropout', inputs, ['y'], ratio)], initializers: [float('ratio', [0.75], [])] };
      const model = importOnnx(modelOf(graph, opset));
      const ones = tensor(Float32Array.from({ length: 2000 }, () => 1)).reshape([1000, 2]);
      expect(new Set(await model(ones).data())).toEqual(new Set([1]));
      const dropped = await model.train()(ones).data();
      expect(new Set(dropped)).toEqual(new Set([0, 4]));
      expect(Array.from(dropped).filter((value) => value === 0).length).toBeGreaterThan(1400);
    }
  });

  test('a frozen layer in evaluation mode keeps its statistics', async () => {
    const names = ['bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var'];
    const model = importOnnx(
      modelOf({
        nodes: [node('BatchNormalization', ['x', ...names], ['y'])],
        initializers: names.map((name, i) => float(name, i % 3 === 0 ? [1, 1] : [0, 0])),
      }),
    ).train();
    const layer = model.getSubmodule('bn');
    expect(layer).toBeInstanceOf(OnnxLayer);
    layer.eval();
    const x = tensor([
      [3, 5],
      [1, 1],
    ]);
    expectClose(await model(x).data(), [3, 5, 1, 1], { rtol: 1e-4, atol: 0 });
    layer.train();
    await model(x).data();
    expect(await model.stateDict().get('bn.num_batches_tracked')!.item()).toBe(1);
    expectClose(await model.stateDict().get('bn.running_mean')!.data(), [0.2, 0.3], { rtol: 1e-5, atol: 0 });
  });
});

describe('fine-tuning', () => {
  test('a frozen body and a new head', async () => {
    const model = importOnnx(dense, { trainable: false });
    expect(model.parameters().every((p) => !p.requiresGrad)).toBe(true);
    const before = await model.getParameter('fc1.weight').data();
    model.setSubmodule('fc2', new nn.Linear(3, 5));
    const optimizer = new SGD(
      model.parameters().filter((p) => p.requiresGrad),
      { lr: 0.1 },
    );
    const x = randn([4, 2]);
    const loss = new nn.CrossEntropyLoss()(model(x), tensor(Int32Array.of(0, 1, 2, 3)));
    loss.backward();
    await optimizer.step();
    expect(model(x).shape).toEqual([4, 5]);
    expect(await model.getParameter('fc1.weight').data()).toEqual(before);
    expect(model.getParameter('fc2.weight')).toBeInstanceOf(Parameter);
    expect(message(() => model.setSubmodule('fc3', new nn.Linear(1, 1)))).toMatchInlineSnapshot(
      `"setSubmodule: 'fc3' is no layer that one node of the graph runs. There are: fc1, fc2."`,
    );
  });

  test('features: the graph up to an inner value, without what comes after', async () => {
    const features = importOnnx(dense, { outputs: ['features'] });
    expect([...features.stateDict().keys()]).toEqual(['fc1.weight', 'fc1.bias']);
    expect(await features(tensor([[1, 1]])).toArray()).toEqual([[3.5, 0, 10]]);
    const net = new nn.Sequential(features, new nn.Linear(3, 7));
    expect(net(randn([6, 2])).shape).toEqual([6, 7]);
    const both = importOnnx<Tensor[]>(dense, { outputs: ['y', 'features'] });
    expect(both(randn([6, 2])).map(({ shape }) => shape)).toEqual([
      [6, 2],
      [6, 3],
    ]);
  });

  test('steps of one shape compile once, shape arithmetic and all', async () => {
    const model = importOnnx(
      modelOf({
        nodes: [
          node('Shape', ['x'], ['shape']),
          node('Gather', ['shape', 'zero'], ['batch']),
          node('Concat', ['batch', 'rest'], ['target'], { axis: int(0) }),
          node('Gemm', ['x', 'w'], ['h']),
          node('Reshape', ['h', 'target'], ['y']),
        ],
        initializers: [float('w', [1, 2, 3, 4], [2, 2]), int64('zero', 0), int64('rest', 2, 1)],
      }),
    ).train();
    const optimizer = new SGD(model.parameters(), { lr: 0.1 });
    let compiles = 0;
    const stop = onCompile(() => void compiles++);
    for (let step = 0; step < 5; step++) {
      optimizer.zeroGrad();
      model(randn([3, 2]))
        .square()
        .sum()
        .backward();
      await optimizer.step();
    }
    stop();
    expect(model(randn([5, 2])).shape).toEqual([5, 2, 1]);
    expect(compiles).toBe(1);
  });

  test('layers have hooks, a summary and print themselves', () => {
    const model = importOnnx(dense);
    expect(String(model)).toMatchInlineSnapshot(`
      "OnnxModule(x: float32[batch,2] → y: float32
        (fc1): Gemm(weight: float32[3,2], bias: float32[3], transB=1)
        (fc2): Gemm(weight: float32[2,3], bias: float32[2], transB=1)
      )"
    `);
    const calls: number[][] = [];
    model.getSubmodule('fc1').registerForwardHook((_module, [x], y) => {
      calls.push([...(x as Tensor).shape], [...(y as Tensor).shape]);
    });
    model(randn([2, 2]));
    expect(calls).toEqual([
      [2, 2],
      [2, 3],
    ]);
    expect(String(nn.summary(model, [1, 2]))).toContain('fc1');
  });
});

describe('graphs', () => {
  test('a condition that shapes decide', async () => {
    const branch = (op: string): OnnxAttribute => ({
      type: 'graph',
      value: { name: op, inputs: [], outputs: [{ name: `${op}_out` }], nodes: [node(op, ['x'], [`${op}_out`])] },
    });
    const model = importOnnx(
      modelOf({
        nodes: [
          node('Size', ['x'], ['size']),
          node('Equal', ['size', 'two'], ['single']),
          node('If', ['single'], ['y'], { then_branch: branch('Neg'), else_branch: branch('Abs') }),
        ],
        initializers: [tensorFrom([2], 'int64', [], 'two')],
      }),
    );
    expect(await model(tensor([[1, -2]])).toArray()).toEqual([[-1, 2]]);
    expect(await model(tensor([[1, -2], [-3, 4]])).toArray()).toEqual([[1, 2], [3, 4]]); // prettier-ignore
  });

  test('local response normalization of an even size has the odd channel after', async () => {
    const attributes = { size: int(2), alpha: { type: 'float', value: 2 }, beta: { type: 'float', value: 1 } } as const;
    const model = importOnnx(
      modelOf({
        nodes: [node('LRN', ['x'], ['y'], attributes)],
        inputs: [{ name: 'x', dtype: 'float32', shape: [1, 3, 1, 1] }],
      }),
    );
    // x / (1 + 2/2 · (x² + next²))
    const y = await model(tensor([[[[1]], [[2]], [[3]]]])).data();
    expectClose(y, [1 / 6, 2 / 14, 3 / 10], { rtol: 1e-6, atol: 0 });
  });

  test('what this package exports comes back: keys, outputs and training', async () => {
    const net = cifarResnet20();
    const x = randn([2, 3, 32, 32]);
    const model = importOnnx(await exportOnnx(net, [x], { training: 'train' }));
    expect([...model.stateDict().keys()].sort()).toEqual([...net.stateDict().keys()].sort());
    expectClose(await model(x).data(), await net.eval()(x).data(), { rtol: 1e-4, atol: 1e-5 });
    model.loadStateDict(net.stateDict());
    const losses = [net.train(), model.train()].map((one) => one(x).square().mean());
    for (const loss of losses) loss.backward();
    expectClose([await losses[0].item()], [await losses[1].item()], { rtol: 1e-5, atol: 0 });
    expectClose(
      await model.getParameter('conv1.weight').grad!.data(),
      await net.getParameter('conv1.weight').grad!.data(),
      { rtol: 1e-3, atol: 1e-5 },
    );
  });
});

describe('errors', () => {
  test('all operators that are not known, at once', () => {
    const model = modelOf({
      nodes: [
        node('GRU', ['x', 'w', 'r'], ['a']),
        { ...node('NonMaxSuppression', ['a', 'a'], ['b']), name: 'nms' },
        node('NonMaxSuppression', ['b', 'b'], ['c']),
        { ...node('FusedConv', ['c', 'w'], ['y']), domain: 'com.microsoft' },
      ],
    });
    expect(message(() => importOnnx(model))).toMatchInlineSnapshot(`
      "importOnnx: the model has operators that are not supported (version 17):
        GRU: node of 'a' (GRU)
        NonMaxSuppression: node 'nms' (NonMaxSuppression) and 1 more
        com.microsoft.FusedConv: node of 'y' (FusedConv)
      Cut the graph before them with { outputs: [...] }, or export the model without them."
    `);
  });

  test('quantized models', () => {
    const model = modelOf({ nodes: [node('QLinearConv', ['x', 's', 'z', 'w', 's', 'z', 's', 'z'], ['y'])] });
    expect(message(() => importOnnx(model))).toMatchInlineSnapshot(`
      "importOnnx: the model has operators that are not supported (version 17):
        QLinearConv: node of 'y' (QLinearConv)
      It is quantized: its integer weights do not train. Import the float model that it was made of."
    `);
  });

  test('old operators, unknown options and outputs, what is no file', () => {
    expect(message(() => importOnnx(modelOf({ nodes: [node('Relu', ['x'], ['y'])] }, 6)))).toMatchInlineSnapshot(
      `"importOnnx: the model has operators of version 6, supported are 7 to 23. Convert it with Python's onnx.version_converter.convert_version(model, 17)."`,
    );
    expect(message(() => importOnnx(dense, { freeze: true } as ImportOptions))).toMatchInlineSnapshot(
      `"importOnnx: unknown option 'freeze'. Known: external, trainable, outputs, tied, device."`,
    );
    expect(message(() => importOnnx(dense, { outputs: ['logits'] }))).toMatchInlineSnapshot(
      `"importOnnx: outputs: no node makes 'logits'. The last that are made: a, features, y."`,
    );
    expect(message(() => importOnnx(Uint8Array.of(1, 2, 3)))).toContain('decodeModel');
  });

  test('inputs that do not fit', () => {
    const model = importOnnx(dense);
    expect(message(() => model())).toMatchInlineSnapshot(`"OnnxModule: the model 'g' takes 1 inputs (x), got 0."`);
    expect(message(() => model(randn([1, 3])))).toMatchInlineSnapshot(
      `"OnnxModule: input 'x' is float32[batch,2], got float32[1,3]."`,
    );
    expect(message(() => model(tensor(Int32Array.of(1, 2)).reshape([1, 2])))).toMatchInlineSnapshot(
      `"OnnxModule: input 'x' is float32[batch,2], got int32[1,2]. Convert it with x.to('float32')."`,
    );
  });

  test('shapes that depend on values, and mistakes inside, name the node', () => {
    const dynamic = modelOf({
      nodes: [node('Cast', ['x'], ['i'], { to: int(7) }), { ...node('Reshape', ['x', 'i'], ['y']), name: 'view' }],
    });
    expect(message(() => importOnnx(dynamic)(randn([1, 2])))).toMatchInlineSnapshot(
      `"node 'view' (Reshape): its shape ('i') is computed from the contents of tensors, which are not known while the graph is recorded; supported are constants and what is computed from shapes."`,
    );
    const wrong = modelOf({
      nodes: [{ ...node('MatMul', ['x', 'w'], ['y']), name: 'head' }],
      initializers: [float('w', [1, 2, 3], [3, 1])],
    });
    expect(message(() => importOnnx(wrong)(randn([1, 2])))).toMatchInlineSnapshot(
      `"node 'head' (MatMul): matmul: cannot multiply float32[1,2] by float32[3,1]: the inner sizes 2 and 3 must be equal. Swap axes with x.transpose(-1, -2), or permute and reshape to [..., m, k] and [..., k, n]."`,
    );
  });
});

test('the bytes of a file are the same as the model', async () => {
  const bytes = encodeModel(dense);
  const x = tensor([[1, 2]]);
  expect(await importOnnx(bytes)(x).toArray()).toEqual(await importOnnx(dense)(x).toArray());
});
