/** Stochastic diagonal Levenberg–Marquardt against its formula; the curvature on LeNet-5 is in test/parity/sdlm.test.ts. */
import { memory, nn, Parameter, randn, stats, tensor, type Tensor } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import { cost, freshDevice, messagesOf } from '../test/helpers.js';
import { flattenOptimizerState, StochasticDiagonalLM, unflattenOptimizerState } from './index.js';

beforeEach(() => freshDevice());

const f64 = { dtype: 'float64' } as const;
const numbers = async (t: Tensor): Promise<number[]> => Array.from(await t.data());
const close = (list: readonly number[]): unknown[] => list.map((v) => expect.closeTo(v, 12));

/** A linear model y = x wᵀ with the mean squared error: ∂²f/∂w_j² = 2 · mean of x_j². */
function linear(w: number[], options: { lr?: number } & Record<string, unknown> = {}) {
  const weight = new Parameter(tensor([w], f64), { name: 'weight' });
  const outputsOf = (x: Tensor): Tensor => nn.functional.linear(x, weight);
  const lossOf = (outputs: Tensor): Tensor => outputs.sub(1).square().mean();
  const optimizer = new StochasticDiagonalLM([weight], { lr: 0.1, mu: 0.5, ...options });
  const measure = (x: Tensor) => {
    const outputs = outputsOf(x);
    return { outputs, loss: lossOf(outputs) };
  };
  const step = async (x: Tensor): Promise<void> => {
    optimizer.zeroGrad();
    lossOf(outputsOf(x)).backward();
    await optimizer.step();
  };
  const curvature = () => numbers(optimizer.stateDict().state[0]['curvature'] as Tensor);
  return { weight, optimizer, measure, step, curvature };
}

const x1 = (): Tensor =>
  tensor(
    [
      [1, 2],
      [3, -1],
    ],
    f64,
  ); // 2 · mean x² = [10, 5]
const x2 = (): Tensor => tensor([[2, 1]], f64); // [8, 2]

describe('the formula', () => {
  test('w ← w − η / (μ + h) · (g + λ w), and h is the mean over samples', async () => {
    const { weight, optimizer, measure, step, curvature } = linear([0.5, -1], { weightDecay: 0.3 });
    expect(await optimizer.updateCurvature([x1(), x2()], measure)).toBe(3);
    const h = [(2 * 10 + 8) / 3, (2 * 5 + 2) / 3];
    expect(await curvature()).toEqual(close(h));
    expect(await numbers(weight)).toEqual([0.5, -1]);

    await step(x1());
    // y − 1 = [−2.5, 1.5]; g = mean of 2 (y − 1) x
    const g = [-2.5 * 1 + 1.5 * 3, -2.5 * 2 - 1.5];
    const expected = [0.5, -1].map((w, j) => w - (0.1 / (0.5 + h[j])) * (g[j] + 0.3 * w));
    expect(await numbers(weight)).toEqual(close(expected));
  });

  test('before the first estimate the step is η / μ', async () => {
    const { weight, step } = linear([0.5, -1]);
    await step(x1());
    expect(await numbers(weight)).toEqual(close([0.5 - (0.1 / 0.5) * 2, -1 + (0.1 / 0.5) * 6.5]));
  });

  test('h ← (1 − γ) h + γ ĥ, and ĥ the first time', async () => {
    const { optimizer, measure, curvature } = linear([0.5, -1], { gamma: 0.25 });
    await optimizer.updateCurvature([x1()], measure);
    expect(await curvature()).toEqual(close([10, 5]));
    await optimizer.updateCurvature([x2()], measure);
    expect(await curvature()).toEqual(close([0.75 * 10 + 0.25 * 8, 0.75 * 5 + 0.25 * 2]));
    optimizer.paramGroups[0].gamma = 1;
    await optimizer.updateCurvature([x2()], measure);
    expect(await curvature()).toEqual(close([8, 2]));
  });

  test('maximize climbs −f', async () => {
    const [down, up] = [linear([0.5, -1]), linear([0.5, -1], { maximize: true })];
    await down.optimizer.updateCurvature([x1()], down.measure);
    await up.optimizer.updateCurvature([x1()], up.measure);
    await down.step(x1());
    up.optimizer.zeroGrad();
    up.measure(x1()).loss.neg().backward();
    await up.optimizer.step();
    expect(await numbers(up.weight)).toEqual(await numbers(down.weight));
  });

  test('curvature that is given, and what is negative in it, which counts as 0', async () => {
    const { optimizer, measure, curvature } = linear([0.5, -1]);
    const given = (x: Tensor) => ({ outputs: measure(x).outputs, curvature: tensor([[3]], f64) });
    await optimizer.updateCurvature([x2()], given);
    expect(await curvature()).toEqual([12, 3]);
    const concave = (x: Tensor) => ({ outputs: measure(x).outputs, curvature: tensor([[-3]], f64) });
    await optimizer.updateCurvature([x2()], concave);
    expect(await curvature()).toEqual([0, 0]);
  });

  test('groups have numbers of their own', async () => {
    const [a, b] = [new Parameter(tensor([[1]], f64)), new Parameter(tensor([[1]], f64))];
    const optimizer = new StochasticDiagonalLM(
      [
        { params: [a], lr: 0.1 },
        { params: [b], mu: 1 },
      ],
      { lr: 0.2, mu: 0.5 },
    );
    const outputs = (x: Tensor): Tensor => x.matmul(a).add(x.matmul(b));
    const measure = (x: Tensor) => ({ outputs: outputs(x), loss: outputs(x).square().mean() });
    const shared = (x: Tensor) => {
      const y = outputs(x);
      return { outputs: y, loss: y.square().mean() };
    };
    await expect(optimizer.updateCurvature([tensor([[2]], f64)], measure)).rejects.toThrow(/not of another call/);
    await optimizer.updateCurvature([tensor([[2]], f64)], shared); // h = 2 · 4
    optimizer.zeroGrad();
    outputs(tensor([[2]], f64))
      .square()
      .mean()
      .backward(); // g = 2 · 4 · 2
    await optimizer.step();
    expect(await a.item()).toBeCloseTo(1 - (0.1 / 8.5) * 16, 12);
    expect(await b.item()).toBeCloseTo(1 - (0.2 / 9) * 16, 12);
  });
});

describe('costs', () => {
  test('a step is one program, and numbers that change compile nothing', async () => {
    const { optimizer, step } = linear([0.5, -1], { weightDecay: 0.1 });
    await step(x1());
    await step(x1());
    const { compiles, runs } = await cost(async () => {
      for (let i = 1; i < 5; i++) {
        Object.assign(optimizer.paramGroups[0], { lr: 0.1 / i, mu: 0.1 * i, weightDecay: 0.01 * i });
        await step(x1());
      }
    });
    expect({ compiles, runs }).toEqual({ compiles: 0, runs: 4 });
  });

  test('an estimate is one run a batch and one more; the next one compiles nothing and holds nothing', async () => {
    const { optimizer, measure } = linear([0.5, -1]);
    const batches = [x1(), x1(), x1()];
    const first = await cost(() => optimizer.updateCurvature(batches, measure));
    expect(first.runs).toBe(4);
    const held = memory().bytes.optimizer;
    optimizer.paramGroups[0].gamma = 0.3;
    const again = await cost(async () => void (await optimizer.updateCurvature(batches, measure)));
    expect({ compiles: again.compiles, runs: again.runs }).toEqual({ compiles: 0, runs: 4 });
    const live = stats().backend.liveBuffers;
    for (let i = 0; i < 5; i++) await optimizer.updateCurvature(batches, measure);
    expect(stats().backend.liveBuffers).toBe(live);
    expect(memory().bytes.optimizer).toBe(held);
    expect(memory().bytes.activation).toBe(0);
  });

  test('of a network with running statistics: nothing stays on the device', async () => {
    const net = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.BatchNorm2d(2), new nn.Flatten(), new nn.Linear(8, 3));
    net.eval();
    const criterion = new nn.CrossEntropyLoss();
    const optimizer = new StochasticDiagonalLM(net.parameters(), { lr: 0.1 });
    const live: number[] = [];
    for (let i = 0; i < 5; i++) {
      await optimizer.updateCurvature([0, 1], () => {
        const outputs = net(randn([2, 1, 4, 4]));
        return { outputs, loss: criterion(outputs, tensor(Int32Array.of(0, 2))) };
      });
      live.push(stats().backend.liveBuffers);
    }
    expect(new Set(live.slice(1)).size).toBe(1);
    expect(memory().bytes.activation).toBe(0);
  });

  test('batches may come asynchronously, and the network be made of modules', async () => {
    const net = new nn.Sequential(new nn.Conv2d(1, 2, 3), new nn.Tanh(), new nn.Flatten(), new nn.Linear(8, 3));
    const criterion = new nn.CrossEntropyLoss();
    const optimizer = new StochasticDiagonalLM(net.parameters(), { lr: 0.1 });
    async function* batches() {
      for (let i = 0; i < 3; i++) yield [randn([2, 1, 4, 4]), tensor(Int32Array.of(0, 2))] as const;
    }
    const samples = await optimizer.updateCurvature(batches(), ([x, y]) => {
      const outputs = net(x);
      return { outputs, loss: criterion(outputs, y) };
    });
    expect(samples).toBe(6);
    for (const { curvature } of Object.values(optimizer.stateDict().state)) {
      const h = await numbers(curvature as Tensor);
      expect(Math.min(...h)).toBeGreaterThan(0);
    }
  });
});

test('resumes from a state dict, by way of a file’s tensors', async () => {
  const whole = linear([0.5, -1], { gamma: 0.5 });
  const train = async ({ optimizer, measure, step }: typeof whole, x: Tensor): Promise<void> => {
    await optimizer.updateCurvature([x], measure);
    await step(x);
  };
  await train(whole, x1());
  const { tensors, metadata } = flattenOptimizerState(whole.optimizer.stateDict());
  const later = linear(await numbers(whole.weight), { gamma: 0.5 });
  later.optimizer.loadStateDict(unflattenOptimizerState({ tensors, metadata }));
  expect(later.optimizer.stateDict().state[0]['estimates']).toBe(1);
  for (const task of [whole, later]) await train(task, x2());
  expect(await numbers(later.weight)).toEqual(await numbers(whole.weight));
  expect(await later.curvature()).toEqual(await whole.curvature());
  expect(later.optimizer.stateDict().param_groups[0]).toMatchObject({ lr: 0.1, mu: 0.5, gamma: 0.5, weight_decay: 0 });
});

test('an estimate that fails leaves the curvature as it was', async () => {
  const { optimizer, measure, curvature } = linear([0.5, -1]);
  await optimizer.updateCurvature([x1()], measure);
  const fail = (): never => {
    throw new Error('no such batch');
  };
  await expect(
    optimizer.updateCurvature([x2(), x2()].entries(), ([i, x]) => (i > 0 ? fail() : measure(x))),
  ).rejects.toThrow('no such batch');
  expect(await curvature()).toEqual(close([10, 5]));
  expect(optimizer.stateDict().state[0]['estimates']).toBe(1);
});

test('errors teach', async () => {
  const { optimizer, measure, weight } = linear([0.5, -1]);
  const make = (options: object) => () => new StochasticDiagonalLM([weight], options as never);
  const messages = messagesOf({
    'no lr': make({}),
    'negative lr': make({ lr: -1 }),
    'mu of 0': make({ lr: 1, mu: 0 }),
    'gamma above 1': make({ lr: 1, gamma: 1.5 }),
  });
  expect(messages).toMatchInlineSnapshot(`
    "no lr
        FakkelError: StochasticDiagonalLM: 'lr' is required: give it in the options, or in every parameter group
    negative lr
        FakkelError: StochasticDiagonalLM: Invalid learning rate: -1. It must be a number ≥ 0.
    mu of 0
        FakkelError: StochasticDiagonalLM: mu must be > 0: a flat weight would take infinite steps.
    gamma above 1
        FakkelError: StochasticDiagonalLM: Invalid gamma value: 1.5. It must be ≤ 1."
  `);
  await expect(optimizer.updateCurvature([], measure)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: StochasticDiagonalLM.updateCurvature: expected at least one batch, got none]`,
  );
  await expect(
    optimizer.updateCurvature([x1()], (x) => measure(x).loss as never),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[TypeError: StochasticDiagonalLM.updateCurvature: expected { outputs, loss } for a batch, got an object of class Tensor. outputs is what the network gives, loss is made of it; values are not awaited there.]`,
  );
  await expect(
    optimizer.updateCurvature([x1()], (x) => {
      const outputs = measure(x).outputs.softmax(0);
      return { outputs, loss: outputs.square().mean() };
    }),
  ).rejects.toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: diagonalGaussNewton: second derivatives do not pass through softmax(float64[2,1]). Take the logits for outputs; the loss may go on from there.]`,
  );
});
