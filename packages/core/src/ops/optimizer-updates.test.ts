import { expect, test } from 'vitest';
import { ones, tensor } from '../index.js';
import { rmspropUpdate, sgdUpdate } from './optimizer-updates.js';
import { adamUpdate } from './adam-updates.js';

const at = (value: number) => tensor([value], { dtype: 'float64' });

test('sgd: momentum, dampening and weight decay', async () => {
  const numbers = { lr: 0.5, momentum: 0.5, dampening: 0.25, weightDecay: 0.125 };
  const d = 3 + 0.125 * 8;
  const buffer = 0.5 * 2 + 0.75 * d;
  const [given, buffered] = [
    { parameter: at(8), gradient: at(3) },
    { momentumBuffer: at(2), buffered: true },
  ];
  const plain = sgdUpdate({ ...given, ...numbers });
  expect(plain.momentumBuffer).toBeUndefined();
  expect(await plain.parameter.item()).toBe(8 - 0.5 * d);
  const momentum = sgdUpdate({ ...given, ...numbers, ...buffered });
  expect(await momentum.momentumBuffer!.item()).toBe(buffer);
  expect(await momentum.parameter.item()).toBe(8 - 0.5 * buffer);
  const nesterov = sgdUpdate({ ...given, ...numbers, ...buffered, nesterov: true });
  expect(await nesterov.parameter.item()).toBe(8 - 0.5 * (d + 0.5 * buffer));
  const maximize = sgdUpdate({ ...given, gradient: at(-3), ...numbers, ...buffered, maximize: true });
  expect(await maximize.parameter.item()).toBe(8 - 0.5 * buffer);
});

const adam = {
  ...{ lr: 0.25, oneMinusBeta1: 0.5, oneMinusBeta2: 0.25, eps: 0, weightDecay: 0 },
  ...{ biasCorrection1: 0.5, biasCorrection2: 0.25 },
};

test('adam: the first step is the learning rate, whatever the gradient', async () => {
  for (const gradient of [1e-4, 1, 1e4]) {
    const next = adamUpdate({ parameter: at(8), gradient: at(gradient), expAvg: at(0), expAvgSq: at(0), ...adam });
    expect(await next.parameter.item()).toBeCloseTo(8 - 0.25, 12);
    expect(await next.expAvg.item()).toBe(gradient * 0.5);
    expect(await next.expAvgSq.item()).toBe(gradient ** 2 * 0.25);
    expect(next.maxExpAvgSq).toBeUndefined();
  }
});

test('averages in float32 weigh new values as PyTorch: 1 − β is rounded, not β', async () => {
  const [p, g, zero] = [1, 1, 0].map((value) => tensor([value]));
  const numbers = { ...adam, oneMinusBeta1: 1 - 0.9, oneMinusBeta2: 1 - 0.999 };
  const next = adamUpdate({ parameter: p, gradient: g, expAvg: zero, expAvgSq: zero, ...numbers });
  expect(await next.expAvgSq.item()).toBe(Math.fround(0.001));
  expect(1 - Math.fround(0.999)).not.toBeCloseTo(0.001, 8);
});

test('state that a flag asks for', async () => {
  const given = { parameter: at(8), gradient: at(3), squareAvg: at(1) };
  const numbers = { lr: 0.5, oneMinusAlpha: 0.5, eps: 0, weightDecay: 0, momentum: 0.5 };
  const next = rmspropUpdate({ ...given, momentumBuffer: at(2), ...numbers, buffered: true });
  expect(await next.momentumBuffer!.item()).toBe(1 + 3 / Math.sqrt(5));
  expect(next.gradAvg).toBeUndefined();
  expect(() => rmspropUpdate({ ...given, ...numbers, centered: true })).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: rmspropUpdate: 'gradAvg' is missing]`,
  );
});

test('state of another shape is an error', () => {
  const numbers = { lr: 1, momentum: 0, dampening: 0, weightDecay: 0 };
  const wrong = { parameter: ones([3]), gradient: ones([2]), ...numbers };
  expect(() => sgdUpdate(wrong)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: sgdUpdate: expected gradient and state like the parameter, float32[3], got float32[2]]`,
  );
  const optional = { parameter: ones([3]), gradient: ones([3]), expAvg: ones([3]), expAvgSq: ones([3]), ...adam };
  expect(() =>
    adamUpdate({ ...optional, maxExpAvgSq: ones([3], { dtype: 'float64' }), amsgrad: true }),
  ).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: adamUpdate: expected gradient and state like the parameter, float32[3], got float64[3]]`,
  );
});
