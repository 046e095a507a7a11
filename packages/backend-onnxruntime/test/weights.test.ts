/**
 * Inference with its weights as constants of a session: from the third run on, and never with old ones.
 */
import {
  type Device,
  manualSeed,
  nn,
  noGrad,
  randint,
  randn,
  referenceDevice,
  setDefaultDevice,
  stats,
  type Tensor,
  tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Counting, countingDevice } from './counting-device.js';

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 16, 3, { padding: 1, bias: false });
  bn = new nn.BatchNorm2d(16);
  fc = new nn.Linear(16 * 4 * 4, 5);
  override forward(x: Tensor): Tensor {
    return this.fc(this.bn(this.conv(x)).relu().maxPool2d(2).flatten(1));
  }
}

let counting: Counting;
beforeEach(async () => {
  counting = await countingDevice();
  manualSeed(0);
});
afterEach(async () => {
  setDefaultDevice(referenceDevice());
  await counting.device.dispose();
});

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const norm = (values: number[]): number => Math.hypot(...values);
  const expected = Array.from(b);
  return norm(Array.from(a, (v, i) => v - expected[i])) / norm(expected);
};

const infer = (net: Net, x: Tensor): Promise<ArrayLike<number>> => noGrad(() => net(x)).data();

function step(net: Net, optimizer: SGD, x: Tensor, y: Tensor): Promise<void> {
  net.train();
  optimizer.zeroGrad();
  new nn.CrossEntropyLoss()(net(x), y).backward();
  const done = optimizer.step();
  net.eval();
  return done;
}

describe('an evaluation loop', () => {
  test('has a session of its own weights from the third batch on, and lets go of it when they change', async () => {
    const { device, sessions } = counting;
    setDefaultDevice(device);
    const net = new Net().eval();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const batch = (): Tensor => randn([4, 1, 8, 8]);
    const made: number[] = [];
    for (let i = 0; i < 5; i++) {
      await infer(net, batch());
      made.push(sessions.made);
    }
    expect(made).toEqual([1, 1, 2, 2, 2]);
    expect(sessions.live).toBe(2);
    expect(stats(device).compiles).toBe(1);

    await step(net, optimizer, batch(), randint(0, 5, [4]));
    const trained = sessions.made;
    await infer(net, batch());
    // The general session serves; the one with the old weights is gone.
    expect([sessions.made - trained, sessions.live]).toEqual([0, 2]);
  });

  test('gives the same numbers with weights that are fed and weights that are constants', async () => {
    setDefaultDevice(counting.device);
    const net = new Net().eval();
    const x = randn([4, 1, 8, 8]);
    const results: ArrayLike<number>[] = [];
    for (let i = 0; i < 4; i++) results.push(await infer(net, x.add(0)));
    for (const later of results.slice(1)) expect(distance(later, results[0])).toBeLessThan(1e-6);
  });

  test('holds no buffer more after thirty epochs than after one', async () => {
    const { device, sessions } = counting;
    setDefaultDevice(device);
    const net = new Net();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    const epoch = async (): Promise<void> => {
      await step(net, optimizer, randn([4, 1, 8, 8]), randint(0, 5, [4]));
      for (let i = 0; i < 4; i++) await infer(net, randn([4, 1, 8, 8]));
    };
    await epoch();
    const { liveBuffers, liveBytes } = stats(device).backend;
    const { live } = sessions;
    for (let i = 0; i < 30; i++) await epoch();
    expect(stats(device).backend).toMatchObject({ liveBuffers, liveBytes });
    expect(sessions.live).toBe(live);
    expect(sessions.peak).toBeLessThanOrEqual(live + 1);
  });
});

/** The changes that a program can make to weights, and inference in between. */
async function interleave(on: Device, seed: number): Promise<ArrayLike<number>[]> {
  setDefaultDevice(on);
  manualSeed(seed);
  const net = new Net();
  const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  net.eval();
  let state = seed;
  const below = (n: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0), (state >>> 8) % n);
  const xs = [4, 4, 4, 3].map((size) => randn([size, 1, 8, 8]));
  const ys = xs.map(({ shape }) => randint(0, 5, [shape[0]]));
  let saved = net.stateDict();
  const seen: ArrayLike<number>[] = [];
  for (let i = 0; i < 60; i++) {
    const at = below(4);
    switch (below(10)) {
      case 0:
        await step(net, optimizer, xs[at], ys[at]);
        break;
      case 1: {
        // Nobody waits for it: what is recorded next sees it all the same.
        void step(net, optimizer, xs[at], ys[at]);
        break;
      }
      case 2:
        saved = net.stateDict();
        break;
      case 3:
        net.loadStateDict(saved);
        break;
      case 4:
        noGrad(() => net.fc.weight.assign(net.fc.weight.mul(0.9)));
        break;
      case 5:
        net.bn.runningMean!.assign(tensor(Array.from({ length: 16 }, (_, c) => 0.1 * c * at)));
        break;
      default:
        for (let run = below(5); run >= 0; run--) seen.push(await infer(net, xs[at]));
    }
  }
  return seen;
}

test.each([1, 2, 3])(
  'steps, loads and assignments between inferences, at random (%i): never an old answer',
  async (seed) => {
    const expected = await interleave(referenceDevice(), seed);
    const got = await interleave(counting.device, seed);
    expect(got).toHaveLength(expected.length);
    const distances = got.map((values, i) => distance(values, expected[i]));
    expect(Math.max(...distances)).toBeLessThan(1e-4);
    // Constants were in play.
    expect(counting.sessions.made).toBeGreaterThan(stats(counting.device).compiles + 3);
  },
);
