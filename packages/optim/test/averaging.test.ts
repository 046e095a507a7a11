/** Averages of weights, against torch.optim.swa_utils. */
import {
  flush,
  type Tensor,
  loadSafetensors,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  randn,
  saveSafetensors,
  tensor,
} from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { AveragedModel, type AveragedModelOptions, getEmaAvgFn, SGD, updateBn } from '../src/index.js';
import { cost, decode, freshDevice, golden, messagesOf, relative } from './helpers.js';

type Saved = Record<string, string | number>;
interface Golden {
  initial: Saved;
  x: string;
  y: string;
  net: Saved;
  averages: Record<string, { state: Saved; out: string; bn: Saved }>;
}

const expected = golden<Golden>('swa/averages');
const read = (base64: string, shape: number[]): Tensor =>
  tensor(decode(base64, 'float64'), { dtype: 'float64' }).reshape(shape);

function netOf(): nn.Sequential {
  const dtype = 'float64';
  return new nn.Sequential(
    new nn.Linear(3, 4, { dtype }),
    new nn.BatchNorm1d(4, { dtype }),
    new nn.Tanh(),
    new nn.Linear(4, 2, { dtype }),
  );
}

/** The golden net, its batches, and a step that takes it on. */
function problem() {
  const net = netOf();
  const own = net.stateDict();
  net.loadStateDict(
    new Map(
      [...own].map(([name, { shape }]) => {
        const value = expected.initial[name];
        return [name, typeof value === 'number' ? tensor(value, { dtype: 'int32' }) : read(value, [...shape])];
      }),
    ),
  );
  const [x, y] = [read(expected.x, [10, 8, 3]), read(expected.y, [10, 8, 2])];
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const step = async (i: number): Promise<void> => {
    optimizer.zeroGrad();
    net(x.select(0, i % 10))
      .sub(y.select(0, i % 10))
      .square()
      .mean()
      .backward();
    await optimizer.step();
  };
  return { net, x, y, step };
}

/** The largest relative difference between a state dict and a golden; Infinity for other names. */
async function distance(state: ReadonlyMap<string, Tensor>, to: Saved): Promise<number> {
  if ([...state.keys()].join() !== Object.keys(to).join()) return Infinity;
  const parts = [...state].map(async ([name, value]) => {
    const want = to[name];
    return typeof want === 'number'
      ? Math.abs((await value.item()) - want)
      : relative(await value.data(), decode(want, 'float64'));
  });
  return Math.max(...(await Promise.all(parts)));
}

const kinds: Record<string, AveragedModelOptions> = {
  equal: {},
  'equal, buffers': { useBuffers: true },
  exponential: { avgFn: getEmaAvgFn(0.8) },
  'exponential, buffers': { avgFn: getEmaAvgFn(0.8), useBuffers: true },
  own: { avgFn: (a, w, n) => a.add(w.sub(a).mul(2).div(n.add(3).to(a.dtype))) },
};

beforeEach(async () => void (await freshDevice()));

describe.each(Object.keys(kinds))('%s', (kind) => {
  const { state, out, bn } = expected.averages[kind];

  test('ten steps, forward and statistics are PyTorch’s', async () => {
    const { net, x, y, step } = problem();
    const average = new AveragedModel(net, kinds[kind]);
    for (let i = 0; i < 10; i++) {
      await step(i);
      average.updateParameters(net);
    }
    expect(await distance(net.stateDict(), expected.net)).toBeLessThan(1e-13);
    expect(await distance(average.stateDict(), state)).toBeLessThan(1e-13);
    const probe = x.select(0, 0);
    const got = noGrad(() => average.eval()(probe));
    expect(relative(await got.data(), decode(out, 'float64'))).toBeLessThan(1e-13);

    const at = (t: Tensor, i: number): Tensor => t.select(0, i);
    await updateBn([at(x, 0), [at(x, 1), at(y, 1)], [at(x, 2), at(y, 2)], at(x, 3)], average);
    const statistics = new Map([...average.stateDict()].filter(([name]) => name in bn));
    expect(await distance(statistics, bn)).toBeLessThan(1e-13);
    expect([average.training, (average.module.children()[1] as nn.BatchNorm1d).momentum]).toEqual([false, 0.1]);
    expect(await distance(net.stateDict(), expected.net)).toBeLessThan(1e-13);
  });

  test('loaded in the middle from a file it goes on as if nothing had happened', async () => {
    const { net, step } = problem();
    let average = new AveragedModel(net, kinds[kind]);
    for (let i = 0; i < 10; i++) {
      await step(i);
      average.updateParameters(net);
      if (i === 4) {
        const file = loadSafetensors(await saveSafetensors(average.stateDict()));
        average = new AveragedModel(netOf(), kinds[kind]);
        average.loadStateDict(file.tensors);
      }
    }
    expect(await distance(average.stateDict(), state)).toBeLessThan(1e-13);
  });
});

describe.each(Object.keys(kinds))('the update of the average, %s,', (kind) => {
  test('is part of the next step’s run, compiles nothing more and leaks nothing', async () => {
    const { net, step } = problem();
    const average = new AveragedModel(net, kinds[kind]);
    const train = async (steps: number): Promise<void> => {
      for (let i = 0; i < steps; i++) {
        await step(i);
        average.updateParameters(net);
      }
    };
    const warm = await cost(() => train(3));
    // The first step has no average to move, the second one that nothing has written yet.
    expect(warm).toEqual({ compiles: 3, runs: 3 });
    await flush();
    await train(1);
    const { totalBuffers } = memory();
    const counts = await cost(() => train(20));
    expect(counts).toEqual({ compiles: 0, runs: 20 });
    expect(memory().totalBuffers).toBe(totalBuffers);
  });
});

test('the copy is one: neither moves the other, and it is called, printed and typed like the model', async () => {
  manualSeed(0);
  const net = new nn.Linear(2, 1);
  const average = new AveragedModel(net);
  const values = async (): Promise<unknown> => average.module.weight.toArray();
  const first = await values();
  net.weight.assign(ones(1, 2));
  expect(await values()).toEqual(first);
  average.updateParameters(net);
  expect(await values()).toEqual([[1, 1]]);
  const out: Tensor = average(ones(3, 2));
  expect(out.shape).toEqual([3, 1]);
  expect(String(average)).toMatchInlineSnapshot(`
    "AveragedModel(
      (module): Linear(in_features=2, out_features=1, bias=True)
    )"
  `);
  expect([...average.stateDict().keys()]).toEqual(['n_averaged', 'module.weight', 'module.bias']);
});

test('updateBn leaves frozen modes and layers without statistics alone, and restores them after an error', async () => {
  const frozen = new nn.Dropout(0.5).eval();
  const norm = new nn.BatchNorm1d(2);
  const untracked = new nn.BatchNorm1d(2, { trackRunningStats: false });
  const net = new nn.Sequential(norm, untracked, frozen);
  await updateBn([randn(8, 2)], net);
  expect([net.training, norm.momentum, frozen.training]).toEqual([true, 0.1, false]);
  await expect(updateBn([randn(8, 3)], net)).rejects.toThrow('2 channels');
  expect([norm.momentum, frozen.training]).toEqual([0.1, false]);

  async function* untouched(): AsyncGenerator<Tensor> {
    await Promise.reject(new Error('no batch is read'));
    yield ones(1);
  }
  await updateBn(untouched(), new nn.Linear(2, 2));
});

test('mistakes are errors that teach', () => {
  const any = (value: unknown): any => value;
  const net = new nn.Linear(2, 1);
  const average = new AveragedModel(net);
  const cases = {
    'parameters for the model': () => new AveragedModel(any(net.parameters())),
    'a decay for the function': () => new AveragedModel(net, { avgFn: any(0.99) }),
    'a decay above 1': () => getEmaAvgFn(99),
    'another model': () => average.updateParameters(new nn.Linear(2, 1, { bias: false })),
    'another size': () => average.updateParameters(new nn.Linear(3, 1)),
    'a size that could be broadcast': () => average.updateParameters(new nn.Linear(1, 1)),
  };
  expect(messagesOf(cases)).toMatchInlineSnapshot(`
    "parameters for the model
        TypeError: AveragedModel: expected a module, got an array
    a decay for the function
        TypeError: AveragedModel: avgFn must be a function, such as getEmaAvgFn(0.999), got number 0.99
    a decay above 1
        FakkelError: getEmaAvgFn: Invalid decay value 99 provided. It must be from 0 to 1.
    another model
        FakkelError: updateParameters: expected a model with 2 parameters and buffers, as the one that was averaged first, got one with 1
    another size
        FakkelError: updateParameters: expected a model like the one that was averaged first: its parameter at index 0 of parameters and buffers has shape [1, 2], got [1, 3]
    a size that could be broadcast
        FakkelError: updateParameters: expected a model like the one that was averaged first: its parameter at index 0 of parameters and buffers has shape [1, 2], got [1, 1]"
  `);
});
