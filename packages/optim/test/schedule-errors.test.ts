/** What schedules say of mistakes, and what per-batch schedules compile. */
import { manualSeed, nn, Parameter, randn, tensor, zeros } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import {
  Adagrad,
  Adam,
  ChainedScheduler,
  ConstantLR,
  CosineAnnealingWarmRestarts,
  CyclicLR,
  ExponentialLR,
  InverseSqrtLR,
  LinearLR,
  OneCycleLR,
  type Optimizer,
  PolynomialLR,
  ReduceLROnPlateau,
  SequentialLR,
  SGD,
  SWALR,
} from '../src/index.js';
import { cost, freshDevice, messagesOf } from './helpers.js';

const sgd = (): SGD => new SGD([{ params: new Parameter(zeros(1)) }, { params: new Parameter(zeros(1)) }], { lr: 0.1 });
const any = (value: unknown): any => value;

test('mistakes are errors that teach', () => {
  const optimizer = sgd();
  const plateau = new ReduceLROnPlateau(optimizer);
  const twoOf = (): [LinearLR, ExponentialLR] => [
    new LinearLR(optimizer),
    new ExponentialLR(optimizer, { gamma: 0.9 }),
  ];
  const sequence = new SequentialLR(optimizer, twoOf(), { milestones: [3] });
  const cases = {
    'no optimizer': () => new CyclicLR(any([]), { baseLr: 1, maxLr: 2 }),
    'no rate': () => new OneCycleLR(optimizer, any({ totalSteps: 10 })),
    'rates for other groups': () => new CyclicLR(optimizer, { baseLr: [0.1], maxLr: 1 }),
    'no momentum to cycle': () =>
      new CyclicLR(new Adagrad([new Parameter(zeros(1))], { lr: 1 }), { baseLr: 0.1, maxLr: 1 }),
    'no such mode': () => new CyclicLR(optimizer, { baseLr: 0.1, maxLr: 1, mode: any('sawtooth') }),
    'no scale function': () => new CyclicLR(optimizer, { baseLr: 0.1, maxLr: 1, scaleFn: any(0.5) }),
    'no length': () => new OneCycleLR(optimizer, { maxLr: 1 }),
    'half a length': () => new OneCycleLR(optimizer, { maxLr: 1, epochs: 3 }),
    'a start beyond the end': () => new OneCycleLR(optimizer, { maxLr: 1, totalSteps: 9, pctStart: 30 }),
    'no such annealing': () => new SWALR(optimizer, { swaLr: 1, annealStrategy: any('cosine') }),
    'a step too many': () => {
      const scheduler = new OneCycleLR(sgd(), { maxLr: 1, totalSteps: 1 });
      scheduler.optimizer._steps = 1;
      for (let i = 0; i < 2; i++) scheduler.step();
    },
    'a start at 0': () => new LinearLR(optimizer, { startFactor: 0 }),
    'a factor above 1': () => new ConstantLR(optimizer, { factor: 3 }),
    'no iterations': () => new PolynomialLR(optimizer, { totalIters: 0 }),
    'k for the options': () => new InverseSqrtLR(optimizer, { k: any('1') }),
    'PyTorch’s spelling': () => new LinearLR(optimizer, any({ start_factor: 0.5 })),
    'no such option': () => new OneCycleLR(optimizer, any({ maxLr: 1, total: 9 })),
    'a fraction of a cycle': () => new CosineAnnealingWarmRestarts(optimizer, { t0: 2.5 }),
    'an epoch below 0': () => new CosineAnnealingWarmRestarts(optimizer, { t0: 2 }).step(-1),
    'a tensor for a metric': () => plateau.step(any(tensor(1))),
    'a promise for a metric': () => plateau.step(any(Promise.resolve(1))),
    'a factor that raises': () => new ReduceLROnPlateau(optimizer, { factor: 2 }),
    'a plateau’s state without its best': () => plateau.loadStateDict(any({ mode: 'min' })),
    'milestones left out': () => new SequentialLR(optimizer, twoOf(), any(undefined)),
    'as many milestones as schedulers': () => new SequentialLR(optimizer, twoOf(), { milestones: [1, 2] }),
    'milestones that fall': () =>
      new SequentialLR(optimizer, [...twoOf(), new ExponentialLR(optimizer, { gamma: 1 })], { milestones: [5, 3] }),
    'a plateau in a sequence': () => new SequentialLR(optimizer, [any(plateau)], { milestones: [] }),
    'another optimizer’s scheduler': () => new ChainedScheduler([new LinearLR(optimizer), new LinearLR(sgd())]),
    'no schedulers': () => new ChainedScheduler([]),
    'a state dict of another sequence': () => sequence.loadStateDict({ ...sequence.stateDict(), _schedulers: [] }),
  };
  expect(messagesOf(cases)).toMatchInlineSnapshot(`
    "no optimizer
        TypeError: CyclicLR: expected an optimizer, got an array
    no rate
        FakkelError: OneCycleLR: maxLr must be a finite number, got undefined. Options come in an object: new OneCycleLR(optimizer, { maxLr: … }).
    rates for other groups
        FakkelError: CyclicLR: expected 2 values for baseLr, one a group, got 1
    no momentum to cycle
        FakkelError: CyclicLR: Adagrad has neither momentum nor betas to cycle. Pass cycleMomentum: false.
    no such mode
        FakkelError: CyclicLR: mode must be one of 'triangular', 'triangular2', 'exp_range', got sawtooth.
    no scale function
        FakkelError: CyclicLR: scaleFn must be a function, got number 0.5
    no length
        FakkelError: OneCycleLR: you must define either totalSteps, or epochs and stepsPerEpoch.
    half a length
        FakkelError: OneCycleLR: stepsPerEpoch must be a whole number of at least 1, got undefined. Options come in an object: new OneCycleLR(optimizer, { stepsPerEpoch: … }).
    a start beyond the end
        FakkelError: OneCycleLR: pctStart must be a number from 0 to 1, got 30.
    no such annealing
        FakkelError: SWALR: annealStrategy must be one of 'cos', 'linear', got cosine.
    a step too many
        FakkelError: OneCycleLR: tried to step 3 times; the specified number of total steps is 1. Give it the batches of the whole run: { epochs, stepsPerEpoch }.
    a start at 0
        FakkelError: LinearLR: startFactor must be above 0 and at most 1, got 0. It is a part of the optimizer's rate; for a start near 0 take a small one, such as 1e-3.
    a factor above 1
        FakkelError: ConstantLR: factor must be above 0 and at most 1, got 3. It is a part of the optimizer's rate; for a start near 0 take a small one, such as 1e-3.
    no iterations
        FakkelError: PolynomialLR: totalIters must be a whole number of at least 1, got 0.
    k for the options
        FakkelError: InverseSqrtLR: k must be a finite number, got 1.
    PyTorch’s spelling
        FakkelError: LinearLR: unknown option 'start_factor'. Write startFactor.
    no such option
        FakkelError: OneCycleLR: unknown option 'total'. There are: maxLr, totalSteps, epochs, stepsPerEpoch, pctStart, annealStrategy, cycleMomentum, baseMomentum, maxMomentum, divFactor, finalDivFactor, threePhase, lastEpoch.
    a fraction of a cycle
        FakkelError: CosineAnnealingWarmRestarts: t0 must be a whole number of at least 1, got 2.5.
    an epoch below 0
        FakkelError: CosineAnnealingWarmRestarts: expected an epoch of at least 0, got -1.
    a tensor for a metric
        TypeError: ReduceLROnPlateau: step() expects the metric as a number, got an object of class Tensor. Write step(await loss.item()).
    a promise for a metric
        TypeError: ReduceLROnPlateau: step() expects the metric as a number, got an object of class Promise. Write step(await loss.item()).
    a factor that raises
        FakkelError: ReduceLROnPlateau: factor must be below 1, got 2.
    a plateau’s state without its best
        StateDictError: ReduceLROnPlateau.loadStateDict: expected what stateDict() gives, got an object of class Object without factor, patience, threshold, threshold_mode, cooldown, min_lrs, eps, best, num_bad_epochs, cooldown_counter, last_epoch, _last_lr
    milestones left out
        FakkelError: SequentialLR: 2 schedulers need 1 milestones, the epochs at which the later ones begin, got undefined. Write { milestones: […] }.
    as many milestones as schedulers
        FakkelError: SequentialLR: 2 schedulers need 1 milestones, the epochs at which the later ones begin, got 2. Write { milestones: […] }.
    milestones that fall
        FakkelError: SequentialLR: milestones must rise, got [5, 3]
    a plateau in a sequence
        FakkelError: SequentialLR: the scheduler at index 0 can't be part of it: got an object of class ReduceLROnPlateau. ReduceLROnPlateau is stepped by itself, with a metric; a ChainedScheduler may have a SequentialLR in it, not the other way round.
    another optimizer’s scheduler
        FakkelError: ChainedScheduler: expected all schedulers to belong to the same optimizer; the one at index 1 belongs to another
    no schedulers
        FakkelError: ChainedScheduler: expected an array of schedulers, got an empty one
    a state dict of another sequence
        StateDictError: SequentialLR.loadStateDict: there are 2 schedulers, the state dict has 0"
  `);
});

test('NaN is no improvement, and does not become the best', () => {
  const optimizer = sgd();
  const scheduler = new ReduceLROnPlateau(optimizer, { patience: 1 });
  for (const metric of [0.5, NaN, NaN]) scheduler.step(metric);
  expect([scheduler.best, scheduler.getLastLr()]).toEqual([0.5, [0.1 * 0.1, 0.1 * 0.1]]);
});

test('restarts far away are found exactly', () => {
  // PyTorch takes the logarithm of 243 to the base 3 to be 4.99…, and is at the end of the cycle before.
  const scheduler = new CosineAnnealingWarmRestarts(sgd(), { t0: 1, tMult: 3 });
  scheduler.optimizer._steps = 1;
  scheduler.step(121);
  expect(scheduler.getLastLr()).toEqual([0.1, 0.1]);
  expect(scheduler.stateDict()).toMatchObject({ T_cur: 0, T_i: 243 });
});

test('Adam’s first beta is cycled as SGD’s momentum', async () => {
  const options = { baseLr: 0.01, maxLr: 0.1, stepSizeUp: 3 };
  const momentum = new SGD([new Parameter(zeros(1))], { lr: 1, momentum: 0.5 });
  const adam = new Adam([new Parameter(zeros(1))], { betas: [0.5, 0.97] });
  const schedulers = [new CyclicLR(momentum, options), new CyclicLR(adam, options)];
  for (let i = 0; i < 10; i++) {
    expect(adam.paramGroups[0].betas).toEqual([momentum.paramGroups[0].momentum, 0.97]);
    await Promise.all([momentum.step(), adam.step()]);
    for (const scheduler of schedulers) scheduler.step();
  }
});

describe('100 steps of a schedule per batch compile one program', () => {
  const schedules: Record<string, (optimizer: Optimizer) => { step(): void }> = {
    OneCycleLR: (o) => new OneCycleLR(o, { maxLr: 0.1, totalSteps: 100 }),
    CyclicLR: (o) => new CyclicLR(o, { baseLr: 0.001, maxLr: 0.1, stepSizeUp: 7, mode: 'exp_range', gamma: 0.99 }),
    CosineAnnealingWarmRestarts: (o) => new CosineAnnealingWarmRestarts(o, { t0: 5, tMult: 2 }),
    'warm-up and 1/√step': (o) =>
      new SequentialLR(o, [new LinearLR(o, { totalIters: 10 }), new InverseSqrtLR(o)], { milestones: [10] }),
  };
  test.each(Object.keys(schedules).flatMap((name) => [[name, 'SGD'] as const, [name, 'Adam'] as const]))(
    '%s, %s',
    async (name, kind) => {
      await freshDevice();
      manualSeed(0);
      const net = new nn.Linear(3, 2);
      const x = randn(4, 3);
      const optimizer =
        kind === 'SGD' ? new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 }) : new Adam(net.parameters());
      const scheduler = schedules[name](optimizer);
      const counts = await cost(async () => {
        for (let i = 0; i < 100; i++) {
          optimizer.zeroGrad();
          net(x).square().mean().backward();
          await optimizer.step();
          scheduler.step();
        }
      });
      expect(counts).toEqual({ compiles: 1, runs: 100 });
    },
  );
});
