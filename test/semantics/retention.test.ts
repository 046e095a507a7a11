/**
 * What a step leaves behind on JavaScript's heap: nothing. Handles are small, but a loop makes thousands a second.
 */
import { manualSeed, nn, randint, randn, Tensor } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { queryObjects } from 'node:v8';
import { expect, test } from 'vitest';
import { growth } from './helpers.js';

/** Tensors that something still holds; V8 collects garbage before it counts. */
const alive = (): number => queryObjects(Tensor, { format: 'count' });

/** Trains, and gives the number of tensors after each ten steps. */
async function train(net: nn.Sequential, readFirst = false): Promise<number[]> {
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const [x, y] = [randn([4, 1, 8, 8]), randint(0, 3, [4])];
  const counts: number[] = [];
  for (let step = 1; step <= 60; step++) {
    optimizer.zeroGrad();
    const loss = new nn.CrossEntropyLoss()(net(x), y);
    if (readFirst) await loss.item();
    loss.backward();
    await optimizer.step();
    await loss.item();
    // What a turn of the event loop looked at is held to its end.
    await new Promise((resolve) => setImmediate(resolve));
    if (step % 10 === 0) counts.push(alive());
  }
  return counts;
}

test.each([
  ['convolutions', () => [new nn.Conv2d(1, 4, 3), new nn.ReLU(), new nn.MaxPool2d(2)]],
  ['batch normalization', () => [new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.ReLU(), new nn.MaxPool2d(2)]],
])('a training step holds on to none of the steps before it: %s', async (_, layers) => {
  manualSeed(0);
  // 600 units: a weight of more than 64 KiB, which stays on the device, is kept in another way than a small one.
  const head = [new nn.Flatten(), new nn.Linear(36, 600), new nn.ReLU(), new nn.Linear(600, 3)];
  // One tensor a step would be ten.
  expect(growth(await train(new nn.Sequential(...layers(), ...head)))).toBeLessThan(10);
});

test.each([
  ['a frozen layer', () => new nn.Conv2d(1, 4, 3).requiresGrad_(false)],
  ['running statistics that stay', () => new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4).eval())],
])('nor with %s, where the loss is read before backward()', async (_, first) => {
  manualSeed(0);
  const net = new nn.Sequential(first(), new nn.ReLU(), new nn.Conv2d(4, 2, 3), new nn.Flatten(), new nn.Linear(32, 3));
  expect(growth(await train(net, true))).toBeLessThan(10);
});
