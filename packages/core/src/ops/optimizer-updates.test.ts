import { describe, expect, test } from 'vitest';
import { ones, tensor } from '../index.js';
import { adamUpdate, sgdUpdate } from './optimizer-updates.js';

const at = (value: number) => tensor([value], { dtype: 'float64' });

test('sgd: momentum, dampening and weight decay', async () => {
  const numbers = { lr: 0.5, momentum: 0.5, dampening: 0.25, weightDecay: 0.125 };
  const d = 3 + 0.125 * 8;
  const buffer = 0.5 * 2 + 0.75 * d;
  const plain = sgdUpdate({ parameter: at(8), gradient: at(3), momentumBuffer: at(2), ...numbers });
  expect(await plain.momentumBuffer.item()).toBe(buffer);
  expect(await plain.parameter.item()).toBe(8 - 0.5 * buffer);
  const nesterov = sgdUpdate({ parameter: at(8), gradient: at(3), momentumBuffer: at(2), ...numbers, nesterov: true });
  expect(await nesterov.parameter.item()).toBe(8 - 0.5 * (d + 0.5 * buffer));
  const maximize = sgdUpdate({ parameter: at(8), gradient: at(-3), momentumBuffer: at(2), ...numbers, maximize: true });
  expect(await maximize.parameter.item()).toBe(8 - 0.5 * buffer);
});

test('adam: the first step is the learning rate, whatever the gradient', async () => {
  const numbers = {
    lr: 0.25,
    beta1: 0.5,
    beta2: 0.75,
    eps: 0,
    weightDecay: 0,
    biasCorrection1: 0.5,
    biasCorrection2: 0.25,
  };
  for (const gradient of [1e-4, 1, 1e4]) {
    const next = adamUpdate({ parameter: at(8), gradient: at(gradient), expAvg: at(0), expAvgSq: at(0), ...numbers });
    expect(await next.parameter.item()).toBeCloseTo(8 - 0.25, 12);
    expect(await next.expAvg.item()).toBe(gradient * 0.5);
    expect(await next.expAvgSq.item()).toBe(gradient ** 2 * 0.25);
  }
});

describe('errors', () => {
  test('state of another shape', () => {
    const numbers = { lr: 1, momentum: 0, dampening: 0, weightDecay: 0 };
    const wrong = { parameter: ones([3]), gradient: ones([2]), momentumBuffer: ones([3]), ...numbers };
    expect(() => sgdUpdate(wrong)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: sgdUpdate: expected gradient and state like the parameter, float32[3], got float32[2]]`,
    );
  });
});
