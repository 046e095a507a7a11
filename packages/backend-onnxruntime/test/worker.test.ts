/**
 * What the worker thread is for: the event loop of the application is free while a model trains.
 */
import { device, manualSeed, nn, randint, randn } from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { SGD } from '@fakkel/optim';
import { expect, test } from 'vitest';
import { ResNet20 } from './resnet20.js';

const STEPS = 4;

/** Trains, and counts how often a timer of 5 ms fires meanwhile. */
async function train(worker: boolean): Promise<{ losses: number[]; ticks: number; elapsed: number }> {
  const on = await device(createOnnxruntime({ worker }));
  manualSeed(0);
  const net = new ResNet20().to(on);
  const x = randn([64, 3, 32, 32], { device: on });
  const y = randint(0, 10, [64], { device: on });
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
  const step = async (): Promise<number> => {
    optimizer.zeroGrad();
    const loss = criterion(net(x), y);
    loss.backward();
    await optimizer.step();
    return loss.item();
  };
  const losses = [await step()]; // builds the session
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const start = performance.now();
  for (let i = 0; i < STEPS; i++) losses.push(await step());
  const elapsed = performance.now() - start;
  clearInterval(timer);
  await on.dispose();
  return { losses, ticks, elapsed };
}

test(
  'timers fire while a ResNet-20 trains; without the worker they wait for each run to end',
  { timeout: 60_000 },
  async () => {
    const apart = await train(true);
    // All 5 ms on a quiet machine. On a busy one, what the run leaves of the processors.
    expect(apart.ticks).toBeGreaterThan(apart.elapsed / 25);

    const here = await train(false);
    expect(here.ticks).toBeLessThan(5 * STEPS);
    // The same graphs on the same library.
    here.losses.forEach((loss, i) => expect(Math.abs(loss / apart.losses[i] - 1)).toBeLessThan(1e-4));
  },
);

test('both ways count the same buffers and runs', async () => {
  const count = async (worker: boolean): Promise<unknown> => {
    const on = await device(createOnnxruntime({ worker }));
    manualSeed(0);
    const net = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2)).to(on);
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      const loss = net(randn([4, 4], { device: on }))
        .square()
        .mean();
      loss.backward();
      await optimizer.step();
      await loss.item();
    }
    const { liveBuffers, runs } = on.backend.stats();
    await on.dispose();
    return { liveBuffers, runs };
  };
  expect(await count(true)).toEqual(await count(false));
});
