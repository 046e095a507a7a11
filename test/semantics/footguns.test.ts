/** What PyTorch users try out of habit, and what JavaScript lets them write: each teaches, none is silent. */
import { DeviceError, DTypeError, manualSeed, nn, NotInTypeScriptError, ones, Parameter, ShapeError, tensor, zeros, type Tensor } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { freshDevice, TwoLayerNet } from './helpers.js';

const x = (): Tensor => tensor([[1, 2], [3, 4]]);

describe('JavaScript', () => {
  test('in-place methods', () => {
    expect(() => (x() as unknown as { add_: (n: number) => void }).add_(1)).toThrowErrorMatchingInlineSnapshot();
    expect(() => (x() as unknown as { zero_: () => void }).zero_()).toThrow(NotInTypeScriptError);
  });
  test('reading an element by index', () => {
    expect(() => (x() as unknown as number[])[0]).toThrowErrorMatchingInlineSnapshot();
  });
  test('index assignment', () => {
    expect(() => ((x() as unknown as number[])[0] = 1)).toThrowErrorMatchingInlineSnapshot();
  });
  test('tensor + 1', () => {
    expect(() => (x() as unknown as number) + 1).toThrowErrorMatchingInlineSnapshot();
    expect(() => (x() as unknown as number) > 1).toThrow(NotInTypeScriptError);
  });
  test('iteration', () => {
    expect(() => [...(x() as unknown as Tensor[])]).toThrowErrorMatchingInlineSnapshot();
  });
  test('await tensor gives the tensor: it is not thenable, so Promise.all and async functions pass it on', async () => {
    const t = x();
    // eslint-disable-next-line @typescript-eslint/await-thenable -- this is what the test is about
    expect(await t).toBe(t);
    expect('then' in t).toBe(false);
  });
  test('a template string shows the tensor', async () => {
    const t = x();
    expect(`${t}`).toBe('tensor([[1., 2.],\n        [3., 4.]])');
  });
  test('an array where a tensor is expected', () => {
    expect(() => x().add([1, 2] as unknown as Tensor)).toThrowErrorMatchingInlineSnapshot();
    expect(() => new TwoLayerNet()([1, 2, 3, 4] as unknown as Tensor)).toThrowErrorMatchingInlineSnapshot();
  });
  test('forgetting new', () => {
    expect(() => (nn.Linear as unknown as (a: number, b: number) => unknown)(1, 2)).toThrow(TypeError);
  });
});

describe('bad input', () => {
  test('shapes', () => {
    expect(() => x().add(ones([3]))).toThrowErrorMatchingInlineSnapshot();
    expect(() => x().matmul(ones([3, 2]))).toThrowErrorMatchingInlineSnapshot();
    expect(() => x().reshape([3, -1])).toThrowErrorMatchingInlineSnapshot();
    expect(() => new nn.Conv2d(3, 4, 3)(ones([1, 1, 8, 8]))).toThrowErrorMatchingInlineSnapshot();
    expect(() => new nn.Linear(3, 4)(ones([2, 5]))).toThrowErrorMatchingInlineSnapshot();
    expect(() => x().item()).rejects.toThrow(ShapeError);
  });
  test('dtypes', () => {
    expect(() => tensor([1, 2], { dtype: 'int32' }).mean()).toThrowErrorMatchingInlineSnapshot();
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrowErrorMatchingInlineSnapshot();
    expect(() => new nn.CrossEntropyLoss()(ones([2, 3]), ones([2]))).toThrowErrorMatchingInlineSnapshot();
    const cell = new Parameter(ones([2]));
    expect(() => cell.assign(tensor([1, 2], { dtype: 'int32' }))).toThrow(DTypeError);
  });
  test('devices', async () => {
    const other = await freshDevice();
    expect(() => x().add(ones([2, 2], { device: other }))).toThrowErrorMatchingInlineSnapshot();
    expect(() => new Parameter(ones([2])).assign(ones([2], { device: other }))).toThrow(DeviceError);
  });
  test('labels out of range', () => {
    const labels = tensor([0, 3], { dtype: 'int32' });
    expect(() => new nn.CrossEntropyLoss()(ones([2, 3]), labels)).toThrowErrorMatchingInlineSnapshot();
  });
  test('labels out of range that are computed on the device', async () => {
    const labels = tensor([0, 2], { dtype: 'int32' }).add(1);
    await expect(new nn.CrossEntropyLoss()(ones([2, 3]), labels).item()).rejects.toThrowErrorMatchingInlineSnapshot();
  });
  test('ragged arrays and things that are no numbers', () => {
    expect(() => tensor([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot();
    expect(() => tensor(['a'] as unknown as number[])).toThrowErrorMatchingInlineSnapshot();
    expect(() => tensor(undefined as unknown as number[])).toThrowErrorMatchingInlineSnapshot();
  });
  test('axes', () => {
    expect(() => x().sum(2)).toThrowErrorMatchingInlineSnapshot();
    expect(() => x().select(0, 5)).toThrowErrorMatchingInlineSnapshot();
  });
  test('a state dict that does not fit', () => {
    manualSeed(0);
    const net = new TwoLayerNet();
    const state = net.stateDict();
    state.delete('fc1.bias');
    state.set('fc3.weight', zeros([1]));
    state.set('fc2.weight', zeros([3, 9]));
    expect(() => net.loadStateDict(state)).toThrowErrorMatchingInlineSnapshot();
    expect(() => net.loadStateDict({} as never)).toThrowErrorMatchingInlineSnapshot();
  });
});

test('two copies of core in one process: a clear error', async () => {
  const url = new URL('../../packages/core/src/index.ts?copy=2', import.meta.url).href;
  const other = (await import(/* @vite-ignore */ url)) as typeof import('@fakkel/core');
  const mine = x();
  if (other.Tensor === mine.constructor) throw new Error('the copy is the same module: this test tests nothing');
  expect(() => other.ones([2, 2]).add(mine)).toThrowErrorMatchingInlineSnapshot();
});

test('a module may use the field names `name` and `length`', () => {
  class Named extends nn.Module {
    name = 'mine';
    length = 3;
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const named = new Named();
  expect([named.name, named.length]).toEqual(['mine', 3]);
  expect('call' in named).toBe(false);
  expect(named).toBeInstanceOf(nn.Module);
  expect(typeof named).toBe('function');
});

test('modules need no eval: content security policies allow them', () => {
  const { Function: original } = globalThis;
  try {
    globalThis.Function = (() => {
      throw new Error('eval');
    }) as never;
    expect(new nn.Linear(2, 2)(ones([1, 2])).shape).toEqual([1, 2]);
  } finally {
    globalThis.Function = original;
  }
});
