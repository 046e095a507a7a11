/**
 * Exported networks: their operators, names and open sizes, training mode, and what export leaves as it was.
 */
import { readFileSync } from 'node:fs';
import {
  Buffer,
  dropoutKeys,
  defaultGenerator,
  device,
  manualSeed,
  nn,
  onCompile,
  ones,
  Parameter,
  randn,
  stats,
  type Tensor,
  zeros,
} from '@fakkel/core';
import { alexnet, cifarResnet20, googlenet, lenet5, lenet5Original, resnet18, vgg11Bn } from '@fakkel/models';
import { SGD } from '@fakkel/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { checkerNote, hasChecker } from '../../../test/onnx-checker.js';
import { decodeModel, encodeModel, exportOnnx, exportOnnxModel, type ExportOptions, tensorData } from '../src/index.js';
import { complaints, expectSame, histogram, indices, open } from './run.js';

beforeEach(() => {
  manualSeed(0);
});

const operators = JSON.parse(readFileSync(new URL('./goldens/operators.json', import.meta.url), 'utf8')) as Record<
  string,
  Record<'eval' | 'train', Record<string, number>>
>;

describe("the operators are those of PyTorch's export", () => {
  const make = { alexnet, vgg11Bn, googlenet: () => googlenet({ auxLogits: false }), resnet18 };
  test.each(Object.entries(make))('%s', async (name, build) => {
    const net = nn.utils.skipInit(() => build() as nn.Module);
    for (const training of ['eval', 'train'] as const) {
      const model = await exportOnnxModel(net, [2, 3, 224, 224], { training, exportParams: false });
      expect(histogram(model)).toEqual(operators[name][training]);
    }
  });
});

describe('networks compute the same in ONNX Runtime', () => {
  const images = (channels: number, size: number, counts = [2, 1, 5]) =>
    counts.map((n) => [randn([n, channels, size, size])]);
  test.each<[string, () => nn.Module, Tensor[][]]>([
    ['lenet5', () => lenet5(), images(1, 32)],
    ['lenet5Original', () => lenet5Original({ output: 'rbf' }), images(1, 32)],
    ['cifarResnet20', () => cifarResnet20(), images(3, 32, [1, 2])],
    [
      'googlenet',
      () => googlenet({ auxLogits: false, transformInput: true, initWeights: false }),
      images(3, 32, [1, 2]),
    ],
  ])('%s', async (name, make, batches) => {
    await expectSame(name, make(), batches);
  });
});

test('weights have the names of the state dict, in its order', async () => {
  const net = cifarResnet20();
  const { graph } = await exportOnnxModel(net, [2, 3, 32, 32]);
  const keys = [...net.stateDict().keys()].filter((key) => !key.endsWith('num_batches_tracked'));
  const weights = graph.initializers!.filter(({ name }) => keys.includes(name!));
  expect(weights.map(({ name }) => name).sort()).toEqual([...keys].sort());
  for (const { name, shape } of weights) expect(shape).toEqual(net.stateDict().get(name!)!.shape);
  expect(graph.nodes[0]).toMatchObject({ opType: 'Conv', name: '/conv1/Conv', outputs: ['/conv1/Conv_output_0'] });
});

class Branches extends nn.Module {
  shared = new nn.Linear(4, 4);
  again = this.shared;
  unused = new nn.Linear(4, 4);
  mask = new Buffer(ones([4]));
  table = randn([30, 4]);
  override forward(inputs: { x: Tensor; words: Tensor }, [scale]: [Tensor], flip: boolean) {
    const rows = this.table.indexSelect(0, inputs.words);
    const sum = this.again(this.shared(inputs.x).relu()).add(rows).mul(this.mask);
    return { sum: flip ? sum.flip(1) : sum, parts: [sum.mul(scale), inputs.x], best: sum.argmax(1) };
  }
}

test('inputs and outputs may be nested, other arguments are passed on, what is unused is left out', async () => {
  const net = new Branches().eval();
  const call = (n: number) =>
    [{ x: randn([n, 4]), words: indices([n], 30) }, [randn([n, 1])], true] as Parameters<Branches['forward']>;
  const model = await exportOnnxModel(net, call(2));
  expect(model.graph.inputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['0.x', 'float32', ['batch', 4]],
    ['0.words', 'int32', ['batch']],
    ['1.0', 'float32', ['batch', 1]],
  ]);
  expect(model.graph.outputs.map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ['sum', 'float32', ['batch', 4]],
    ['parts.0', 'float32', ['batch', 4]],
    ['parts.1', 'float32', ['batch', 4]],
    ['best', 'int32', ['batch']],
  ]);
  const names = model.graph.initializers!.map(({ name }) => name!);
  expect(names.filter((name) => !name.startsWith('/'))).toEqual(['shared.weight', 'shared.bias', 'mask']);
  const run = await open(encodeModel(model));
  const [{ x, words }, [scale]] = call(5);
  const expected = net({ x, words }, [scale], true);
  const found = await run({ '0.x': x, '0.words': words, '1.0': scale });
  expect(Array.from(found.best.data, Number)).toEqual(await expected.best.toArray());
  expect(Array.from(found.sum.data)).toEqual(
    Array.from(await expected.sum.data(), (n) => expect.closeTo(n, 5) as number),
  );
});

describe('open sizes', () => {
  test('height and width of a fully convolutional network', async () => {
    const net = new nn.Sequential(
      new nn.Conv2d(3, 4, 3, { stride: 2, padding: 1 }),
      new nn.BatchNorm2d(4),
      new nn.MaxPool2d(3, { stride: 2, padding: 1 }),
      new nn.AdaptiveAvgPool2d(1),
      new nn.Flatten(),
      new nn.Linear(4, 2),
    );
    const options = { dynamicAxes: { input: { 0: 'batch', 2: 'height', 3: 'width' } } };
    const model = await expectSame(
      'fully convolutional',
      net,
      [[randn([2, 3, 16, 16])], [randn([1, 3, 9, 31])], [randn([5, 3, 40, 7])]],
      options,
    );
    expect(model.graph.inputs[0].shape).toEqual(['batch', 3, 'height', 'width']);
    expect(model.graph.outputs[0].shape).toEqual(['batch', 2]);
    const features = await exportOnnxModel(new nn.Conv2d(3, 4, 3, { stride: 2 }), [1, 3, 16, 16], {
      dynamicAxes: { input: { 2: 'height' }, output: { 2: 'rows' } },
    });
    expect(features.graph.outputs[0].shape).toEqual([1, 4, 'rows', 7]);
  });

  class Attention extends nn.Module {
    query = new nn.Linear(6, 6);
    override forward(x: Tensor) {
      const [n, length, features] = x.shape;
      const heads = this.query(x)
        .reshape([n, length, 2, features / 2])
        .permute([0, 2, 1, 3]);
      const scores = heads.matmul(heads.transpose(2, 3)).softmax(-1);
      return scores.matmul(heads).permute([0, 2, 1, 3]).reshape([n, length, features]).add(x.mean(1, true));
    }
  }

  test('two sizes in one shape are computed by the graph', async () => {
    const options = { dynamicAxes: { input: { 0: 'batch', 1: 'length' } } };
    const batches = [[randn([2, 5, 6])], [randn([1, 1, 6])], [randn([3, 8, 6])]];
    const model = await expectSame('attention', new Attention(), batches, options);
    expect(model.graph.outputs[0].shape).toEqual(['batch', 'length', 6]);
    expect(histogram(model)).toMatchObject({ Shape: 2 });
  });

  test('the size that is a product of open ones follows from the others', async () => {
    class Tokens extends nn.Module {
      fc = new nn.Linear(3, 4);
      override forward(x: Tensor) {
        return this.fc(x.flatten(2).transpose(1, 2)).softmax(1);
      }
    }
    const options = { dynamicAxes: { input: { 0: 'batch', 2: 'height', 3: 'width' } } };
    const batches = [[randn([2, 3, 4, 6])], [randn([1, 3, 9, 1])], [randn([3, 3, 5, 5])]];
    const model = await expectSame('tokens', new Tokens(), batches, options);
    expect(model.graph.outputs[0].shape).toEqual(['batch', 'output_dim_1', 4]);
  });

  test('lists give names as PyTorch does, and none fixes all sizes', async () => {
    const net = new nn.Linear(4, 2);
    const listed = await exportOnnxModel(net, [3, 4], { dynamicAxes: { input: [0] } });
    expect(listed.graph.outputs[0].shape).toEqual(['input_dynamic_axes_1', 2]);
    const fixed = await exportOnnxModel(net, [3, 4], { dynamicAxes: {} });
    expect(fixed.graph.inputs[0].shape).toEqual([3, 4]);
    expect(fixed.graph.outputs[0].shape).toEqual([3, 2]);
  });
});

describe('training mode', () => {
  test('batch normalization takes the statistics of the batch, and moves the running ones', async () => {
    const net = new nn.Sequential(new nn.Conv2d(2, 3, 3), new nn.BatchNorm2d(3, { momentum: 0.25, eps: 1e-3 }));
    const batches = [[randn([2, 2, 4, 4])], [randn([1, 2, 4, 4])], [randn([5, 2, 4, 4])]];
    const model = await expectSame('training', net.train(), batches, { training: 'train' });
    const node = model.graph.nodes.find(({ opType }) => opType === 'BatchNormalization')!;
    expect(node.inputs.slice(1)).toEqual(['1.weight', '1.bias', '1.running_mean', '1.running_var']);
    expect(node.attributes).toMatchObject({ momentum: { value: 0.75 }, training_mode: { value: 1 } });
    expect(node.outputs).toHaveLength(3);
  });

  test('dropout drops the share that it should, and scales the rest', async () => {
    const net = new nn.Sequential(new nn.Dropout(0.25), new nn.Dropout2d(0.5));
    const run = await open(await exportOnnx(net, [2, 50, 10, 10], { training: 'train' }), true);
    const { output } = await run({ input: ones([4, 50, 10, 10]) });
    const kept = Array.from(output.data).filter((n) => n !== 0);
    for (const n of kept) expect(n).toBeCloseTo(1 / 0.75 / 0.5, 5);
    expect(kept.length / output.data.length).toBeGreaterThan(0.29);
    expect(kept.length / output.data.length).toBeLessThan(0.46);
  });

  test('preserve: each module in its own mode', async () => {
    const net = new nn.Sequential(new nn.BatchNorm1d(3), new nn.Dropout(), new nn.BatchNorm1d(3)).train();
    net.children()[0].eval();
    const { graph } = await exportOnnxModel(net, [4, 3], { training: 'preserve' });
    expect(graph.nodes.map(({ opType, attributes }) => [opType, attributes?.['training_mode']?.value])).toEqual([
      ['BatchNormalization', undefined],
      ['Dropout', undefined],
      ['BatchNormalization', 1],
    ]);
  });
});

test('the network stays as it is, and nothing is run or compiled', async () => {
  const net = new nn.Sequential(new nn.Linear(4, 4), new nn.BatchNorm1d(4), new nn.Dropout(), new nn.RReLU()).train();
  net.children()[2].eval();
  let hooks = 0;
  net.registerForwardHook(() => void hooks++);
  net.registerForwardPreHook(() => void hooks++);
  const before = await Promise.all([...net.stateDict().values()].map((t) => t.toArray()));
  const [random, keys] = [defaultGenerator.getState(), dropoutKeys.getState()];
  const { compiles, runs } = stats();
  let compiled = 0;
  const remove = onCompile(() => void compiled++);
  for (const training of ['eval', 'train', 'preserve'] as const) await exportOnnx(net, [3, 4], { training });
  if (typeof remove === 'function') remove();
  expect(await Promise.all([...net.stateDict().values()].map((t) => t.toArray()))).toEqual(before);
  expect(net.modules().map((module) => module.training)).toEqual([true, true, true, false, true]);
  expect([defaultGenerator.getState(), dropoutKeys.getState()]).toEqual([random, keys]);
  expect([hooks, compiled, stats().compiles - compiles, stats().runs - runs]).toEqual([0, 0, 0, 0]);
});

test('a step that waits is taken before the weights are read', async () => {
  const net = new nn.Linear(2, 1, { bias: false });
  net.weight.assign(ones([1, 2]));
  const optimizer = new SGD(net.parameters(), { lr: 0.5 });
  net(ones([1, 2]))
    .sum()
    .backward();
  void optimizer.step();
  const { graph } = await exportOnnxModel(net, [1, 2]);
  expect(Array.from(tensorData(graph.initializers![0]) as Float32Array)).toEqual([0.5, 0.5]);
});

test('each dropout draws a mask of its own, whatever it drops of', async () => {
  class Two extends nn.Module {
    drop = new nn.Dropout(0.5);
    channels = new nn.Dropout2d(0.5);
    override forward(x: Tensor): Tensor[] {
      return [this.drop(x), this.drop(x), this.channels(x), this.channels(x)];
    }
  }
  const model = await exportOnnxModel(new Two(), [2, 64, 2, 2], { training: 'train' });
  expect(histogram(model).Dropout).toBe(4);
  const outcomes = await (await open(encodeModel(model), true))({ input: ones([2, 64, 2, 2]) });
  const drawn = model.graph.outputs.map(({ name }) => Array.from(outcomes[name].data).join());
  expect(new Set(drawn).size).toBe(4);
});

test('float64', async () => {
  const net = new nn.Sequential(
    new nn.Linear(4, 6, { dtype: 'float64' }),
    // ONNX Runtime has no Erf and Elu of doubles, nor convolutions.
    new nn.ReLU(),
    new nn.LayerNorm(6, { dtype: 'float64' }),
    new nn.Linear(6, 2, { dtype: 'float64' }),
    new nn.Softmax(1),
  );
  const batches = [2, 1, 5].map((n) => [randn([n, 4], { dtype: 'float64' })]);
  const model = await expectSame('float64', net, batches);
  expect(model.graph.inputs[0].dtype).toBe('float64');
});

test('a network on another device', async () => {
  const net = new nn.Linear(3, 2);
  const here = await exportOnnx(net, [1, 3]);
  net.to(await device('onnxruntime:cpu'));
  expect(await exportOnnx(net, [1, 3])).toEqual(here);
});

test('spectral normalization is part of the graph', async () => {
  const net = nn.utils.spectralNorm(new nn.Linear(4, 3));
  const model = await expectSame('spectral', net, [[randn([2, 4])], [randn([5, 4])]]);
  expect(model.graph.initializers!.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['weight_orig', 'weight_u', 'weight_v']),
  );
});

test('max pooling with indices, and unpooling by them', async () => {
  class Round extends nn.Module {
    unpool = new nn.MaxUnpool2d(2);
    override forward(x: Tensor) {
      const { values, indices } = nn.functional.maxPool2dWithIndices(x, 2);
      return this.unpool(values, indices);
    }
  }
  await expectSame(
    'unpool',
    new Round(),
    [2, 1, 5].map((n) => [randn([n, 3, 4, 6])]),
  );
});

test('weights as inputs', async () => {
  const net = new nn.Linear(3, 2);
  const without = await exportOnnxModel(net, [1, 3], { exportParams: false });
  expect(without.graph.inputs.map(({ name }) => name)).toEqual(['input', 'weight', 'bias']);
  expect(without.graph.initializers).toEqual([]);
  const run = await open(encodeModel(without));
  const { output } = await run({ input: ones([2, 3]), weight: ones([2, 3]), bias: ones([2]) });
  expect(Array.from(output.data)).toEqual([4, 4, 4, 4]);
  const both = await exportOnnxModel(net, [1, 3], { keepInitializersAsInputs: true });
  expect(both.graph.inputs.map(({ name }) => name)).toEqual(['input', 'weight', 'bias']);
  expect(both.graph.initializers!.map(({ name }) => name)).toEqual(['weight', 'bias']);
});

test('names that are asked for, and the bytes of the file', async () => {
  const bytes = await exportOnnx(new nn.Linear(3, 2), zeros([1, 3]), { inputNames: ['x'], outputNames: ['logits'] });
  const { graph, opsets, producerName } = decodeModel(bytes);
  expect([graph.inputs[0].name, graph.outputs[0].name, opsets, producerName]).toEqual([
    'x',
    'logits',
    { '': 17 },
    'fakkel',
  ]);
});

class Fixed extends nn.Module {
  weight = new Parameter(ones([2, 3]));
  override forward(x: Tensor) {
    return x.mul(this.weight);
  }
}
class Mean extends nn.Module {
  override forward(x: Tensor) {
    return x.div(Math.sqrt(x.shape[0]));
  }
}
class Loop extends nn.Module {
  body = new nn.Linear(2, 2);
  override forward(x: Tensor) {
    return x.unbind(0).reduce((sum, row) => sum.add(this.body(row)));
  }
}
class Nothing extends nn.Module {
  override forward(x: Tensor) {
    return x.shape;
  }
}

describe('errors say what to do', () => {
  const linear = () => new nn.Linear(3, 2);
  test.each<[string, () => unknown]>([
    ['no module', () => exportOnnx(null as never, [1])],
    ['no input', () => exportOnnx(linear(), undefined as never)],
    ['an empty list of inputs', () => exportOnnx(linear(), [])],
    ['an unknown option', () => exportOnnx(linear(), [1, 3], { opset: 11 } as ExportOptions)],
    ['a file, as in PyTorch', () => exportOnnx(linear(), [1, 3], 'net.onnx' as never)],
    ['another op set', () => exportOnnx(linear(), [1, 3], { opsetVersion: 11 })],
    ['another mode', () => exportOnnx(linear(), [1, 3], { training: true as never })],
    ['too many names', () => exportOnnx(linear(), [1, 3], { inputNames: ['x', 'y'] })],
    ['a name that a weight has', () => exportOnnx(linear(), [1, 3], { inputNames: ['weight'] })],
    ['open sizes of nothing', () => exportOnnx(linear(), [1, 3], { dynamicAxes: { image: [0] } })],
    ['an open axis that is not there', () => exportOnnx(linear(), [1, 3], { dynamicAxes: { input: [2] } })],
    ['one name for two sizes', () => exportOnnx(linear(), [1, 3], { dynamicAxes: { input: { 0: 'n', 1: 'n' } } })],
    ['a batch that is fixed', () => exportOnnx(new Fixed(), [2, 3])],
    ['a number that depends on the batch', () => exportOnnx(new Mean(), [2, 3])],
    ['a loop over the batch', () => exportOnnx(new Loop(), [2, 2])],
    ['no tensor', () => exportOnnx(new Nothing(), [2, 2])],
    ['another shape', () => exportOnnx(linear(), [1, 4])],
    ['a batch of none', () => exportOnnx(linear(), [0, 3])],
    ['an open size as PyTorch has it elsewhere', () => exportOnnx(linear(), [-1, 3])],
  ])('%s', async (_, run) => {
    await expect(async () => run()).rejects.toThrowErrorMatchingSnapshot();
  });

  test('with all sizes fixed, these are exported', async () => {
    const batches = [[randn([2, 3])]];
    await expectSame('fixed', new Fixed(), batches, { dynamicAxes: {} });
    await expectSame('mean', new Mean(), batches, { dynamicAxes: {} });
    await expectSame('loop', new Loop(), [[randn([2, 2])]], { dynamicAxes: {} });
  });
});

test.skipIf(!hasChecker)(`ONNX's checker finds nothing in any of them${checkerNote}`, async () => {
  expect(await complaints()).toEqual([]);
});
