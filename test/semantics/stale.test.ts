/** What was not kept is never answered from newer weights: design §4, "After a run". */
import {
  Cell,
  flush,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  Parameter,
  randn,
  StaleTensorError,
  tensor,
  type Tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { beforeEach, expect, test } from 'vitest';
import { cost, TwoLayerNet } from './helpers.js';

beforeEach(() => void manualSeed(0));

/** A big layer: its output passes the bounds for host copies and for visible outputs that others read. */
const wide = (): nn.Linear => new nn.Linear(4, 300_000, { bias: false });

test('a read of stale logits throws, naming the cell and the remedy', async () => {
  const net = wide();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const logits = net(ones([1, 4])); // 1.2 MB, read by the loss: no output by itself
  logits.square().mean().backward();
  await optimizer.step();
  await expect(logits.data()).rejects.toThrowErrorMatchingInlineSnapshot(
    `[StaleTensorError: this value (float32[1,300000]) was not kept and can't be computed again, because 'weight' has changed since it was recorded. Read it before the step (await it), or call keep() on it where it is made.]`,
  );
});

test('keep() on it makes it readable', async () => {
  const net = wide();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const logits = net(ones([1, 4])).keep();
  logits.square().mean().backward();
  await optimizer.step();
  expect(await logits.data()).toHaveLength(300_000);
});

test('so does reading it before the step', async () => {
  const net = wide();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const logits = net(ones([1, 4]));
  const early = await logits.data();
  logits.square().mean().backward();
  await optimizer.step();
  expect(early).toHaveLength(300_000);
});

test('a value computed from a stale one throws as well', async () => {
  const net = wide();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const logits = net(ones([1, 4]));
  logits.square().mean().backward();
  await optimizer.step();
  await expect(logits.sum().item()).rejects.toThrow(StaleTensorError);
});

test('small results never go stale: a thousand losses are read at the end', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.01 });
  const losses: Tensor[] = [];
  for (let i = 0; i < 1000; i++) {
    optimizer.zeroGrad();
    const loss = net(randn([2, 4]))
      .square()
      .mean();
    loss.backward();
    await optimizer.step();
    losses.push(loss);
  }
  const { runs } = await cost(async () => {
    for (const loss of losses) expect(Number.isFinite(await loss.item())).toBe(true);
  });
  expect(runs).toBe(0);
});

test('a dropped value is computed again while no cell has changed', async () => {
  const w = new Parameter(ones([600, 600]));
  const big = w.mul(2);
  await big.sum().item();
  const { kernels } = await cost(async () => expect((await big.data())[0]).toBe(2));
  expect(kernels['mul']).toBe(1);
});

test('large visible results stay on the device under the budget, the least recently used out first', async () => {
  const { setMemoryBudget } = await import('@fakkel/core');
  const x = tensor(new Float32Array(50_000).fill(1));
  const budget = x.device.backend.capabilities.memoryBudget;
  setMemoryBudget(450_000);
  try {
    const values = [1, 2, 3].map((v) => x.mul(v));
    for (const value of values) await value.data();
    expect(memory().bytes.result).toBeLessThanOrEqual(450_000);
    expect((await cost(async () => expect((await values[2].data())[0]).toBe(3))).runs).toBe(0);
    expect((await cost(async () => expect((await values[0].data())[0]).toBe(1))).runs).toBe(1);
  } finally {
    setMemoryBudget(budget);
  }
});

test('a kept value that the budget pushed out is on the host', async () => {
  const { setMemoryBudget } = await import('@fakkel/core');
  const x = tensor(new Float32Array(50_000).fill(1));
  const budget = x.device.backend.capabilities.memoryBudget;
  const cell = new Cell(tensor([2]));
  const kept = x.mul(cell).keep();
  await kept.sum().item();
  setMemoryBudget(0);
  try {
    await x.mul(3).data();
    cell.assign(tensor([5]));
    await flush();
    expect((await kept.data())[0]).toBe(2);
  } finally {
    setMemoryBudget(budget);
  }
});

test('an evaluation that forgot noGrad still gives backward for saliency, then lets go', async () => {
  const net = new TwoLayerNet().eval();
  const x = ones([1, 4]).requiresGrad_();
  const score = net(x).sum();
  await score.item();
  score.backward();
  expect(await x.grad!.data()).toHaveLength(4);
});

test('a value recorded under noGrad drops its recipe once it is computed', async () => {
  const net = new TwoLayerNet();
  const y = noGrad(() => net(ones([1, 4])));
  await y.data();
  expect(y._recipe).toBeNull();
});

test('a loss drops its recipe once its tape is consumed', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const loss = net(ones([1, 4])).sum();
  loss.backward();
  await optimizer.step();
  expect(loss._recipe).toBeNull();
});

test('a value drops its recipe when a cell that it read has changed', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const kept = net(ones([2, 4]));
  await kept.data();
  expect(kept._recipe).not.toBeNull();
  net(ones([1, 4]))
    .sum()
    .backward();
  await optimizer.step();
  expect(kept._recipe).toBeNull();
  expect(await kept.data()).toHaveLength(6);
});
