import { expect, test } from 'vitest';
import { defaultGenerator, manualSeed, nn } from '../../index.js';

test('weights are zeros, the generator stays, and drawing is back afterwards', async () => {
  manualSeed(0);
  const state = defaultGenerator.getState();
  const net = nn.utils.skipInit(() => {
    const layer = new nn.Conv2d(3, 4, 3);
    nn.init.kaimingNormal_(layer.weight);
    nn.init.orthogonal_(layer.weight);
    return new nn.Sequential(layer, new nn.BatchNorm2d(4), new nn.Linear(300, 300)); // small and large
  });
  expect(defaultGenerator.getState()).toEqual(state);
  for (const [name, p] of net.namedParameters())
    expect([name, await p.sum().item()]).toEqual([name, name === '1.weight' ? 4 : 0]);
  expect(await new nn.Linear(2, 2).weight.abs().sum().item()).toBeGreaterThan(0);
});

test('also after an error; and misuse', () => {
  expect(() =>
    nn.utils.skipInit(() => {
      throw new Error('no net');
    }),
  ).toThrow('no net');
  const before = defaultGenerator.getState();
  new nn.Linear(2, 2);
  expect(defaultGenerator.getState()).not.toEqual(before);
  expect(() => nn.utils.skipInit(7 as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: skipInit: expected a function that makes a module. Write skipInit(() => new Net()).]`,
  );
  expect(() => nn.utils.skipInit(async () => new nn.Linear(2, 2))).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: skipInit: the function returned a promise. Make the network first, then await what it needs.]`,
  );
});
