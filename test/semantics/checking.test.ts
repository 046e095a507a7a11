/** The mode that runs every op at once and looks at its result. */
import { checkNumerics, manualSeed, nn, NonFiniteError, ones, randn, tensor, type Tensor } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TwoLayerNet } from './helpers.js';

beforeEach(() => {
  manualSeed(0);
  checkNumerics(true);
});
afterEach(() => checkNumerics(false));

class Risky extends nn.Module {
  inner = new (class LogLayer extends nn.Module {
    forward(x: Tensor): Tensor {
      return x.sub(1).log();
    }
  })();
  forward(x: Tensor): Tensor {
    return this.inner(x.mul(2)).sum();
  }
}

test('names the op, the module and the line of the first NaN or Inf', async () => {
  const error = await new Risky()(tensor([0.25, 1]))
    .item()
    .catch((e: unknown) => e as Error);
  expect(error).toBeInstanceOf(NonFiniteError);
  expect((error as Error).message).toMatch(
    /^log in inner made NaN \(element 0\)|^log in inner \(recorded .*\) made NaN/,
  );
  expect((error as Error).message).toContain('checking.test.ts');
});

test('names the module that recorded the op, not the one that was called before it', async () => {
  class Outer extends nn.Module {
    fc = new nn.Linear(4, 4);
    forward(x: Tensor): Tensor {
      return this.fc(x).square().neg().sqrt().sum();
    }
  }
  await expect(new Outer()(ones(2, 4)).item()).rejects.toThrow(/^sqrt in Outer /);
  await expect(new nn.Linear(4, 4)(ones(2, 4)).square().neg().sqrt().sum().item()).rejects.toThrow(/^sqrt \(recorded/);
});

test('NaN in the data is found where it enters', async () => {
  const x = tensor([1, NaN, 3, 4]).reshape([1, 4]);
  await expect(new TwoLayerNet()(x).sum().item()).rejects.toThrow(
    /^the data float32\[4\] given to reshape .*holds NaN \(element 1\)/,
  );
});

test('a gradient that overflows is named too', async () => {
  const w = tensor([0], { requiresGrad: true });
  w.sqrt().sum().backward();
  await expect(w.grad!.item()).rejects.toThrow(/made Inf|made NaN/);
});

test('a healthy step passes, and gives the same numbers', async () => {
  const run = async (): Promise<number[]> => {
    manualSeed(1);
    const net = new TwoLayerNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    const losses: number[] = [];
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      const loss = net(randn([4, 4]))
        .square()
        .mean();
      loss.backward();
      await optimizer.step();
      losses.push(await loss.item());
    }
    return losses;
  };
  const checked = await run();
  checkNumerics(false);
  expect(await run()).toEqual(checked);
});

test('off by default, and free', async () => {
  checkNumerics(false);
  expect(await ones([1]).neg().log().isnan().item()).toBe(1);
});
