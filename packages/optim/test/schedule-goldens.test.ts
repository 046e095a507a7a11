/** Rates and momenta of schedules over 30 epochs or steps, number by number, as PyTorch sets them. */
import { Parameter, zeros } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import * as optim from '../src/index.js';
import { Adam, type Optimizer, type SchedulerOptions, SequentialLR, SGD } from '../src/index.js';
import { difference, golden } from './helpers.js';

interface Run {
  rates: number[][];
  momenta?: number[][];
  state: Record<string, unknown>;
}
type Kind = 'plain' | 'changed' | 'resumed';
type Case = { name: string } & Partial<Record<Kind, Run>>;
type AnyScheduler = optim.LRScheduler | optim.SequentialLR | optim.ChainedScheduler;
type Make = (optimizer: Optimizer, options: SchedulerOptions) => AnyScheduler;
type Step = (scheduler: AnyScheduler, epoch: number) => void;

const base = [0.2, 0.06];
/** PyTorch 1.13 begins again with another momentum in a cycle that is begun in the middle: its goldens have none there. */
const fromStart = ({ lastEpoch = -1 }: SchedulerOptions): { cycleMomentum: boolean } => ({
  cycleMomentum: lastEpoch < 0,
});

const oneCycle: Record<string, Make> = {
  cos: (o, s) => new optim.OneCycleLR(o, { maxLr: [0.4, 0.2], totalSteps: 40, ...s }),
  linear: (o, s) =>
    new optim.OneCycleLR(o, { maxLr: 0.3, epochs: 4, stepsPerEpoch: 9, annealStrategy: 'linear', pctStart: 0.4, ...s }),
  'three phases': (o, s) =>
    new optim.OneCycleLR(o, { maxLr: 0.3, totalSteps: 36, threePhase: true, divFactor: 10, finalDivFactor: 100, ...s }),
  'three phases, linear': (o, s) =>
    new optim.OneCycleLR(o, {
      maxLr: 0.3,
      totalSteps: 37,
      threePhase: true,
      annealStrategy: 'linear',
      baseMomentum: [0.7, 0.8],
      maxMomentum: 0.9,
      ...s,
    }),
  'without momentum': (o, s) => new optim.OneCycleLR(o, { maxLr: 0.3, totalSteps: 36, cycleMomentum: false, ...s }),
};

const makes: Record<string, Record<string, Make>> = {
  factors: {
    PolynomialLR: (o, s) => new optim.PolynomialLR(o, { totalIters: 20, power: 0.9, ...s }),
    'PolynomialLR defaults': (o, s) => new optim.PolynomialLR(o, s),
    LinearLR: (o, s) => new optim.LinearLR(o, { startFactor: 0.1, totalIters: 10, ...s }),
    'LinearLR defaults': (o, s) => new optim.LinearLR(o, s),
    'LinearLR down': (o, s) => new optim.LinearLR(o, { startFactor: 1, endFactor: 0, totalIters: 20, ...s }),
    ConstantLR: (o, s) => new optim.ConstantLR(o, { factor: 0.25, totalIters: 13, ...s }),
    'ConstantLR defaults': (o, s) => new optim.ConstantLR(o, s),
    MultiplicativeLR: (o, s) => new optim.MultiplicativeLR(o, { lrLambda: [() => 0.9, (t) => 1 - 1 / (t + 2)], ...s }),
    SWALR: (o, s) => new optim.SWALR(o, { swaLr: 0.05, ...s }),
    'SWALR linear': (o, s) =>
      new optim.SWALR(o, { swaLr: [0.01, 0.5], annealEpochs: 17, annealStrategy: 'linear', ...s }),
    'SWALR at once': (o, s) => new optim.SWALR(o, { swaLr: 0.05, annealEpochs: 0, ...s }),
  },
  'warm-restarts': {
    'every 8': (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 8, ...s }),
    doubling: (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 4, tMult: 2, etaMin: 0.001, ...s }),
    tripling: (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 2, tMult: 3, ...s }),
  },
  'warm-restarts-fractions': {
    'every 3': (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 3, ...s }),
    doubling: (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 1, tMult: 2, etaMin: 0.001, ...s }),
  },
  'warm-restarts-mixed': {
    'every 4': (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 4, ...s }),
    doubling: (o, s) => new optim.CosineAnnealingWarmRestarts(o, { t0: 2, tMult: 2, ...s }),
  },
  cyclic: {
    triangular: (o, s) =>
      new optim.CyclicLR(o, { baseLr: base, maxLr: [0.5, 0.3], stepSizeUp: 4, ...fromStart(s), ...s }),
    triangular2: (o, s) =>
      new optim.CyclicLR(o, {
        baseLr: base,
        maxLr: 1,
        stepSizeUp: 3,
        stepSizeDown: 5,
        mode: 'triangular2',
        baseMomentum: [0.7, 0.85],
        maxMomentum: 0.95,
        ...fromStart(s),
        ...s,
      }),
    exp_range: (o, s) =>
      new optim.CyclicLR(o, {
        baseLr: base,
        maxLr: 1,
        stepSizeUp: 6,
        mode: 'exp_range',
        gamma: 0.9,
        ...fromStart(s),
        ...s,
      }),
    'without momentum': (o, s) =>
      new optim.CyclicLR(o, { baseLr: base, maxLr: 1, stepSizeUp: 6, cycleMomentum: false, ...s }),
    scaleFn: (o, s) =>
      new optim.CyclicLR(o, {
        baseLr: base,
        maxLr: 1,
        stepSizeUp: 5,
        scaleFn: (x) => 1 / (1 + x),
        ...fromStart(s),
        ...s,
      }),
    'scaleFn by iteration': (o, s) =>
      new optim.CyclicLR(o, {
        baseLr: base,
        maxLr: 1,
        stepSizeUp: 5,
        scaleFn: (x) => Math.exp(-x / 9),
        scaleMode: 'iterations',
        ...fromStart(s),
        ...s,
      }),
  },
  'one-cycle': oneCycle,
  'one-cycle-adam': oneCycle,
  composed: {
    'warm-up, cosine': (o) =>
      new SequentialLR(
        o,
        [new optim.LinearLR(o, { startFactor: 0.1, totalIters: 5 }), new optim.CosineAnnealingLR(o, { tMax: 25 })],
        { milestones: [5] },
      ),
    'three in sequence': (o) =>
      new SequentialLR(
        o,
        [
          new optim.ConstantLR(o, { factor: 0.1, totalIters: 2 }),
          new optim.ExponentialLR(o, { gamma: 0.9 }),
          new optim.StepLR(o, { stepSize: 4, gamma: 0.5 }),
        ],
        { milestones: [3, 15] },
      ),
    'sequence of others': (o) =>
      new SequentialLR(
        o,
        [
          new optim.LambdaLR(o, { lrLambda: (t) => 0.8 ** t }),
          new optim.CosineAnnealingWarmRestarts(o, { t0: 5 }),
          new optim.PolynomialLR(o, { totalIters: 6 }),
          new optim.MultiplicativeLR(o, { lrLambda: () => 0.9 }),
        ],
        { milestones: [4, 14, 20] },
      ),
    'cyclic second': (o) =>
      new SequentialLR(
        o,
        [
          new optim.LinearLR(o, { startFactor: 0.1, totalIters: 5 }),
          new optim.CyclicLR(o, { baseLr: 0.01, maxLr: 0.2, stepSizeUp: 4 }),
        ],
        { milestones: [6] },
      ),
    chained: (o) =>
      new optim.ChainedScheduler([
        new optim.ConstantLR(o, { factor: 0.1, totalIters: 2 }),
        new optim.ExponentialLR(o, { gamma: 0.9 }),
      ]),
    'chain of a sequence': (o) =>
      new optim.ChainedScheduler([
        new SequentialLR(
          o,
          [new optim.LinearLR(o, { startFactor: 0.1, totalIters: 5 }), new optim.ExponentialLR(o, { gamma: 0.95 })],
          { milestones: [5] },
        ),
        new optim.StepLR(o, { stepSize: 10, gamma: 0.5 }),
      ]),
  },
};

const mixed: Readonly<Record<number, number>> = { 5: 2.5, 12: 20, 20: 3 };
const steps: Record<string, Step> = {
  'warm-restarts-fractions': (s, epoch) => (s as optim.CosineAnnealingWarmRestarts).step((epoch + 1) * 0.37),
  'warm-restarts-mixed': (s, epoch) => (s as optim.CosineAnnealingWarmRestarts).step(mixed[epoch]),
};

/** As the script's: what a resumed optimizer has is what its state dict would have brought. */
function optimizerOf(adam: boolean, resumed = false): Optimizer {
  const groups = [0.1, 0.03].map((lr) => ({
    params: new Parameter(zeros(1)),
    lr,
    ...(resumed ? { initialLr: 2 * lr, maxLr: 4 * lr, minLr: lr / 10, maxMomentum: 0.95, baseMomentum: 0.85 } : {}),
  }));
  return adam ? new Adam(groups, { lr: 1 }) : new SGD(groups, { lr: 1, momentum: 0.9 });
}

const momentaOf = ({ paramGroups }: Optimizer): number[] =>
  (paramGroups as { momentum?: number; betas?: number[] }[]).map((group) => group.betas?.[0] ?? group.momentum!);

/** The next epoch: the rates and momenta that it is trained with. */
async function next(optimizer: Optimizer, scheduler: AnyScheduler, epoch: number, step: Step, change = false) {
  const seen = [...optimizer.paramGroups.map(({ lr }) => lr), ...momentaOf(optimizer)];
  await optimizer.step();
  if (change) for (const group of optimizer.paramGroups) group.lr /= 2;
  step(scheduler, epoch);
  return seen;
}

/** Entries by PyTorch's names, as far as it has them; numbers may differ by a rounding. */
function expectState(got: unknown, expected: unknown, at = 'state'): void {
  if (typeof expected === 'number') {
    expect(Math.abs((got as number) - expected), at).toBeLessThanOrEqual(1e-15 * Math.max(1, Math.abs(expected)));
  } else if (typeof expected === 'object' && expected !== null) {
    expect(got, at).toBeTypeOf('object');
    const known = (got ?? {}) as Record<string, unknown>;
    // PyTorch's warm restarts don't count their steps.
    const counts = !('T_cur' in expected);
    for (const [key, value] of Object.entries(expected))
      if (key !== '_step_count' || counts) expectState(known[key], value, `${at}.${key}`);
  } else {
    expect(got, at).toBe(expected);
  }
}

describe.each(Object.keys(makes))('%s', (file) => {
  const step: Step = steps[file] ?? ((scheduler) => scheduler.step());
  const adam = file.endsWith('adam');

  describe.each(golden<Case[]>(`schedules/${file}`).map((c) => [c.name, c] as const))('%s', (name, expected) => {
    const make = makes[file][name];
    const kinds = (['plain', 'changed', 'resumed'] as const).filter((kind) => expected[kind]);

    test.each(kinds)('%s', async (kind) => {
      const { rates, momenta, state } = expected[kind]!;
      const optimizer = optimizerOf(adam, kind === 'resumed');
      const before = momentaOf(optimizer);
      const scheduler = make(optimizer, kind === 'resumed' ? { lastEpoch: 5 } : {});
      const seen: number[][] = [];
      for (let i = 0; i < 30; i++) seen.push(await next(optimizer, scheduler, i, step, kind === 'changed' && i === 11));
      const all = rates.map((rate, i) => [...rate, ...(momenta?.[i] ?? before)]);
      expect(difference(seen.flat(), all.flat())).toBeLessThan(1e-15);
      expectState(scheduler.stateDict(), state);
      expect(scheduler.getLastLr()).toEqual(optimizer.paramGroups.map(({ lr }) => lr));
    });

    test('resumed from state dicts in the middle equals no interruption', async () => {
      const whole = optimizerOf(adam);
      const scheduler = make(whole, {});
      const seen: number[][] = [];
      for (let i = 0; i < 30; i++) seen.push(await next(whole, scheduler, i, step));

      const first = optimizerOf(adam);
      const before = make(first, {});
      for (let i = 0; i < 13; i++) await next(first, before, i, step);
      const saved = JSON.stringify({ optimizer: first.stateDict(), scheduler: before.stateDict() });

      const read = JSON.parse(saved) as { optimizer: any; scheduler: any };
      const second = optimizerOf(adam);
      const after = make(second, {});
      second.loadStateDict(read.optimizer);
      after.loadStateDict(read.scheduler as never);
      expect(JSON.parse(JSON.stringify(after.stateDict()))).toEqual(read.scheduler);
      for (let i = 13; i < 30; i++) expect(await next(second, after, i, step)).toEqual(seen[i]);
    });
  });
});

describe('ReduceLROnPlateau', () => {
  const { loss, runs } = golden<{ loss: number[]; runs: (Run & { name: string })[] }>('schedules/plateau');
  const options: Record<string, optim.ReduceLROnPlateauOptions> = {
    defaults: {},
    'patience 2': { patience: 2, factor: 0.5 },
    abs: { patience: 1, threshold: 0.05, thresholdMode: 'abs' },
    max: { mode: 'max', patience: 2, factor: 0.3 },
    'max abs': { mode: 'max', patience: 0, thresholdMode: 'abs', threshold: 0.01, factor: 0.9 },
    cooldown: { patience: 1, cooldown: 4, factor: 0.5 },
    min_lr: { patience: 0, factor: 0.5, minLr: [0.01, 0.02] },
    eps: { patience: 0, factor: 0.5, eps: 1e-3 },
    'threshold 0': { patience: 3, threshold: 0, factor: 0.5 },
  };

  describe.each(runs.map((run) => [run.name, run] as const))('%s', (name, { rates, state }) => {
    const metrics = options[name].mode === 'max' ? loss.map((m) => 1 - m) : loss;

    test('60 epochs', () => {
      const optimizer = optimizerOf(false);
      const scheduler = new optim.ReduceLROnPlateau(optimizer, options[name]);
      const seen = metrics.map((metric) => (scheduler.step(metric), scheduler.getLastLr()));
      expect(difference(seen.flat(), rates.flat())).toBeLessThan(1e-15);
      expectState(scheduler.stateDict(), state);
    });

    test.each([0, 25])('resumed from the state dict after %i epochs', (at) => {
      const first = optimizerOf(false);
      const before = new optim.ReduceLROnPlateau(first, options[name]);
      metrics.slice(0, at).forEach((metric) => before.step(metric));
      const read = JSON.parse(JSON.stringify([first.stateDict(), before.stateDict()])) as [any, any];
      const second = optimizerOf(false);
      const after = new optim.ReduceLROnPlateau(second);
      second.loadStateDict(read[0]);
      after.loadStateDict(read[1]);
      const seen = metrics.slice(at).map((metric) => (after.step(metric), after.getLastLr()));
      expect(difference(seen.flat(), rates.slice(at).flat())).toBeLessThan(1e-15);
    });
  });
});
