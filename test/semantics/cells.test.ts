/** Cells, versions and snapshots: design §3. */
import {
  Cell,
  evaluate,
  flush,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  Parameter,
  randn,
  StaleTensorError,
  stats,
  tensor,
  zeros,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { beforeEach, expect, test } from 'vitest';
import { cost, TwoLayerNet } from './helpers.js';

beforeEach(() => void manualSeed(0));

test('reads recorded after a write see the new value, reads before it the old one', async () => {
  const cell = new Cell(tensor([1, 2]));
  const before = cell.mul(10);
  cell.assign(cell.add(1));
  const after = cell.mul(10);
  expect(await after.toArray()).toEqual([20, 30]);
  expect(await before.toArray()).toEqual([10, 20]);
  expect(await cell.toArray()).toEqual([2, 3]);
});

test('a write that nothing reads waits for flush()', async () => {
  const cell = new Cell(tensor([1]));
  const { runs } = await cost(() => {
    cell.assign(cell.add(1));
    cell.assign(cell.add(1));
  });
  expect(runs).toBe(0);
  expect((await cost(() => flush())).runs).toBe(1);
  expect((await cost(async () => expect(await cell.item()).toBe(3))).runs).toBe(0);
});

test('a cell read before its replacement is computed with the run that replaces it', async () => {
  const cell = new Cell(tensor([1]));
  const other = cell.exp(); // visible, shares no work with the write
  cell.assign(tensor([5]).mul(2));
  await cell.data();
  expect(await other.item()).toBeCloseTo(Math.E, 6);
});

test('assigning a value that is there already compiles nothing', async () => {
  const net = new TwoLayerNet();
  const other = new TwoLayerNet();
  await net(ones([1, 4])).data();
  const { compiles, runs } = await cost(async () => {
    net.loadStateDict(other.stateDict());
    await flush();
  });
  expect({ compiles, runs }).toEqual({ compiles: 0, runs: 0 });
  const { compiles: later } = await cost(async () => void (await net(ones([1, 4])).data()));
  expect(later).toBe(0);
});

test('stateDict(), detach() and clone() are snapshots', async () => {
  const weight = new Parameter(tensor([1, 2]));
  const optimizer = new SGD([weight], { lr: 1 });
  const detached = weight.detach();
  const cloned = weight.clone();
  weight.sum().backward();
  await optimizer.step();
  expect(await weight.toArray()).toEqual([0, 1]);
  expect(await detached.toArray()).toEqual([1, 2]);
  expect(await cloned.toArray()).toEqual([1, 2]);
  const again = weight.detach();
  optimizer.zeroGrad();
  weight.sum().backward();
  await optimizer.step();
  expect(await again.toArray()).toEqual([0, 1]);
  expect(await detached.toArray()).toEqual([1, 2]);
});

test('a snapshot of a pending write keeps it', async () => {
  const cell = new Cell(tensor([1]));
  cell.assign(cell.add(1));
  const snapshot = cell.detach();
  cell.assign(cell.mul(10));
  await flush();
  expect(await snapshot.item()).toBe(2);
  expect(await cell.item()).toBe(20);
});

test('early stopping: a state dict taken at the best epoch is restored', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.5, momentum: 0.9 });
  const x = randn([8, 4]);
  const step = async (): Promise<number> => {
    optimizer.zeroGrad();
    const loss = net(x).square().mean();
    loss.backward();
    await optimizer.step();
    return loss.item();
  };
  for (let i = 0; i < 5; i++) await step();
  const best = net.stateDict();
  const expected = await noGrad(() => net(x)).toArray();
  for (let i = 0; i < 5; i++) await step();
  expect(await noGrad(() => net(x)).toArray()).not.toEqual(expected);
  net.loadStateDict(best);
  expect(await noGrad(() => net(x)).toArray()).toEqual(expected);
  await step(); // and it goes on from there
  expect(await best.get('fc1.weight')!.data()).not.toEqual(await net.fc1.weight.data());
});

test('an exponential moving average of weights', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const ema = net.parameters().map((p) => new Cell(p.detach()));
  const expected = await Promise.all(net.parameters().map((p) => p.data()));
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    net(ones([2, 4]))
      .square()
      .mean()
      .backward();
    await optimizer.step();
    noGrad(() => net.parameters().forEach((p, i) => ema[i].assign(ema[i].mul(0.9).add(p.mul(0.1)))));
    for (const [i, p] of net.parameters().entries()) {
      const now = await p.data();
      expected[i] = expected[i].map((v, k) => v * 0.9 + now[k] * 0.1);
    }
  };
  for (let i = 0; i < 3; i++) await step();
  const { totalBuffers } = memory();
  for (let i = 0; i < 10; i++) await step();
  expect(memory().totalBuffers).toBe(totalBuffers);
  for (const [i, cell] of ema.entries()) {
    const got = await cell.data();
    got.forEach((v, k) => expect(v).toBeCloseTo(expected[i][k], 5));
  }
});

test('an accumulator over 1,000 steps holds one buffer and compiles one program', async () => {
  const total = new Cell(zeros([3]), { name: 'total' });
  const x = tensor([1, 2, 3]);
  // x is uploaded a second time, and then stays on the device.
  for (let i = 0; i < 2; i++) {
    total.assign(total.add(x).sub(x));
    await flush();
  }
  const buffers = memory().totalBuffers;
  const { compiles } = await cost(async () => {
    for (let i = 0; i < 1000; i++) {
      total.assign(total.add(x));
      if (i % 10 === 9) await flush();
    }
  });
  expect(await total.toArray()).toEqual([1000, 2000, 3000]);
  expect(compiles).toBeLessThanOrEqual(2);
  expect(memory().totalBuffers).toBe(buffers);
});

test('tensor() copies at the call: a later write to the array changes nothing', async () => {
  const data = Float32Array.of(1, 2, 3);
  const x = tensor(data);
  const y = x.mul(2);
  data.fill(9);
  expect(await y.toArray()).toEqual([2, 4, 6]);
  const out = await x.data();
  out.fill(7);
  expect(await x.toArray()).toEqual([1, 2, 3]);
});

test('two writes of one tick share a run', async () => {
  const a = new Cell(tensor([1]));
  const b = new Cell(tensor([2]));
  const { runs } = await cost(async () => {
    const shared = a.add(b);
    a.assign(shared);
    b.assign(shared.mul(2));
    await flush();
  });
  expect(runs).toBe(1);
  expect([await a.item(), await b.item()]).toEqual([3, 6]);
});

test('two cells given one value are independent afterwards', async () => {
  const a = new Cell(zeros([2]));
  const b = new Cell(zeros([2]));
  const value = tensor([1, 2]).add(1);
  a.assign(value);
  b.assign(value);
  await flush();
  a.assign(a.add(10));
  await flush();
  expect(await a.toArray()).toEqual([12, 13]);
  expect(await b.toArray()).toEqual([2, 3]);
  b.assign(b.mul(2));
  await flush();
  expect(await b.toArray()).toEqual([4, 6]);
  expect(await value.toArray()).toEqual([2, 3]);
});

test('memory() reports bytes by role', async () => {
  const before = memory();
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  net(ones([2, 4]))
    .square()
    .mean()
    .backward();
  await optimizer.step();
  const now = memory();
  const parameters = 4 * (4 * 8 + 8 + 8 * 3 + 3);
  expect(now.bytes.parameter - before.bytes.parameter).toBe(parameters);
  expect(now.bytes.optimizer - before.bytes.optimizer).toBe(parameters);
  expect(now.bytes.gradient - before.bytes.gradient).toBe(0);
  net.dispose();
  expect(memory().bytes.parameter).toBe(before.bytes.parameter);
});

test('`using` frees a model at the end of its block', async () => {
  const before = memory().bytes.parameter;
  {
    using net = new TwoLayerNet();
    await net(ones([1, 4])).data();
    expect(memory().bytes.parameter).toBeGreaterThan(before);
  }
  expect(memory().bytes.parameter).toBe(before);
});

test('a disposed parameter says so', async () => {
  const weight = new Parameter(ones([2]), { name: 'fc.weight' });
  weight.dispose();
  await expect(weight.data()).rejects.toThrow(StaleTensorError);
  await expect(weight.mul(2).data()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[StaleTensorError: fc.weight float32[2] was disposed of, or the run that would have made it failed]`,
  );
});

test('results of a run in flight can be read and used without waiting for it', async () => {
  const cell = new Cell(tensor([1]));
  const first = cell.add(1);
  const reading = first.item();
  await Promise.resolve();
  const second = first.mul(10);
  expect(await second.item()).toBe(20);
  expect(await reading).toBe(2);
});

test('evaluate() on nothing new does nothing', async () => {
  const x = tensor([1]);
  const before = stats().runs;
  await evaluate(x);
  expect(stats().runs).toBe(before);
});

test('a module that is given a value over and over keeps no snapshot it was not asked for', async () => {
  const net = new nn.Linear(2, 2);
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    net(ones([1, 2]))
      .sum()
      .backward();
    net.stateDict();
    await optimizer.step();
  };
  await step();
  const { totalBuffers } = memory();
  for (let i = 0; i < 20; i++) await step();
  expect(memory().totalBuffers).toBe(totalBuffers);
});
