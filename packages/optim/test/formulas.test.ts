/**
 * What PyTorch has not, against the formulas of the lecture and the papers, written out on plain arrays: 100 steps of LeNet-5
 * in float64 with two groups, the formula given the gradients that the optimizer is given.
 */
import { Parameter, tensor, type Tensor, zeros } from '@fakkel/core';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Adam, AdamW, LAMB, LARS, type Optimizer, SGD } from '../src/index.js';
import { cost, freshDevice, lenet, messageOf, relative, small, train } from './helpers.js';

const STEPS = 100;
beforeEach(() => freshDevice());

interface Weights {
  /** The formula's weights, to be changed. */
  readonly w: Float64Array;
  readonly g: Float64Array;
  /** An array that the formula keeps, zeros at first. */
  readonly kept: (name: string) => Float64Array;
  /** The step: 1, 2, … */
  readonly t: number;
}

/** The largest distance between an optimizer's weights and a formula's, relative to the largest weight of a parameter. */
async function distance<O>(
  make: (groups: (O & { params: Parameter[] })[]) => Optimizer,
  options: [O, O],
  formula: (weights: Weights, options: O) => void,
): Promise<number> {
  const task = lenet('float64');
  const { params } = task;
  const groups = [params.slice(0, 6), params.slice(6)].map((part, i) => ({ ...options[i], params: part }));
  const optimizer = make(groups);
  const read = (p: { data(): Promise<ArrayLike<number>> }) => p.data().then((data) => Float64Array.from(data));
  const weights = await Promise.all(params.map(read));
  const state = params.map(() => new Map<string, Float64Array>());
  params.forEach((p) => p.retainGrad());
  for (let step = 0; step < STEPS; step++) {
    await train(optimizer, task, { from: step, to: step + 1 });
    const gradients = await Promise.all(params.map((p) => read(p.grad!)));
    weights.forEach((w, i) => {
      const kept = (name: string): Float64Array => {
        if (!state[i].has(name)) state[i].set(name, new Float64Array(w.length));
        return state[i].get(name)!;
      };
      formula({ w, g: gradients[i], kept, t: step + 1 }, options[i < 6 ? 0 : 1]);
    });
  }
  const parts = await Promise.all(params.map(async (p, i) => relative(await p.data(), weights[i])));
  return Math.max(...parts);
}

const norm = (x: Float64Array): number => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));

test('Adam without bias correction: the lecture’s main idea', { timeout: 60_000 }, async () => {
  const options = { lr: 1e-4, betas: [0.9, 0.999], eps: 1e-8 } as const;
  const far = await distance<{ lr: number; betas: readonly [number, number]; eps: number }>(
    (groups) => new Adam(groups, { biasCorrection: false }),
    [options, { lr: 5e-4, betas: [0.8, 0.99], eps: 1e-4 }],
    ({ w, g, kept }, { lr, betas: [rho1, rho2], eps }) => {
      const [mu, variance] = [kept('mu'), kept('var')];
      for (let i = 0; i < w.length; i++) {
        mu[i] = rho1 * mu[i] + (1 - rho1) * g[i];
        variance[i] = rho2 * variance[i] + (1 - rho2) * g[i] ** 2;
        w[i] -= (lr * mu[i]) / (Math.sqrt(variance[i]) + eps);
      }
    },
  );
  expect(far).toBeLessThan(1e-12);
});

test('LARS: algorithm 1', { timeout: 60_000 }, async () => {
  const far = await distance(
    (groups) => new LARS(groups),
    [
      { lr: 2, momentum: 0.9, weightDecay: 0.0005, trustCoefficient: 0.001 },
      { lr: 1, momentum: 0.8, weightDecay: 0.01, trustCoefficient: 0.005 },
    ],
    ({ w, g, kept }, { lr: gamma, momentum, weightDecay: beta, trustCoefficient: eta }) => {
      const v = kept('v');
      const lambda = (eta * norm(w)) / (norm(g) + beta * norm(w));
      for (let i = 0; i < w.length; i++) {
        v[i] = momentum * v[i] + gamma * lambda * (g[i] + beta * w[i]);
        w[i] -= v[i];
      }
    },
  );
  expect(far).toBeLessThan(1e-12);
});

test('LAMB: algorithm 2', { timeout: 60_000 }, async () => {
  const far = await distance<{ lr: number; betas: readonly [number, number]; eps: number; weightDecay: number }>(
    (groups) => new LAMB(groups),
    [
      { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-6, weightDecay: 0.01 },
      { lr: 1e-3, betas: [0.8, 0.99], eps: 1e-4, weightDecay: 0.1 },
    ],
    ({ w, g, kept, t }, { lr, betas: [beta1, beta2], eps, weightDecay: lambda }) => {
      const [m, v, update] = [kept('m'), kept('v'), kept('update')];
      for (let i = 0; i < w.length; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * g[i] ** 2;
        const r = m[i] / (1 - beta1 ** t) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + eps);
        update[i] = r + lambda * w[i];
      }
      const rate = (lr * norm(w)) / norm(update);
      for (let i = 0; i < w.length; i++) w[i] -= rate * update[i];
    },
  );
  expect(far).toBeLessThan(1e-12);
});

describe('layers that have no length take the plain step', () => {
  const step = async (optimizer: Optimizer, p: Parameter, gradient: number[]): Promise<unknown> => {
    p.grad = tensor(gradient);
    await optimizer.step();
    return p.toArray();
  };
  test('LARS', async () => {
    const [zero, plain] = [new Parameter(zeros(2)), new Parameter(tensor([1, 2]))];
    expect(await step(new LARS([zero], { lr: 0.5 }), zero, [1, -2])).toEqual([-0.5, 1]);
    const optimizer = new LARS([{ params: plain, layerwise: false }], { lr: 0.5, momentum: 0.5 });
    expect(await step(optimizer, plain, [1, -2])).toEqual([0.5, 3]);
    expect(await step(optimizer, plain, [0, 0])).toEqual([0.25, 3.5]);
  });
  test('LAMB: as AdamW without layerwise', async () => {
    const p = new Parameter(zeros(2));
    expect(await step(new LAMB([p], { lr: 0.5, eps: 0 }), p, [1, -2])).toEqual([-0.5, 0.5]);
    const task = lenet('float64');
    const other = lenet('float64');
    const options = { lr: 1e-3, eps: 1e-6, weightDecay: 0.1 };
    await train(new LAMB(task.params, { ...options, layerwise: false }), task, { to: 5 });
    await train(new AdamW(other.params, options), other, { to: 5 });
    for (const [i, p] of task.params.entries()) {
      expect(relative(await p.data(), await other.params[i].data())).toBeLessThan(1e-12);
    }
  });
  test('a gradient that is NaN shows in the whole layer', async () => {
    for (const make of [(p: Parameter) => new LARS([p], { lr: 1 }), (p: Parameter) => new LAMB([p])]) {
      const p = new Parameter(tensor([1, 2]));
      expect(await step(make(p), p, [1, NaN])).toEqual([NaN, NaN]);
    }
  });
});

describe('Nesterov momentum: the lecture’s two forms', () => {
  const options: [SGDGroup, SGDGroup] = [
    { lr: 0.02, momentum: 0.9 },
    { lr: 0.05, momentum: 0.5 },
  ];
  interface SGDGroup {
    lr: number;
    momentum: number;
  }

  test('look-ahead: v = ρ v − λ ∂w_ahead, w = w + v', { timeout: 60_000 }, async () => {
    const far = await distance(
      (groups) => new SGD(groups, { nesterov: 'look-ahead' }),
      options,
      ({ w, g, kept }, { lr, momentum: rho }) => {
        const v = kept('v');
        for (let i = 0; i < w.length; i++) {
          v[i] = rho * v[i] - lr * g[i];
          w[i] += v[i];
        }
      },
    );
    expect(far).toBeLessThan(1e-12);
  });

  /** w = w + (1 ± ρ) v − ρ v_prev, v = ρ v − λ ∂w. */
  const rewritten = (sign: 1 | -1): Promise<number> =>
    distance(
      (groups) => new SGD(groups, { nesterov: true }),
      options,
      ({ w, g, kept }, { lr, momentum: rho }) => {
        const v = kept('v');
        for (let i = 0; i < w.length; i++) {
          const previous = v[i];
          v[i] = rho * v[i] - lr * g[i];
          w[i] += (1 + sign * rho) * v[i] - rho * previous;
        }
      },
    );

  test('rewritten: w = w + (1 + ρ) v − ρ v_prev is PyTorch’s', { timeout: 60_000 }, async () => {
    expect(await rewritten(1)).toBeLessThan(1e-12);
  });

  test('with (1 − ρ), as the lecture prints it, it is another method', { timeout: 60_000 }, async () => {
    expect(await rewritten(-1)).toBeGreaterThan(0.01);
  });

  test('are one: the second’s weights are the points ahead of the first', { timeout: 60_000 }, async () => {
    const decay = [0.01, 0.05];
    const run = async (nesterov: true | 'look-ahead') => {
      const task = lenet('float64');
      const groups = [task.params.slice(0, 6), task.params.slice(6)].map((params, i) => ({
        ...{ params, ...options[i], weightDecay: decay[i], nesterov },
      }));
      const optimizer = new SGD(groups);
      const losses = await train(optimizer, task, { to: STEPS });
      return { task, losses, optimizer };
    };
    const [ahead, second] = [await run('look-ahead'), await run(true)];
    // The loss of a closure is that of the point ahead.
    expect(relative(ahead.losses, second.losses)).toBeLessThan(1e-12);
    const { state } = ahead.optimizer.stateDict();
    for (const [i, p] of ahead.task.params.entries()) {
      const { lr, momentum } = options[i < 6 ? 0 : 1];
      const point = p.sub((state[i]['momentum_buffer'] as Tensor).mul(lr * momentum));
      expect(relative(await point.data(), await second.task.params[i].data())).toBeLessThan(1e-12);
      expect(relative(await p.data(), await second.task.params[i].data())).toBeGreaterThan(1e-5);
    }
  });

  test('looking ahead is one run of one program, and leaves idle parameters alone', async () => {
    const { p, loss } = small();
    const idle = new Parameter(tensor([3]));
    const optimizer = new SGD([p, idle], { lr: 0.125, momentum: 0.5, nesterov: 'look-ahead' });
    const counts = await cost(() => train(optimizer, { loss }, { to: 4 }));
    expect(counts).toEqual({ compiles: 1, runs: 4 });
    expect(await idle.toArray()).toEqual([3]);
    expect(Object.keys(optimizer.stateDict().state)).toEqual(['0']);
  });

  test('a closure that throws leaves the weights where they are', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.125, momentum: 0.5, nesterov: 'look-ahead' });
    await train(optimizer, { loss }, { to: 2 });
    const before = await p.toArray();
    const failing = optimizer.step(() => {
      throw new Error('no such image');
    });
    await expect(failing).rejects.toThrow('no such image');
    expect(await p.toArray()).toEqual(before);
  });

  test('a run that fails leaves the weights where they were, and the next step goes on', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.125, momentum: 0.5, nesterov: 'look-ahead' });
    await train(optimizer, { loss }, { to: 2 });
    const before = await p.toArray();
    const backend = (p.device as any)._runtime.backend;
    const upload = vi.spyOn(backend, 'upload').mockImplementation(() => {
      throw new Error('no room');
    });
    await expect(train(optimizer, { loss: () => loss().mul(2) }, { to: 1 })).rejects.toThrow('no room');
    upload.mockRestore();
    expect(await p.toArray()).toEqual(before);
    const other = small();
    const reference = new SGD([other.p], { lr: 0.125, momentum: 0.5, nesterov: 'look-ahead' });
    await train(reference, other, { to: 3 });
    await train(optimizer, { loss }, { to: 1 });
    expect(await p.toArray()).toEqual(await other.p.toArray());
  });

  test('needs a closure', async () => {
    const { p, loss } = small();
    const optimizer = new SGD([p], { lr: 0.125, momentum: 0.5, nesterov: 'look-ahead' });
    loss().backward();
    await expect(optimizer.step()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: SGD: nesterov: 'look-ahead' takes the gradient at w + μ v, so step() must compute it: await optimizer.step(() => { optimizer.zeroGrad(); const loss = …; loss.backward(); return loss; }). Without a closure, nesterov: true takes the same steps.]`,
    );
    expect(await p.toArray()).toEqual([1, -2]);
    expect(messageOf(() => new SGD([p], { lr: 1, momentum: 0.5, nesterov: 'ahead' as never }))).toMatchInlineSnapshot(
      `"FakkelError: SGD: nesterov must be true, false or 'look-ahead', got ahead."`,
    );
  });
});
