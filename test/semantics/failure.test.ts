/** A failed run changes nothing: design §4, "Failure". */
import { BackendError, Cell, manualSeed, nn, randn, stats, tensor, type Backend, type Device } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { beforeEach, expect, test } from 'vitest';
import { freshDevice, TwoLayerNet } from './helpers.js';

beforeEach(() => void manualSeed(0));

/** A reference backend whose next run fails on demand, before it has consumed anything. */
async function fallible(): Promise<{ device: Device; failNext: (what?: 'run' | 'compile') => void }> {
  let fail: 'run' | 'compile' | null = null;
  const device = await freshDevice(
    (backend): Backend =>
      new Proxy(backend, {
        get(target, name) {
          if (name === 'compile') {
            return async (program: Parameters<Backend['compile']>[0]) => {
              if (fail === 'compile') {
                fail = null;
                throw new Error('no such kernel');
              }
              const executable = await target.compile(program);
              return {
                ...executable,
                dispose: () => executable.dispose(),
                run: async (...args: Parameters<typeof executable.run>) => {
                  if (fail === 'run') {
                    fail = null;
                    throw new Error('the device hiccuped');
                  }
                  return executable.run(...args);
                },
              };
            };
          }
          const value = Reflect.get(target, name) as unknown;
          return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
        },
      }),
  );
  return { device, failNext: (what = 'run') => void (fail = what) };
}

test('a failing run leaves cells intact, and the next freshly recorded step works', async () => {
  const { device, failNext } = await fallible();
  const net = new TwoLayerNet().to(device);
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const step = async (): Promise<number> => {
    optimizer.zeroGrad();
    const loss = net(randn([2, 4], { device }))
      .square()
      .mean();
    loss.backward();
    await optimizer.step();
    return loss.item();
  };
  await step();
  const before = await Promise.all(net.parameters().map((p) => p.data()));
  const state = await net.fc1.weight.data();
  failNext();
  await expect(step()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[BackendError: fresh: a run failed: the device hiccuped]`,
  );
  expect(await Promise.all(net.parameters().map((p) => p.data()))).toEqual(before);
  await step();
  expect(await net.fc1.weight.data()).not.toEqual(state);
});

test('a step with batch normalization is one run, and its count of batches fails with it', async () => {
  const { device, failNext } = await fallible();
  const net = new nn.Sequential(new nn.Linear(4, 3), new nn.BatchNorm1d(3)).to(device);
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const x = randn([5, 4], { device });
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    net(x).square().mean().backward();
    await optimizer.step();
  };
  const runs = stats(device).runs;
  await step();
  expect(stats(device).runs - runs).toBe(1);
  failNext();
  await expect(step()).rejects.toThrow('the device hiccuped');
  expect(await net.stateDict().get('1.num_batches_tracked')!.item()).toBe(1);
  await step();
  expect(await net.stateDict().get('1.num_batches_tracked')!.item()).toBe(2);
});

test('values recorded on top of a failed run throw the same cause', async () => {
  const { device, failNext } = await fallible();
  const cell = new Cell(tensor([1], { device }));
  failNext();
  const y = cell.mul(2);
  cell.assign(y);
  const later = cell.add(1);
  const reading = y.item();
  await expect(reading).rejects.toThrow(BackendError);
  const error = await y.item().catch((e: unknown) => e as Error);
  await expect(later.item()).rejects.toBe(error);
  expect((error as Error).cause).toBeInstanceOf(Error);
  expect(await cell.item()).toBe(1);
});

test('a program that does not compile is an error of the run, and is tried again', async () => {
  const { device, failNext } = await fallible();
  const x = tensor([1, 2], { device });
  failNext('compile');
  await expect(x.exp().data()).rejects.toThrow('no such kernel');
  expect(await x.exp().data()).toHaveLength(2);
});

test('no buffer leaks in a failed run', async () => {
  const { device, failNext } = await fallible();
  const net = new TwoLayerNet().to(device);
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    net(randn([2, 4], { device }))
      .square()
      .mean()
      .backward();
    await optimizer.step();
  };
  await step();
  await step();
  const live = stats(device).backend.liveBuffers;
  for (let i = 0; i < 5; i++) {
    failNext();
    await step().catch(() => undefined);
    await step();
  }
  expect(stats(device).backend.liveBuffers).toBe(live);
});

test('a run queued behind a failed one, on its values, fails with it', async () => {
  const { device, failNext } = await fallible();
  const cell = new Cell(tensor([1], { device }));
  failNext();
  const first = cell.add(1);
  cell.assign(first);
  const a = first.data().catch((e: unknown) => e);
  await Promise.resolve();
  await Promise.resolve();
  const b = cell
    .mul(3)
    .data()
    .catch((e: unknown) => e);
  expect(await a).toBe(await b);
  expect(await cell.item()).toBe(1);
});

test('an op that throws while it is recorded changes nothing', async () => {
  const net = new TwoLayerNet();
  const before = await net.fc1.weight.data();
  expect(() => net(randn([2, 5]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: linear: expected input with 4 features (weight is float32[8,4]), got float32[2,5]. The last axis of the input must have inFeatures elements.]`,
  );
  expect(await net.fc1.weight.data()).toEqual(before);
  expect(net(randn([2, 4])).shape).toEqual([2, 3]);
});

test('a forward that throws leaves no mode behind', async () => {
  class Broken extends nn.Module {
    inner = new nn.Linear(2, 2);
    forward(): never {
      throw new Error('broken');
    }
  }
  expect(() => new Broken()() as unknown).toThrow('broken');
  const x = tensor([1, 2]);
  const y = x.add(1);
  const z = y.sum();
  await z.item();
  expect(y._storage).not.toBeNull(); // still visible
});

test('an asynchronous forward is an error that teaches', () => {
  class Async extends nn.Module {
    async forward(): Promise<number> {
      return 1;
    }
  }
  expect(() => new Async()() as unknown).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: Async: forward returned a promise. It is synchronous: nothing needs to be awaited inside, values are computed when they are read outside.]`,
  );
});

test('a disposed device says so', async () => {
  const device = await freshDevice();
  const x = tensor([1], { device });
  await x.add(1).data();
  await device.dispose();
  await expect(x.add(1).data()).rejects.toThrowErrorMatchingInlineSnapshot(`[BackendError: fresh was disposed of]`);
});
