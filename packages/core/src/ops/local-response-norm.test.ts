import { describe, expect, test } from 'vitest';
import { createReferenceBackend } from '../backends/reference/index.js';
import { Device, grad, manualSeed, onCompile, ones, opTable, randn, stats, tensor, type Tensor } from '../index.js';
import { localResponseNorm } from './local-response-norm.js';

describe('values', () => {
  test("the formula of AlexNet's paper: k = 2, n = 5, α = 1e-4 (over the sum), β = 0.75", async () => {
    manualSeed(0);
    const [channels, plane] = [7, 6];
    const x = randn([1, channels, 2, 3], { dtype: 'float64' }).mul(50);
    const a = (await x.data()) as Float64Array;
    const y = await localResponseNorm(x, 5, { alpha: 5e-4, k: 2 }).data();
    for (let i = 0; i < channels; i++) {
      for (let at = 0; at < plane; at++) {
        let sum = 0;
        for (let j = Math.max(0, i - 2); j <= Math.min(channels - 1, i + 2); j++) sum += a[j * plane + at] ** 2;
        expect(y[i * plane + at]).toBeCloseTo(a[i * plane + at] / (2 + 1e-4 * sum) ** 0.75, 12);
      }
    }
  });

  test('powers by square roots are those by pow', async () => {
    const x = randn([2, 5, 3], { dtype: 'float64' });
    for (const beta of [0.5, 0.75, 1]) {
      const near = await localResponseNorm(x, 3, { alpha: 0.5, beta: beta + 1e-9 }).data();
      (await localResponseNorm(x, 3, { alpha: 0.5, beta }).data()).forEach((y: number, i: number) =>
        expect(y).toBeCloseTo(near[i], 8),
      );
    }
  });

  test('zeros with k = 0 are 0 / 0, as in PyTorch', async () => {
    const y = localResponseNorm(tensor([0, 0, 2]).reshape([1, 3, 1]), 1, { alpha: 1, k: 0, beta: 0.5 });
    expect(await y.flatten().toArray()).toEqual([NaN, NaN, 1]);
  });
});

describe('counts', () => {
  test('other numbers compile nothing; another exponent or size does', async () => {
    const x = ones([1, 4, 3]);
    const run = async (size: number, options: object): Promise<number> => {
      await localResponseNorm(x, size, options).sum().item();
      return stats().compiles;
    };
    const compiles = await run(3, {});
    expect(await run(3, { alpha: 0.5, k: 3 })).toBe(compiles);
    expect(await run(3, { beta: 0.5 })).toBe(compiles + 1);
    expect(await run(2, {})).toBe(compiles + 2);
  });

  test('decomposed, forward and gradient share the denominator: one pooling each, and no power', async () => {
    const backend = createReferenceBackend();
    const bare = Object.assign(Object.create(backend) as typeof backend, {
      supports: (op: string) => opTable().get(op)?.decompose === undefined || { reason: 'test' },
    });
    const device = new Device('bare', bare);
    const x = randn([2, 6, 3, 3], { device }).detach().requiresGrad_();
    let text = '';
    const stop = onCompile((report) => (text += report.text()));
    const y = localResponseNorm(x, 5, { alpha: 0.1 });
    const [dx] = grad(y.square().sum(), [x]);
    await Promise.all([y.data(), dx!.data()]);
    stop();
    const ops = Array.from(text.matchAll(/= (\w+)\(/g), ([, op]) => op);
    expect(ops.filter((op) => op.startsWith('avgPool'))).toEqual(['avgPool', 'avgPool']);
    expect(ops).not.toContain('pow');
    expect(ops.length).toBeLessThan(32);
    await device.dispose();
  });
});

describe('errors', () => {
  const x: Tensor = ones([2, 6, 3]);
  test.each<[string, () => unknown]>([
    ['two axes', () => localResponseNorm(ones([2, 3]), 5)],
    ['no window', () => localResponseNorm(x, 0)],
    ['half a channel', () => localResponseNorm(x, 2.5)],
    ['options by position', () => localResponseNorm(x, 5, 1e-4 as never)],
    ['integers', () => localResponseNorm(ones([2, 6, 3], { dtype: 'int32' }), 5)],
  ])('%s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });
});
