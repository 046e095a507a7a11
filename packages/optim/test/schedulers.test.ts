/** Learning rates over 30 epochs, number by number, as PyTorch sets them. */
import { Parameter, zeros } from '@fakkel/core';
import { describe, expect, test, vi } from 'vitest';
import {
  Adam,
  CosineAnnealingLR,
  ExponentialLR,
  InverseSqrtLR,
  LambdaLR,
  LRScheduler,
  MultiStepLR,
  type Optimizer,
  type SchedulerOptions,
  SGD,
  StepLR,
} from '../src/index.js';
import { difference, golden, messagesOf } from './helpers.js';

interface Rates {
  rates: number[][];
  state: { last_epoch: number; base_lrs: number[]; _last_lr: number[]; _step_count: number };
}

const make: Record<string, (optimizer: Optimizer, options: SchedulerOptions) => LRScheduler[]> = {
  ExponentialLR: (o, s) => [new ExponentialLR(o, { gamma: 0.95, ...s })],
  StepLR: (o, s) => [new StepLR(o, { stepSize: 7, ...s })],
  'StepLR gamma': (o, s) => [new StepLR(o, { stepSize: 4, gamma: 0.5, ...s })],
  MultiStepLR: (o, s) => [new MultiStepLR(o, { milestones: [3, 10, 10, 22], gamma: 0.3, ...s })],
  LambdaLR: (o, s) => [new LambdaLR(o, { lrLambda: [(t) => 0.9 ** t, (t) => 1 / (t + 1)], ...s })],
  CosineAnnealingLR: (o, s) => [new CosineAnnealingLR(o, { tMax: 30, ...s })],
  'CosineAnnealingLR restarts': (o, s) => [new CosineAnnealingLR(o, { tMax: 8, etaMin: 0.001, ...s })],
  'ExponentialLR and StepLR': (o, s) => [
    new ExponentialLR(o, { gamma: 0.9, ...s }),
    new StepLR(o, { stepSize: 10, ...s }),
  ],
};

const optimizerOf = (initial = false): SGD =>
  new SGD(
    [0.1, 0.03].map((lr) => ({ params: new Parameter(zeros(1)), lr, ...(initial ? { initialLr: 2 * lr } : {}) })),
    { lr: 1 },
  );

async function epoch(optimizer: Optimizer, schedulers: LRScheduler[], change = false): Promise<number[]> {
  const rates = optimizer.paramGroups.map(({ lr }) => lr);
  await optimizer.step();
  if (change) for (const group of optimizer.paramGroups) group.lr /= 2;
  for (const scheduler of schedulers) scheduler.step();
  return rates;
}

const goldens = golden<{ name: string; plain: Rates; changed: Rates; resumed: Rates }[]>('optim/schedules');

describe.each(goldens.map((g) => [g.name, g] as const))('%s', (name, expected) => {
  test.each(['plain', 'changed', 'resumed'] as const)('%s', async (kind) => {
    const optimizer = optimizerOf(kind === 'resumed');
    const schedulers = make[name](optimizer, kind === 'resumed' ? { lastEpoch: 5 } : {});
    const rates: number[][] = [];
    for (let i = 0; i < 30; i++) rates.push(await epoch(optimizer, schedulers, kind === 'changed' && i === 11));
    expect(difference(rates.flat(), expected[kind].rates.flat())).toBeLessThan(1e-15);
    const { base_lrs, last_epoch, _last_lr, _step_count } = schedulers[0].stateDict();
    const { state } = expected[kind];
    expect({ base_lrs, last_epoch, _step_count }).toEqual({
      base_lrs: state.base_lrs,
      last_epoch: state.last_epoch,
      _step_count: state._step_count,
    });
    expect(difference(_last_lr, state._last_lr)).toBeLessThan(1e-15);
    expect(schedulers.at(-1)!.getLastLr()).toEqual(optimizer.paramGroups.map(({ lr }) => lr));
  });

  test('resumed from state dicts in the middle equals no interruption', async () => {
    const whole = optimizerOf();
    const all = make[name](whole, {});
    const rates: number[][] = [];
    for (let i = 0; i < 30; i++) rates.push(await epoch(whole, all));

    const first = optimizerOf();
    const before = make[name](first, {});
    for (let i = 0; i < 13; i++) await epoch(first, before);
    const saved = JSON.stringify({ optimizer: first.stateDict(), schedulers: before.map((s) => s.stateDict()) });

    const read = JSON.parse(saved) as { optimizer: any; schedulers: any[] };
    const second = optimizerOf();
    const after = make[name](second, {});
    second.loadStateDict(read.optimizer);
    after.forEach((s, i) => s.loadStateDict(read.schedulers[i]));
    for (let i = 13; i < 30; i++) expect(await epoch(second, after)).toEqual(rates[i]);
  });
});

test('the configuration is saved and loaded', () => {
  const saved = new StepLR(optimizerOf(), { stepSize: 3, gamma: 0.5 }).stateDict();
  expect(saved).toMatchInlineSnapshot(`
    {
      "_last_lr": [
        0.1,
        0.03,
      ],
      "_step_count": 1,
      "base_lrs": [
        0.1,
        0.03,
      ],
      "gamma": 0.5,
      "last_epoch": 0,
      "step_size": 3,
    }
  `);
  const other = new StepLR(optimizerOf(), { stepSize: 7 });
  other.loadStateDict(saved);
  expect(other.stateDict()).toEqual(saved);
});

test('stepping before the optimizer warns, once', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const optimizer = optimizerOf();
  const scheduler = new ExponentialLR(optimizer, { gamma: 0.5 });
  scheduler.step();
  scheduler.step();
  expect(warn.mock.calls).toMatchInlineSnapshot(`
    [
      [
        "ExponentialLR: step() of the scheduler was called before optimizer.step(), so the first value of the schedule is skipped. Call optimizer.step() for the batches of an epoch first, then scheduler.step().",
      ],
    ]
  `);
  warn.mockClear();
  const right = new ExponentialLR(optimizer, { gamma: 0.5 });
  await optimizer.step();
  right.step();
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});

test('InverseSqrtLR: γ₀ in the first epoch, then k / √epoch · γ₀', async () => {
  const [k, lr] = [0.8, 0.5];
  const optimizer = new Adam([new Parameter(zeros(1))], { lr });
  const scheduler = new InverseSqrtLR(optimizer, { k });
  const rates: number[] = [];
  for (let i = 0; i < 10; i++) rates.push(...(await epoch(optimizer, [scheduler])));
  const formula = [lr, ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((done) => (k / Math.sqrt(done)) * lr)];
  expect(difference(rates, formula)).toBeLessThan(1e-16);
  expect(scheduler.stateDict()).toMatchObject({ k, last_epoch: 10, base_lrs: [lr] });

  const resumed = new InverseSqrtLR(new Adam([{ params: new Parameter(zeros(1)), initialLr: lr }], { lr }), {
    k,
    lastEpoch: 3,
  });
  expect(resumed.getLastLr()).toEqual([formula[4]]);
});

test('a scheduler of one’s own', async () => {
  class LogarithmicLR extends LRScheduler<{ scale: number }> {
    protected getLr(): number[] {
      return this.baseLrs.map((lr) => lr / (1 + this.config.scale * Math.log(this.lastEpoch + 1)));
    }
  }
  const optimizer = new Adam([new Parameter(zeros(1))], { lr: 0.5 });
  const scheduler = new LogarithmicLR(optimizer, { scale: 2 });
  const rates: number[] = [];
  for (let i = 0; i < 3; i++) rates.push(...(await epoch(optimizer, [scheduler])));
  expect(rates).toEqual([0.5, 0.5 / (1 + 2 * Math.log(2)), 0.5 / (1 + 2 * Math.log(3))]);
  expect(scheduler.stateDict().scale).toBe(2);
});

test('mistakes are errors that teach', () => {
  const any = (value: unknown): any => value;
  const cases = {
    'no optimizer': () => new ExponentialLR(any({}), { gamma: 0.9 }),
    'no gamma': () => new ExponentialLR(optimizerOf(), any({})),
    'gamma for the options': () => new ExponentialLR(optimizerOf(), any(0.9)),
    'a step size of 0': () => new StepLR(optimizerOf(), { stepSize: 0 }),
    'a milestone that is no epoch': () => new MultiStepLR(optimizerOf(), { milestones: [1.5] }),
    'no milestones': () => new MultiStepLR(optimizerOf(), any({ gamma: 0.1 })),
    'tMax of 0': () => new CosineAnnealingLR(optimizerOf(), { tMax: 0 }),
    'PyTorch’s spelling': () => new CosineAnnealingLR(optimizerOf(), any({ T_max: 10 })),
    'another number of functions': () => new LambdaLR(optimizerOf(), { lrLambda: [() => 1] }),
    'no function': () => new LambdaLR(optimizerOf(), { lrLambda: any(0.9) }),
    'resuming without initialLr': () => new StepLR(optimizerOf(), { stepSize: 1, lastEpoch: 3 }),
    'a state dict of other groups': () => {
      const one = new SGD([new Parameter(zeros(1))], { lr: 1 });
      new StepLR(optimizerOf(), { stepSize: 1 }).loadStateDict(new StepLR(one, { stepSize: 1 }).stateDict());
    },
    'an optimizer’s state dict': () =>
      new StepLR(optimizerOf(), { stepSize: 1 }).loadStateDict(any(optimizerOf().stateDict())),
    'a state dict out of range': () => {
      const scheduler = new StepLR(optimizerOf(), { stepSize: 1 });
      scheduler.loadStateDict({ ...scheduler.stateDict(), step_size: 0 });
    },
  };
  expect(messagesOf(cases)).toMatchInlineSnapshot(`
    "no optimizer
        TypeError: ExponentialLR: expected an optimizer, got an object of class Object
    no gamma
        FakkelError: ExponentialLR: gamma must be a finite number, got undefined. Options come in an object: new ExponentialLR(optimizer, { gamma: … }).
    gamma for the options
        FakkelError: ExponentialLR: gamma must be a finite number, got undefined. Options come in an object: new ExponentialLR(optimizer, { gamma: … }).
    a step size of 0
        FakkelError: StepLR: stepSize must be a whole number of at least 1, got 0.
    a milestone that is no epoch
        FakkelError: MultiStepLR: a milestone must be a whole number of at least 1, got 1.5.
    no milestones
        FakkelError: MultiStepLR: milestones must be an array of epochs, got undefined
    tMax of 0
        FakkelError: CosineAnnealingLR: tMax must be a whole number of at least 1, got 0.
    PyTorch’s spelling
        FakkelError: CosineAnnealingLR: tMax must be a whole number of at least 1, got undefined. Options come in an object: new CosineAnnealingLR(optimizer, { tMax: … }).
    another number of functions
        FakkelError: LambdaLR: expected 2 functions, one a group, got 1
    no function
        TypeError: LambdaLR: lrLambda must be a function, or one a group, got number 0.9
    resuming without initialLr
        FakkelError: StepLR: param 'initialLr' is not specified in paramGroups[0] when resuming an optimizer. Load the optimizer's state dict first, or leave lastEpoch out.
    a state dict of other groups
        StateDictError: StepLR.loadStateDict: the optimizer has 2 parameter groups, the state dict 1
    an optimizer’s state dict
        StateDictError: StepLR.loadStateDict: expected base_lrs, last_epoch and _last_lr, as stateDict() gives them, got an object of class Object
    a state dict out of range
        FakkelError: StepLR: stepSize must be a whole number of at least 1, got 0."
  `);
});
