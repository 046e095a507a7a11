/** LeNet-5 as it was in 1998, distances to bitmaps and their loss included, learns to read digits. */
import { device, getDefaultDevice, manualSeed, nn, noGrad, setDefaultDevice, type Tensor } from '@fakkel/core';
import { DataLoader, digits, randomSplit } from '@fakkel/data';
import { lenet5Original } from '@fakkel/models';
import { Adam } from '@fakkel/optim';
import { afterAll, beforeAll, expect, test } from 'vitest';

const before = getDefaultDevice();
beforeAll(async () => setDefaultDevice(await device('cpu')));
afterAll(() => setDefaultDevice(before));

/** Zero mean, unit variance. */
const normalized = (x: Tensor): Tensor => x.sub(0.31).div(0.37);

test.each([
  ['map', 0.96],
  ['mse', 0.95],
] as const)(
  "the digits after five epochs of criterion '%s': more than %f of 360 held out are right",
  { timeout: 120_000 },
  async (name, least) => {
    manualSeed(0);
    const [train, heldOut] = randomSplit(digits({ size: 32 }), [1437, 360]);
    const net = lenet5Original({ output: 'rbf' });
    const criterion = new nn.RBFLoss({ criterion: name });
    const optimizer = new Adam(net.parameters(), { lr: 0.002 });
    const codes = await net.output.weight.toArray();
    for (let epoch = 0; epoch < 5; epoch++) {
      for await (const [x, y] of new DataLoader(train, { batchSize: 32, shuffle: true })) {
        optimizer.zeroGrad();
        criterion(net(normalized(x)), y).backward();
        await optimizer.step();
      }
    }
    let correct = 0;
    for await (const [x, y] of new DataLoader(heldOut, { batchSize: 360 })) {
      const answer = noGrad(() => net(normalized(x)).argmin(1));
      correct += await answer.eq(y).sum().item();
    }
    expect(correct / 360).toBeGreaterThan(least);
    // The bitmaps stay what they are.
    expect(await net.output.weight.toArray()).toEqual(codes);
  },
);
