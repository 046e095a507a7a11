/** What people who come from Python write first: each is an error that says what to write. */
import { expect, test } from 'vitest';
import { enableGrad, nn, noGrad, ones, tensor } from '../index.js';

const F = nn.functional;
const any = (value: unknown): any => value;
const messageOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    return String(error);
  }
  return 'no error';
};

test('axes come by position', () => {
  const x = ones(2, 3);
  expect(
    [
      () => x.mean(any({ dim: 1 })),
      () => x.sum(any({ dim: 1, keepdim: true })),
      () => x.argmax(any({ dim: 1 })),
      () => x.amax(0, any(1)),
      () => x.mean(0, any({ keepdim: true })),
      () => x.mean(any('1')),
      () => F.softmax(x, any(undefined)),
      () => x.logSoftmax(any({ dim: 1 })),
      () => x.softmax(any([1])),
    ].map(messageOf),
  ).toMatchInlineSnapshot(`
    [
      "TypeError: mean: expected an axis (a whole number), got an object. Arguments come by position here, not by name: where Python has dim=1, write 1.",
      "TypeError: sum: expected an axis (a whole number), got an object. Arguments come by position here, not by name: where Python has dim=1, write 1.",
      "TypeError: argmax: expected an axis (a whole number), got an object. Arguments come by position here, not by name: where Python has dim=1, write 1.",
      "TypeError: amax: expected keepdim, true or false, got number 1. Several axes go in an array: [0, 1].",
      "TypeError: mean: expected keepdim, true or false, got an object of class Object. Write true or false.",
      "TypeError: mean: expected an axis (a whole number), got string 1.",
      "TypeError: softmax: expected an axis (a whole number), got undefined. Say which; -1 is the last one.",
      "TypeError: logSoftmax: expected an axis (a whole number), got an object. Arguments come by position here, not by name: where Python has dim=1, write 1.",
      "TypeError: softmax: expected an axis (a whole number), got an array.",
    ]
  `);
});

test('probabilities and bounds come by position', () => {
  const x = ones(2, 3);
  expect(
    [() => F.dropout(x, any({ p: 0.5 })), () => x.clamp(any({ max: 1 })), () => x.clamp(any({ min: 0, max: 1 }))].map(
      messageOf,
    ),
  ).toMatchInlineSnapshot(`
    [
      "TypeError: dropout: expected the probability p, got an object of class Object. Write dropout(x, 0.5, training).",
      "TypeError: clamp: bounds come by position, got an object of class Object. Write x.clamp(0, 1); with one bound x.clamp(0) or x.clamp(null, 1).",
      "TypeError: clamp: bounds come by position, got an object of class Object. Write x.clamp(0, 1); with one bound x.clamp(0) or x.clamp(null, 1).",
    ]
  `);
});

test('noGrad takes a function', () => {
  expect([() => noGrad(any(undefined)), () => noGrad(any(ones(1))), () => enableGrad(any(null))].map(messageOf))
    .toMatchInlineSnapshot(`
    [
      "TypeError: noGrad: expected a function, got nothing. Write noGrad(() => net(x)).",
      "TypeError: noGrad: expected a function, got an object. Write noGrad(() => net(x)).",
      "TypeError: enableGrad: expected a function, got null. Write enableGrad(() => net(x)).",
    ]
  `);
});

test('labels are int32; a device is opened first', () => {
  expect(
    [
      () => F.crossEntropy(ones(2, 3), tensor([0, 1])),
      () => ones(1).to(any('cuda')),
      () => ones(1).to(any('float16')),
    ].map(messageOf),
  ).toMatchInlineSnapshot(`
    [
      "DTypeError: crossEntropy: expected class indices, int32 of shape [N] or [N, …], got float32[2] for float32[2,3]. Make labels with tensor([…], { dtype: 'int32' }), or convert them with target.to('int32').",
      "DTypeError: to: unknown dtype 'cuda'. Known: float32, float64, int32, bool. A device is opened first: const d = await device('cuda'), then x.to(d).",
      "DTypeError: to: unknown dtype 'float16'. Known: float32, float64, int32, bool",
    ]
  `);
});
