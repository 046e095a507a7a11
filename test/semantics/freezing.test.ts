/** Layers that are frozen, under an optimizer. */
import { manualSeed, nn, randn, tensor } from '@fakkel/core';
import { cifarResnet20, freeze } from '@fakkel/models';
import { Adam, SGD } from '@fakkel/optim';
import { expect, test } from 'vitest';

test.each([
  ['SGD', (p: nn.Parameter[]) => new SGD(p, { lr: 0.1, momentum: 0.9, weightDecay: 0.1 })],
  ['Adam', (p: nn.Parameter[]) => new Adam(p, { lr: 0.1, weightDecay: 0.1 })],
] as const)('a step of %s changes nothing in them, nor their running statistics', async (_, make) => {
  manualSeed(0);
  const net = freeze(cifarResnet20(), 'layer3').train();
  const before = net.stateDict();
  const optimizer = make(net.parameters());
  nn.functional.crossEntropy(net(randn([2, 3, 16, 16])), tensor([1, 2], { dtype: 'int32' })).backward();
  await optimizer.step();
  for (const [key, value] of net.stateDict()) {
    const same = JSON.stringify(await value.toArray()) === JSON.stringify(await before.get(key)!.toArray());
    expect(same, key).toBe(!/^(layer3|fc)\./.test(key));
  }
});
