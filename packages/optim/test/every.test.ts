/** What every optimizer promises, each one tried. */
import { memory, Parameter, stats, tensor, zeros } from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import * as optim from '../src/index.js';
import { type Entry, EVERY } from './every.js';
import { cost, type FloatType, freshDevice, messagesOf, problem, small, train, trajectoryOf } from './helpers.js';

beforeEach(() => freshDevice());

test('the table has every optimizer', () => {
  const isOptimizer = (value: unknown): boolean =>
    typeof value === 'function' && value.prototype instanceof optim.Optimizer;
  const all = Object.entries(optim).flatMap(([name, value]) => (isOptimizer(value) ? [name] : []));
  const tried = new Set(EVERY.map(({ make }) => make(problem('float32').params).constructor.name));
  tried.add('StochasticDiagonalLM'); // takes second derivatives, and has tests of its own
  expect(all.filter((name) => !tried.has(name))).toEqual([]);
});

/** Where eight steps arrive, a group's numbers changing from the third on. */
async function parametersWith({ make }: Entry, change: (group: Record<string, unknown>, step: number) => void) {
  const task = problem('float64');
  const optimizer = make(task.params);
  const step = (i: number) => train(optimizer, { loss: () => task.loss(1) }, { from: i, to: i + 1 });
  for (const i of [0, 1]) await step(i); // the first run makes the data, too
  const { compiles, runs } = await cost(async () => {
    for (let i = 2; i < 8; i++) {
      change(optimizer.paramGroups[0] as unknown as Record<string, unknown>, i);
      await step(i);
    }
  });
  expect({ compiles, runs }).toEqual({ compiles: 0, runs: 6 });
  return trajectoryOf([], task.params, optimizer.stateDict());
}

describe.each(EVERY.map((entry) => [entry.name, entry] as const))('%s', (_, entry) => {
  test('any number may change at any step: nothing is compiled, and it takes effect', async () => {
    const numbers = Object.entries(entry.make(problem('float32').params).paramGroups[0]).flatMap(([key, value]) =>
      typeof value === 'number' || (Array.isArray(value) && key === 'betas') ? [key] : [],
    );
    // Momentum, 0 here, adds a buffer; dampening acts on it. Sums begin but once.
    const structure = ['momentum', 'dampening', 'initialAccumulatorValue'];
    expect(numbers.filter((key) => !(key in entry.others) && !structure.includes(key))).toEqual([]);

    const same = await parametersWith(entry, () => undefined);
    for (const [key, value] of Object.entries(entry.others)) {
      const changed = await parametersWith(entry, (group) => (group[key] = value));
      expect(changed.params, key).not.toEqual(same.params);
    }
    await parametersWith(entry, (group, step) => {
      for (const [key, value] of Object.entries(entry.others)) {
        const shrink = (number: number): number => number / (1 + step / 10);
        group[key] = Array.isArray(value) ? value.map(shrink) : shrink(value as number);
      }
    });
  });

  test.each<FloatType>(['float64', 'float32'])('resumed in %s is the same to the bit', async (dtype) => {
    const make = (p: Parameter[]): optim.Optimizer =>
      entry.make([{ params: p.slice(0, 2), lr: 0.02 }, { params: p.slice(2) }]);
    const whole = problem(dtype);
    const uninterrupted = make(whole.params);
    const losses = await train(uninterrupted, whole);

    const first = problem(dtype);
    const before = make(first.params);
    const early = await train(before, first, { to: 3 });
    const { tensors, metadata } = optim.flattenOptimizerState(before.stateDict());
    const second = problem(dtype);
    const after = make(second.params);
    await train(after, second, { to: 2 }); // state of its own, to be replaced
    second.params.forEach((p, i) => p.assign(first.params[i].detach()));
    after.loadStateDict(optim.unflattenOptimizerState({ tensors, metadata }));
    const late = await train(after, second, { from: 3 });

    expect([...early, ...late]).toEqual(losses);
    expect(await trajectoryOf(losses, second.params, after.stateDict())).toEqual(
      await trajectoryOf(losses, whole.params, uninterrupted.stateDict()),
    );
  });

  test('maximize climbs −f as it descends f', async () => {
    const [down, up] = [problem('float64'), problem('float64')];
    const weights = async (task: typeof down, optimizer: optim.Optimizer, sign: 1 | -1) => {
      await train(optimizer, { loss: (step) => task.loss(step).mul(sign) });
      return trajectoryOf([], task.params, optimizer.stateDict());
    };
    const expected = await weights(down, entry.make(down.params), 1);
    const got = await weights(up, entry.make(up.params, { maximize: true }), -1);
    expect(got.params).toEqual(expected.params);
    expect(got.state).toEqual(expected.state);
  });

  test('a parameter without gradient keeps value and state; the state is what it says, and no more', async () => {
    const { params, loss } = problem('float32');
    const idle = new Parameter(tensor([3]), { name: 'idle' });
    const before = memory().bytes.optimizer;
    const optimizer = entry.make([...params, idle]);
    const initial = optimizer.stateDict().state[params.length];
    await train(optimizer, { loss: () => loss(1) }, { to: 3 });
    expect(await idle.toArray()).toEqual([3]);
    expect(Object.keys(optimizer.stateDict().state[params.length] ?? {})).toEqual(Object.keys(initial ?? {}));
    const bytes = params.reduce((sum, p) => sum + 4 * p.shape.reduce((n, size) => n * size, 1), 0);
    const idleBytes = memory().bytes.optimizer - before - entry.state * bytes;
    expect(idleBytes).toBeGreaterThanOrEqual(0);
    expect(idleBytes).toBeLessThanOrEqual(entry.state * 4);
  });

  test('20 steps hold live buffers constant', async () => {
    const { params, loss } = problem('float32');
    const optimizer = entry.make(params);
    const live: number[] = [];
    for (let i = 0; i < 20; i++) {
      await train(optimizer, { loss: () => loss(1) }, { from: i, to: i + 1 });
      live.push(stats().backend.liveBuffers);
    }
    expect(new Set(live.slice(1)).size).toBe(1);
  });
});

test('RAdam: the steps before and after its average means something are one program', async () => {
  const { p, loss } = small();
  const counts = await cost(() => train(new optim.RAdam([p]), { loss }, { to: 10 }));
  expect(counts).toEqual({ compiles: 1, runs: 10 });
});

test('RMSprop’s momentum, and AMSGrad, may be switched on in the middle: they begin with nothing', async () => {
  const p = new Parameter(tensor([1, -2]));
  const rmsprop = new optim.RMSprop([p]);
  const loss = () => p.square().sum();
  await train(rmsprop, { loss }, { to: 2 });
  rmsprop.paramGroups[0].momentum = 0.9;
  await train(rmsprop, { loss }, { to: 1 });
  expect(Object.keys(rmsprop.stateDict().state[0])).toEqual(['step', 'square_avg', 'momentum_buffer']);
  const adam = new optim.Adam([p]);
  await train(adam, { loss }, { to: 2 });
  adam.paramGroups[0].amsgrad = true;
  await train(adam, { loss }, { to: 1 });
  const { exp_avg_sq, max_exp_avg_sq } = adam.stateDict().state[0] as Record<string, Parameter>;
  expect(await max_exp_avg_sq.toArray()).toEqual(await exp_avg_sq.toArray());
});

test('Adagrad: state dicts have its sums from the beginning, as PyTorch’s; a group may begin with its own', async () => {
  const [p, q] = [new Parameter(zeros(2)), new Parameter(zeros([]))];
  const groups = [{ params: p }, { params: q, initialAccumulatorValue: 2 }];
  const optimizer = new optim.Adagrad(groups, { initialAccumulatorValue: 0.5 });
  const { state } = optimizer.stateDict();
  expect([state[0]['step'], state[1]['step']]).toEqual([0, 0]);
  expect(await (state[0]['sum'] as Parameter).toArray()).toEqual([0.5, 0.5]);
  expect(await (state[1]['sum'] as Parameter).item()).toBe(2);
  // A state dict that knows nothing of a parameter: as new.
  await train(optimizer, { loss: () => p.add(1).square().sum().add(q) }, { to: 2 });
  optimizer.loadStateDict({ ...optimizer.stateDict(), state: {} });
  expect(await (optimizer.stateDict().state[1]['sum'] as Parameter).item()).toBe(2);
});

test('options out of range, and options that only PyTorch needs, are errors that teach', () => {
  const p = (): Parameter[] => [new Parameter(zeros(1))];
  const { Adadelta, Adagrad, Adam, Adamax, AdamW, LAMB, LARS, NAdam, RAdam, RMSprop, SGD } = optim;
  const any = (value: unknown): never => value as never;
  const cases = {
    'Adagrad: lrDecay': () => new Adagrad(p(), { lrDecay: -1 }),
    'Adagrad: initialAccumulatorValue': () => new Adagrad(p(), { initialAccumulatorValue: -1 }),
    'Adagrad: eps': () => new Adagrad(p(), { eps: -1 }),
    'Adadelta: rho': () => new Adadelta(p(), { rho: 1.1 }),
    'Adadelta: lr': () => new Adadelta(p(), { lr: NaN }),
    'RMSprop: alpha': () => new RMSprop(p(), { alpha: -0.1 }),
    'RMSprop: momentum': () => new RMSprop(p(), { momentum: -0.1 }),
    'RMSprop: weightDecay': () => new RMSprop(p(), { weightDecay: -0.1 }),
    'AdamW: betas': () => new AdamW(p(), { betas: [1, 0.9] }),
    'AdamW: weightDecay': () => new AdamW(p(), { weightDecay: -1 }),
    'AdamW: a number for the options': () => new AdamW(p(), any(0.001)),
    'AdamW: an unknown option': () => new AdamW(p(), any({ decay: 1 })),
    'Adamax: betas': () => new Adamax(p(), { betas: any([0.9]) }),
    'NAdam: momentumDecay': () => new NAdam(p(), { momentumDecay: -1 }),
    'NAdam: PyTorch’s spelling': () => new NAdam(p(), any({ momentum_decay: 0.004 })),
    'RAdam: eps': () => new RAdam(p(), { eps: -1 }),
    'LARS: no rate': () => new LARS(p(), any({})),
    'LARS: trustCoefficient': () => new LARS(p(), { lr: 1, trustCoefficient: 0 }),
    'LARS: momentum in a group': () => new LARS([{ params: p(), momentum: -1 }], { lr: 1 }),
    'LAMB: betas': () => new LAMB(p(), { betas: [0.9, -0.1] }),
    foreach: () => new Adam(p(), any({ foreach: true })),
    fused: () => new AdamW(p(), any({ fused: false })),
    capturable: () => new Adam(p(), any({ capturable: true })),
    'differentiable, in a group': () => new SGD(any([{ params: p(), differentiable: true }]), { lr: 1 }),
  };
  expect(messagesOf(cases)).toMatchInlineSnapshot(`
    "Adagrad: lrDecay
        FakkelError: Adagrad: Invalid lrDecay value: -1. It must be a number ≥ 0.
    Adagrad: initialAccumulatorValue
        FakkelError: Adagrad: Invalid initialAccumulatorValue value: -1. It must be a number ≥ 0.
    Adagrad: eps
        FakkelError: Adagrad: Invalid epsilon value: -1. It must be a number ≥ 0.
    Adadelta: rho
        FakkelError: Adadelta: Invalid rho value: 1.1. It must be in [0, 1].
    Adadelta: lr
        FakkelError: Adadelta: Invalid learning rate: NaN. It must be a number ≥ 0.
    RMSprop: alpha
        FakkelError: RMSprop: Invalid alpha value: -0.1. It must be a number ≥ 0.
    RMSprop: momentum
        FakkelError: RMSprop: Invalid momentum value: -0.1. It must be a number ≥ 0.
    RMSprop: weightDecay
        FakkelError: RMSprop: Invalid weightDecay value: -0.1. It must be a number ≥ 0.
    AdamW: betas
        FakkelError: AdamW: Invalid beta parameter at index 0: 1. It must be ≥ 0 and < 1.
    AdamW: weightDecay
        FakkelError: AdamW: Invalid weightDecay value: -1. It must be a number ≥ 0.
    AdamW: a number for the options
        TypeError: AdamW: options come in an object, got number 0.001. Write new AdamW(params, { lr: 0.001 }).
    AdamW: an unknown option
        FakkelError: AdamW: unknown option 'decay'. There are: lr, betas, eps, weightDecay, amsgrad, maximize, biasCorrection.
    Adamax: betas
        FakkelError: Adamax: betas must be two numbers, such as [0.9, 0.999], got 0.9.
    NAdam: momentumDecay
        FakkelError: NAdam: Invalid momentumDecay value: -1. It must be a number ≥ 0.
    NAdam: PyTorch’s spelling
        FakkelError: NAdam: unknown option 'momentum_decay'. Write momentumDecay.
    RAdam: eps
        FakkelError: RAdam: Invalid epsilon value: -1. It must be a number ≥ 0.
    LARS: no rate
        FakkelError: LARS: 'lr' is required: give it in the options, or in every parameter group
    LARS: trustCoefficient
        FakkelError: LARS: Invalid trustCoefficient value: 0. It must be a number > 0.
    LARS: momentum in a group
        FakkelError: LARS: Invalid momentum value: -1. It must be a number ≥ 0.
    LAMB: betas
        FakkelError: LAMB: Invalid beta parameter at index 1: -0.1. It must be ≥ 0 and < 1.
    foreach
        FakkelError: Adam: PyTorch's option 'foreach' does not exist here: all parameters are updated in one program anyway. Leave it out.
    fused
        FakkelError: AdamW: PyTorch's option 'fused' does not exist here: an update is one operation anyway, and backends may fuse it. Leave it out.
    capturable
        FakkelError: Adam: PyTorch's option 'capturable' does not exist here: a step is compiled once anyway, and its numbers are inputs of the program. Leave it out.
    differentiable, in a group
        FakkelError: SGD: PyTorch's option 'differentiable' does not exist here: gradients do not flow through an update; for that, write one with tensor operations, on what grad(loss, weights, { createGraph: true }) gives. Leave it out."
  `);
});
