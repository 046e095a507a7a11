/** The zoo's LeNet-5 trained for ten steps beside PyTorch's: packages meet here that may not import each other. */
import { manualSeed, nn, randint, randn, stats } from '@fakkel/core';
import { lenet5 } from '@fakkel/models';
import { Adam, SGD, type Optimizer } from '@fakkel/optim';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Golden {
  losses: number[];
  losses64: number[];
}
// Made by tools/goldens/lenet.py.
const goldens = JSON.parse(
  readFileSync(new URL('../../packages/optim/test/goldens/lenet/steps.json', import.meta.url), 'utf8'),
) as Record<string, Golden>;

type Make = (net: ReturnType<typeof lenet5>) => Optimizer;

test.each<[string, Make]>([
  ['SGD', (net) => new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 })],
  ['Adam, half the rate', (net) => new Adam(net.parameters(), { lr: 0.0005 })],
  ['Adam', (net) => new Adam(net.parameters())],
])(
  'lenet5() after manualSeed(0), ten steps of %s: PyTorch’s losses within 1e-5',
  { timeout: 60_000 },
  async (name, make) => {
    manualSeed(0);
    const net = lenet5();
    manualSeed(1);
    const x = randn([64, 1, 32, 32]);
    const y = randint(0, 10, [64]);
    const criterion = new nn.CrossEntropyLoss();
    const optimizer = make(net);
    const { compiles } = stats();
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      optimizer.zeroGrad();
      const loss = criterion(net(x), y);
      loss.backward();
      await optimizer.step();
      losses.push(await loss.item());
    }
    expect(stats().compiles - compiles).toBeLessThanOrEqual(1); // 0 where the same program ran before
    const furthest = (golden: number[]): number => Math.max(...losses.map((loss, i) => Math.abs(loss / golden[i] - 1)));
    expect(furthest(goldens[name].losses64)).toBeLessThan(1e-5);
    // With Adam's default rate PyTorch's own float32 is 1.8e-4 from its float64 (rounding alone makes some gradients).
    if (name !== 'Adam') expect(furthest(goldens[name].losses)).toBeLessThan(1e-5);
  },
);
