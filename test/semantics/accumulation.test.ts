/** Gradient accumulation over micro-batches: equal gradients, the memory of one micro-batch, and no giant program. */
import {
  flush,
  manualSeed,
  nn,
  noGrad,
  randn,
  referenceDevice,
  setDefaultDevice,
  stats,
  tensor,
  type Device,
  type Tensor,
} from '@fakkel/core';
import { DataLoader } from '@fakkel/data';
import { SGD } from '@fakkel/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cost, freshDevice } from './helpers.js';

let device: Device;
beforeEach(async () => {
  device = await freshDevice();
  setDefaultDevice(device);
  manualSeed(0);
});
afterEach(() => setDefaultDevice(referenceDevice()));

class ConvNet extends nn.Module {
  conv1 = new nn.Conv2d(1, 8, 3, { padding: 1 });
  conv2 = new nn.Conv2d(8, 8, 3, { padding: 1 });
  fc = new nn.Linear(8 * 16, 4);
  forward(x: Tensor): Tensor {
    x = this.conv2(this.conv1(x).relu()).relu();
    return this.fc(x.maxPool2d(4).flatten(1));
  }
}

/** One with running statistics, which every micro-batch reads and writes. */
class NormalizedNet extends ConvNet {
  norm = new nn.BatchNorm2d(8);
  override forward(x: Tensor): Tensor {
    x = this.conv2(this.norm(this.conv1(x)).relu()).relu();
    return this.fc(x.maxPool2d(4).flatten(1));
  }
}

const criterion = new nn.CrossEntropyLoss();
const batch = (n: number): [Tensor, Tensor] => [
  randn([n, 1, 16, 16]),
  tensor(Int32Array.from({ length: n }, (_, i) => (i * 7) % 4)),
];
const nothing = (): void => undefined;

/** One step over `batches`, with what happens `between` them. */
async function step(
  net: ConvNet,
  optimizer: SGD,
  batches: readonly (readonly [Tensor, Tensor])[],
  between: (loss: Tensor) => unknown = nothing,
): Promise<void> {
  optimizer.zeroGrad();
  for (const [x, y] of batches) {
    const loss = criterion(net(x), y).div(batches.length);
    loss.backward();
    await between(loss);
  }
  await optimizer.step();
}

const loops: [string, ((loss: Tensor) => unknown) | undefined][] = [
  ['nothing is read in between', undefined],
  ['the loss is read in between', (loss) => loss.item()],
  ['the loader flushes in between', () => flush(device)],
];

describe.each([
  ['a network', () => new ConvNet()],
  ['a network with batch normalization', () => new NormalizedNet()],
])('8 micro-batches of 8, %s', (_, make) => {
  /** Peak bytes of a step, with the data that waits for it and all that is held. */
  const peak = async (sizes: number[], between?: (loss: Tensor) => unknown): Promise<number> => {
    device = await freshDevice();
    setDefaultDevice(device);
    const net = make();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    for (let i = 0; i < 3; i++) await step(net, optimizer, sizes.map(batch), between);
    return stats(device).backend.peakBytes;
  };
  const gradientBytes = make()
    .parameters()
    .reduce((sum, p) => sum + 4 * p.numel(), 0);

  test.each(loops)('need the memory of one where %s', async (_, between) => {
    const one = await peak([8]);
    const accumulated = await peak(new Array<number>(8).fill(8), between);
    const large = await peak([64]);
    expect(accumulated).toBeLessThanOrEqual(1.1 * one + gradientBytes);
    expect(large).toBeGreaterThan(6 * accumulated);
  });

  test.each(loops)('compile three programs, however many there are, where %s', async (_, between) => {
    const net = make();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const first = await cost(() => step(net, optimizer, [8, 8, 8, 8].map(batch), between), device);
    // The first gradient, one that is added to it, and the update (with the last micro-batch, if it waits).
    expect(first.compiles).toBe(3);
    const more = await cost(() => step(net, optimizer, new Array<number>(16).fill(8).map(batch), between), device);
    expect({ compiles: more.compiles, runs: more.runs }).toEqual({ compiles: 0, runs: between ? 17 : 16 });
    expect(more.kernels['conv']).toBe(2 * 16);
  });
});

test('the gradients are those of one batch', async () => {
  const gradients = async (split: number, between?: (loss: Tensor) => unknown): Promise<number[][]> => {
    manualSeed(1);
    const net = new ConvNet();
    const [x, y] = batch(64);
    for (let i = 0; i < split; i++) {
      const size = 64 / split;
      const loss = criterion(net(x.narrow(0, i * size, size)), y.narrow(0, i * size, size)).div(split);
      loss.backward();
      await between?.(loss);
    }
    return Promise.all(net.parameters().map(async (p) => Array.from(await p.grad!.data())));
  };
  const whole = await gradients(1);
  const parts = await gradients(8);
  for (const [_, between] of loops) expect(await gradients(8, between)).toEqual(parts);
  whole.forEach((gradient, i) => {
    const scale = Math.max(...gradient.map(Math.abs));
    // What is added in another order differs in the last bits of float32.
    gradient.forEach((g, k) => expect(Math.abs(g - parts[i][k])).toBeLessThan(2e-6 * scale));
  });
});

test('in a loop over a data loader', async () => {
  const images = Float32Array.from({ length: 32 * 256 }, (_, i) => Math.sin(i));
  const samples = {
    length: 32,
    get: (i: number): [Float32Array, number] => [images.subarray(256 * i, 256 * (i + 1)), i % 4],
  };
  const net = new NormalizedNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const epoch = async (): Promise<void> => {
    let micro = 0;
    for await (const [x, y] of new DataLoader(samples, { batchSize: 4 })) {
      criterion(net(x.reshape([-1, 1, 16, 16])), y)
        .div(4)
        .backward();
      if (++micro % 4 > 0) continue;
      await optimizer.step();
      optimizer.zeroGrad();
    }
  };
  await epoch();
  const { compiles, runs } = await cost(epoch, device);
  expect({ compiles, runs }).toEqual({ compiles: 0, runs: 8 });
});

describe('a micro-batch whose run fails', () => {
  // Labels that are computed are looked at by the run.
  const labels = (n: number): Tensor => tensor(Int32Array.from({ length: 8 }, () => 0)).add(n);
  test.each([
    ['nothing is awaited in between', nothing],
    ['other things are awaited in between', () => new Promise((resolve) => setTimeout(resolve, 5))],
  ])('makes the step reject where %s: it would use a part of the gradient', async (_, between) => {
    const net = new ConvNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const before = await net.fc.bias!.toArray();
    const [x] = batch(8);
    const train = (...classes: number[]): Promise<void> =>
      step(
        net,
        optimizer,
        classes.map((n) => [x, labels(n)]),
        between,
      );
    await expect(train(0, 7, 1)).rejects.toThrow(/label 7 .* out of range/);
    expect(await net.fc.bias!.toArray()).toEqual(before);
    await train(0, 1);
    expect(await net.fc.bias!.toArray()).not.toEqual(before);
  });
});

describe('what is no accumulation stays one program', () => {
  test('two losses of one forward pass', async () => {
    const net = new ConvNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const [x, y] = batch(8);
    const { runs, kernels } = await cost(async () => {
      const logits = net(x);
      criterion(logits, y).backward({ retainGraph: true });
      logits.square().mean().backward();
      await optimizer.step();
    }, device);
    expect({ runs, conv: kernels['conv'] }).toEqual({ runs: 1, conv: 2 });
  });

  test('another network, or this one under noGrad, between backward() and step()', async () => {
    const [net, teacher] = [new ConvNet(), new ConvNet()];
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const [x, y] = batch(8);
    const { runs } = await cost(async () => {
      criterion(net(x), y).backward();
      teacher(x);
      noGrad(() => net(x));
      await optimizer.step();
    }, device);
    expect(runs).toBe(1);
  });
});
