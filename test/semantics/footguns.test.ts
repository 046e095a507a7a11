/** What PyTorch users try out of habit, and what JavaScript lets them write: each teaches, none is silent. */
import {
  DeviceError,
  DTypeError,
  manualSeed,
  nn,
  NotInTypeScriptError,
  ones,
  Parameter,
  ShapeError,
  tensor,
  zeros,
  type Tensor,
} from '@fakkel/core';
import { describe, expect, test, vi } from 'vitest';
import { freshDevice, TwoLayerNet } from './helpers.js';

const x = (): Tensor =>
  tensor([
    [1, 2],
    [3, 4],
  ]);

describe('JavaScript', () => {
  test('in-place methods', () => {
    expect(() => (x() as unknown as { add_: (n: number) => void }).add_(1)).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: add_: tensors are immutable. Write x = x.add(…); for a parameter or buffer p.assign(p.add(…)), for its gradient p.grad = p.grad.add(…).]`,
    );
    expect(() => (x() as unknown as { zero_: () => void }).zero_()).toThrow(NotInTypeScriptError);
  });
  test('reading an element by index', () => {
    expect(() => (x() as unknown as number[])[0]).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: x[0]: write x.select(0, 0) for a tensor, or (await x.toArray())[0] for numbers]`,
    );
  });
  test('names from Python say what they are called here', () => {
    expect(() => (x() as unknown as { T: Tensor }).T).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: x.T: write x.t() for a matrix, x.transpose(a, b) or x.permute([…]) for more axes]`,
    );
    expect(() => (x() as unknown as { numpy(): void }).numpy()).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: x.numpy: write await x.data() for a typed array, await x.toArray() for nested arrays]`,
    );
    expect(() => (x() as unknown as { copy_(y: Tensor): void }).copy_(x())).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: copy_: tensors are immutable. Write x = y; for a parameter or buffer p.assign(y), for its gradient p.grad = y.]`,
    );
  });
  test('requiresGrad can be set, as in PyTorch', () => {
    const weight = new Parameter(ones([1]));
    weight.requiresGrad = false;
    expect([weight.requiresGrad, weight.mul(2).requiresGrad]).toEqual([false, false]);
  });
  test('JSON holds the printed tensor', () => {
    expect(JSON.stringify({ x: tensor([1, 2]) })).toBe('{"x":"tensor([1., 2.])"}');
  });
  test('index assignment', () => {
    expect(() => ((x() as unknown as number[])[0] = 1)).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: x[0] = …: tensors are immutable. Use where(mask, a, b), x.maskedFill(mask, v), x.indexAdd or scatterAdd.]`,
    );
  });
  test('tensor + 1', () => {
    expect(() => (x() as unknown as number) + 1).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: a tensor is no JavaScript number: write a.add(b), a.mul(2), a.gt(0), or read it with await a.item() (got float32[2,2])]`,
    );
    expect(() => (x() as unknown as number) > 1).toThrow(NotInTypeScriptError);
  });
  test('iteration', () => {
    expect(() => [...(x() as unknown as Tensor[])]).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: a tensor is not iterable: use x.unbind(0) for the tensors along an axis, or await x.toArray() for the numbers]`,
    );
  });
  test('await tensor gives the tensor: it is not thenable, so Promise.all and async functions pass it on', async () => {
    const t = x();
    // eslint-disable-next-line @typescript-eslint/await-thenable -- this is what the test is about
    expect(await t).toBe(t);
    expect('then' in t).toBe(false);
  });
  test('a template string shows the tensor', async () => {
    const t = x();
    expect(String(t)).toBe('tensor([[1., 2.],\n        [3., 4.]])');
  });
  test('an array where a tensor is expected', () => {
    expect(() => x().add([1, 2] as unknown as Tensor)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: add: expected a tensor or a number, got an array (wrap it in tensor(…))]`,
    );
    expect(() => new TwoLayerNet()([1, 2, 3, 4] as unknown as Tensor)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: linear: expected a tensor, got an array (wrap it in tensor(…))]`,
    );
  });
  test('forgetting new', () => {
    expect(() => (nn.Linear as unknown as (a: number, b: number) => unknown)(1, 2)).toThrow(TypeError);
  });
});

describe('bad input', () => {
  test('shapes', async () => {
    expect(() => x().add(ones([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: add: cannot broadcast float32[2,2] with float32[3]: counted from the last axis, sizes must be equal or 1. Use reshape or unsqueeze to line the axes up.]`,
    );
    expect(() => x().matmul(ones([3, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: matmul: cannot multiply float32[2,2] by float32[3,2]: the inner sizes 2 and 3 must be equal. Swap axes with x.transpose(-1, -2), or permute and reshape to [..., m, k] and [..., k, n].]`,
    );
    expect(() => x().reshape([3, -1])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: the -1 in [3,-1] has no value that fits float32[2,2] (4 elements)]`,
    );
    expect(() => new nn.Conv2d(3, 4, 3)(ones([1, 1, 8, 8]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected input with 3 channels (weight is float32[4,3,3,3]), got float32[1,1,8,8]. Repeat the channel with x.expand, or make the layer for 1 input channel.]`,
    );
    expect(() => new nn.Linear(3, 4)(ones([2, 5]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: linear: expected input with 3 features (weight is float32[4,3]), got float32[2,5]. The last axis of the input must have inFeatures elements.]`,
    );
    await expect(x().item()).rejects.toThrow(ShapeError);
  });
  test('dtypes', () => {
    expect(() => tensor([1, 2], { dtype: 'int32' }).mean()).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: mean: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
    expect(() => tensor([1], { dtype: 'int32', requiresGrad: true })).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: tensor: only float tensors have gradients, got int32[1]]`,
    );
    expect(() => new nn.CrossEntropyLoss()(ones([2, 3]), ones([2]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: crossEntropy: expected class indices, int32 of shape [N] or [N, …], got float32[2] for float32[2,3]. Make labels with tensor([…], { dtype: 'int32' }), or convert them with target.to('int32').]`,
    );
    const cell = new Parameter(ones([2]));
    expect(() => cell.assign(tensor([1, 2], { dtype: 'int32' }))).toThrow(DTypeError);
  });
  test('devices', async () => {
    const other = await freshDevice();
    expect(() => x().add(ones([2, 2], { device: other }))).toThrowErrorMatchingInlineSnapshot(
      `[DeviceError: add: all tensors must be on one device, got float32[2,2] on reference, float32[2,2] on fresh. Move them with x.to(device).]`,
    );
    expect(() => new Parameter(ones([2])).assign(ones([2], { device: other }))).toThrow(DeviceError);
  });
  test('labels out of range', () => {
    const labels = tensor([0, 3], { dtype: 'int32' });
    expect(() => new nn.CrossEntropyLoss()(ones([2, 3]), labels)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: crossEntropy: label 3 at position 1 is out of range for 3 classes (0 to 2). Labels count from 0; positions without a class get the ignoreIndex, -100.]`,
    );
  });
  test('labels out of range that are computed on the device', async () => {
    const labels = tensor([0, 2], { dtype: 'int32' }).add(1);
    await expect(new nn.CrossEntropyLoss()(ones([2, 3]), labels).item()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: crossEntropy: label 3 is out of range for 3 classes (expected 0 to 2, or ignoreIndex -100)]`,
    );
  });
  test('ragged arrays and things that are no numbers', () => {
    expect(() => tensor([[1, 2], [3]])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tensor: the rows differ in length: expected 2 elements at [1], as in the first row, got an array of 1. Pad the rows to one length.]`,
    );
    expect(() => tensor(['a'] as unknown as number[])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: tensor: expected a number or a boolean at [0], got string a]`,
    );
    expect(() => tensor(undefined as unknown as number[])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: tensor: expected a number or a boolean, got undefined]`,
    );
  });
  test('axes', () => {
    expect(() => x().sum(2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: sum: axis 2 is out of range for 2 axes (expected -2 to 1)]`,
    );
    expect(() => x().select(0, 5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: select: index 5 out of range for axis 0 of float32[2,2], which has 2 elements]`,
    );
  });
  test('a state dict that does not fit', () => {
    manualSeed(0);
    const net = new TwoLayerNet();
    const state = net.stateDict();
    state.delete('fc1.bias');
    state.set('fc3.weight', zeros([1]));
    state.set('fc2.weight', zeros([3, 9]));
    expect(() => net.loadStateDict(state)).toThrowErrorMatchingInlineSnapshot(`
      [StateDictError: loadStateDict: the state dict does not fit TwoLayerNet; nothing was loaded.
        missing: fc1.bias
        unexpected: fc3.weight
        fc2.weight: the module has float32[3,8], the state dict float32[3,9]
      Pass { strict: false } to load what fits by name.]
    `);
    expect(() => net.loadStateDict({ tensors: new Map() } as never)).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: loadStateDict: expected a Map from names to tensors, got a whole file: pass its .tensors]`,
    );
    expect(() => net.loadStateDict(new Uint8Array(3) as never)).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: loadStateDict: expected a Map from names to tensors, got bytes: pass loadSafetensors(bytes).tensors]`,
    );
    expect(() => net.loadStateDict({} as never)).toThrowErrorMatchingInlineSnapshot(
      `[StateDictError: loadStateDict: expected a Map from names to tensors: new Map(Object.entries(state)) makes one of an object]`,
    );
  });
});

test('two copies of core in one process: a clear error', async () => {
  vi.resetModules();
  const other = await import('@fakkel/core');
  const mine = x();
  if (other.Tensor === mine.constructor) throw new Error('the copy is the same module: this test tests nothing');
  expect(() => other.ones([2, 2]).add(mine)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: this tensor comes from a second copy of @fakkel/core in this process. Install one version: \`npm ls @fakkel/core\` shows who brings the other, \`npm dedupe\` usually mends it (backends and plugins name core as a peer dependency).]`,
  );
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
