/** Bounds: live buffers, bytes, and what a handle keeps alive. */
import { manualSeed, memory, nn, noGrad, rand, randn, stats, tensor, type Tensor } from '@fakkel/core';
import { Adam, SGD } from '@fakkel/optim';
import { beforeEach, expect, test } from 'vitest';
import { SmallConvNet, TwoLayerNet } from './helpers.js';

beforeEach(() => void manualSeed(0));

test(
  '10,000 steps in a loop that awaits only microtasks hold live buffers and bytes constant',
  { timeout: 120_000 },
  async () => {
    const net = new TwoLayerNet();
    const optimizer = new Adam(net.parameters(), { lr: 1e-3 });
    const x = rand([4, 4]);
    let macrotask = false;
    const timer = setImmediate(() => (macrotask = true));
    const live: string[] = [];
    for (let i = 0; i < 10_000; i++) {
      optimizer.zeroGrad();
      const loss = net(x).square().mean();
      loss.backward();
      await optimizer.step();
      if (i % 1000 === 10) {
        const { liveBuffers, liveBytes, peakBytes } = stats().backend;
        live.push(`${liveBuffers} buffers, ${liveBytes} bytes, peak ${peakBytes}, ${memory().totalBuffers} held`);
      }
    }
    expect(macrotask).toBe(false);
    clearImmediate(timer);
    expect(new Set(live).size).toBe(1);
  },
);

test('so does reading a cross-entropy before backward, whose class weights depend on no cell', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 1e-3 });
  const criterion = new nn.CrossEntropyLoss();
  const counts = new Set<number>();
  for (let i = 0; i < 50; i++) {
    optimizer.zeroGrad();
    const loss = criterion(net(randn([4, 4]).mul(2)), tensor(Int32Array.of(0, 1, 2, 0)));
    await loss.item();
    loss.backward();
    await optimizer.step();
    if (i > 2) counts.add(memory().totalBuffers);
  }
  expect(counts.size).toBe(1);
});

test('reading the loss before backward, 1,000 times, holds them constant too', async () => {
  const net = new SmallConvNet();
  const optimizer = new SGD(net.parameters(), { lr: 1e-3 });
  const counts = new Set<number>();
  for (let i = 0; i < 1000; i++) {
    optimizer.zeroGrad();
    const loss = net(randn([1, 1, 8, 8]))
      .square()
      .mean();
    await loss.item();
    loss.backward();
    await optimizer.step();
    if (i > 10) counts.add(memory().totalBuffers);
  }
  expect(counts.size).toBe(1);
});

test('10,000 kept losses keep 10,000 numbers and no batch', { timeout: 120_000 }, async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 1e-3 });
  const losses: Tensor[] = [];
  const batches: WeakRef<Tensor>[] = [];
  let bytes = 0;
  for (let i = 0; i < 10_000; i++) {
    optimizer.zeroGrad();
    const x = rand([4, 4]);
    const loss = net(x).square().mean();
    loss.backward();
    await optimizer.step();
    losses.push(loss);
    if (i < 100) batches.push(new WeakRef(x));
    if (i === 100) bytes = stats().backend.liveBytes;
  }
  expect(stats().backend.liveBytes).toBe(bytes);
  await collectGarbage();
  expect(batches.filter((ref) => ref.deref()).length).toBeLessThanOrEqual(1);
  expect(losses).toHaveLength(10_000);
});

test('an evaluation loop that forgot noGrad keeps no batch after the next step', async () => {
  const net = new TwoLayerNet().eval();
  const optimizer = new SGD(net.parameters(), { lr: 1e-3 });
  const losses: Tensor[] = [];
  const batches: WeakRef<Tensor>[] = [];
  const evaluate = async (): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      const x = rand([4, 4]);
      batches.push(new WeakRef(x));
      const loss = net(x).square().mean();
      losses.push(loss);
      await loss.item();
    }
  };
  await evaluate();
  const { activation } = memory().bytes;
  expect(activation).toBe(0);
  net.train();
  net(rand([4, 4]))
    .square()
    .mean()
    .backward();
  await optimizer.step();
  await collectGarbage();
  expect(batches.filter((ref) => ref.deref()).length).toBeLessThanOrEqual(1);
  expect(Number.isFinite(await losses[0].item())).toBe(true);
});

test('a chain of 20,000 ops', { timeout: 60_000 }, async () => {
  let x = tensor([0]);
  for (let i = 0; i < 20_000; i++) x = x.add(1);
  expect(await x.item()).toBe(20_000);
});

test('a chain of 20,000 ops, differentiated', { timeout: 60_000 }, async () => {
  const w = tensor([1], { requiresGrad: true });
  let x: Tensor = w;
  for (let i = 0; i < 20_000; i++) x = x.mul(1);
  x.backward({ gradient: tensor([3]) });
  expect(await w.grad!.item()).toBe(3);
});

test('inference over many batches holds nothing', async () => {
  const net = new TwoLayerNet().eval();
  const counts = new Set<number>();
  for (let i = 0; i < 100; i++) {
    await noGrad(() => net(randn([8, 4]))).data();
    if (i > 2) counts.add(stats().backend.liveBuffers);
  }
  expect(counts.size).toBe(1);
});

async function collectGarbage(): Promise<void> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    gc();
  }
}
