/** Clipping gradients between `backward()` and `step()`: what it costs, and what a norm that is not finite does. */
import { manualSeed, nn, NonFiniteError, Parameter, randn, stats, tensor, type Tensor } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { cost, freshDevice, SmallConvNet } from './helpers.js';

const { clipGradNorm_, clipGradValue_ } = nn.utils;

beforeEach(() => void manualSeed(0));

const labels = tensor(Int32Array.of(0, 1, 2, 3));
const lossOf = (net: SmallConvNet): Tensor => new nn.CrossEntropyLoss()(net(randn([4, 1, 8, 8])), labels);

describe('forward, backward, clipping and update are one program', () => {
  test('and another maxNorm compiles nothing', async () => {
    const net = new SmallConvNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    const step = async (maxNorm: number): Promise<void> => {
      optimizer.zeroGrad();
      const loss = lossOf(net);
      loss.backward();
      const norm = clipGradNorm_(net.parameters(), maxNorm);
      await optimizer.step();
      // Both come with the step.
      const { runs } = await cost(async () => void [await norm.item(), await loss.item()]);
      expect(runs).toBe(0);
    };
    const first = await cost(() => step(1));
    expect({ compiles: first.compiles, runs: first.runs }).toEqual({ compiles: 1, runs: 1 });
    const { compiles, runs, kernels } = await cost(async () => {
      for (const maxNorm of [0.1, 0, 2, Infinity]) await step(maxNorm);
    });
    expect({ compiles, runs, forwards: kernels['conv'] }).toEqual({ compiles: 0, runs: 4, forwards: 4 });
  });

  test('clipGradValue_ too', async () => {
    const net = new SmallConvNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const step = async (clipValue: number): Promise<void> => {
      optimizer.zeroGrad();
      lossOf(net).backward();
      clipGradValue_(net.parameters(), clipValue);
      await optimizer.step();
    };
    const { compiles, runs } = await cost(async () => {
      for (const clipValue of [0.1, 1, 0]) await step(clipValue);
    });
    expect({ compiles, runs }).toEqual({ compiles: 1, runs: 3 });
  });

  test('clipping and then clipping again is still one run', async () => {
    const w = new Parameter(tensor([3, 4]));
    w.square().sum().backward(); // [6, 8]
    const { runs } = await cost(async () => {
      const first = clipGradNorm_(w, 5); // [3, 4]
      const second = clipGradNorm_(w, 1);
      clipGradValue_(w, 0.7);
      const clipped = (await w.grad!.toArray()) as number[];
      expect(clipped[0]).toBeCloseTo(0.6, 5);
      expect(clipped[1]).toBeCloseTo(0.7, 5);
      expect([await first.item(), await second.item()]).toEqual([10, expect.closeTo(5, 4)]);
    });
    expect(runs).toBe(1);
  });
});

test('reading the norm before the step decides on numbers that the step then uses', async () => {
  const train = async (read: boolean): Promise<unknown> => {
    manualSeed(1);
    const net = new SmallConvNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.5, momentum: 0.9 });
    const { kernels } = await cost(async () => {
      for (let i = 0; i < 3; i++) {
        optimizer.zeroGrad();
        lossOf(net).backward();
        const norm = clipGradNorm_(net.parameters(), 0.2);
        if (read) expect(await norm.item()).toBeGreaterThan(0.2);
        await optimizer.step();
      }
    });
    expect(kernels['conv']).toBe(3);
    return net.conv.weight.toArray();
  };
  expect(await train(true)).toEqual(await train(false));
});

describe('errorIfNonfinite', () => {
  test('the step rejects, names the parameters, and changes nothing', async () => {
    const device = await freshDevice();
    const w = new Parameter(tensor([1, 2], { device }), { name: 'w' });
    const v = new Parameter(tensor([3], { device }), { name: 'v' });
    const optimizer = new SGD([w, v], { lr: 0.1, momentum: 0.9 });
    const step = async (x: number): Promise<Tensor> => {
      optimizer.zeroGrad();
      const loss = w.mul(x).sum().add(v.square().sum());
      loss.backward();
      const norm = clipGradNorm_([w, v], 1, { errorIfNonfinite: true });
      await optimizer.step();
      return norm;
    };
    const weights = async (): Promise<unknown> => [await w.toArray(), await v.toArray()];
    await step(1);
    const before = await weights();
    const buffers = stats(device).backend.liveBuffers;
    await expect(step(Infinity)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[NonFiniteError: clipGradNorm_: the norm of the gradients is Infinity (not finite: w). No parameter has changed. Lower the learning rate, find the operation with checkNumerics(true), or leave errorIfNonfinite out to go on.]`,
    );
    expect(await weights()).toEqual(before);
    await expect(w.grad!.data()).rejects.toThrow();
    expect(stats(device).backend.liveBuffers).toBe(buffers);

    // The next step goes on from the momentum of the first.
    const { compiles } = await cost(async () => expect(await (await step(2)).item()).toBeGreaterThan(1), device);
    expect(compiles).toBe(0);
    expect(await weights()).not.toEqual(before);
    expect(stats(device).backend.liveBuffers).toBe(buffers);
  });

  test('reading the norm rejects, and so does the step', async () => {
    const w = new Parameter(tensor([1]), { name: 'w' });
    const optimizer = new SGD([w], { lr: 0.1 });
    w.mul(NaN).sum().backward();
    const norm = clipGradNorm_(w, 1, { errorIfNonfinite: true });
    await expect(norm.item()).rejects.toThrow(NonFiniteError);
    expect(w.grad).toBeNull();
    await expect(optimizer.step()).rejects.toThrow(/the gradient of w, .* was lost with a run that failed/);
    expect(await w.item()).toBe(1);
  });

  test('norms that overflow together only are told apart', async () => {
    const [w, v] = [1, 2].map((i) => new Parameter(tensor([i]), { name: `w${i}` }));
    w.mul(1.5e19).sum().add(v.mul(1.5e19).sum()).backward();
    const norm = clipGradNorm_([w, v], 1, { errorIfNonfinite: true });
    await expect(norm.item()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[NonFiniteError: clipGradNorm_: the norm of the gradients is Infinity (each is finite, together they overflow). No parameter has changed. Lower the learning rate, find the operation with checkNumerics(true), or leave errorIfNonfinite out to go on.]`,
    );
  });

  test('without it the step goes on with NaN, as in PyTorch', async () => {
    const w = new Parameter(tensor([1]), { name: 'w' });
    const optimizer = new SGD([w], { lr: 0.1 });
    w.mul(NaN).sum().backward();
    const norm = clipGradNorm_(w, 1);
    await optimizer.step();
    expect(await norm.item()).toBeNaN();
    expect(await w.item()).toBeNaN();
  });
});
