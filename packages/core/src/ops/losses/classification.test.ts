import { describe, expect, test } from 'vitest';
import { grad, ones, tensor, zeros } from '../../index.js';
import { crossEntropy, l1Loss, mseLoss, nllLoss } from './index.js';

const labels = (data: number[]) => tensor(Int32Array.from(data));

describe('values', () => {
  test('the mean divides by the weights of the labels that count', async () => {
    const x = tensor([
      [-1, -2],
      [-3, -4],
      [-5, -6],
    ]);
    const options = { weight: tensor([1, 3]), ignoreIndex: 7 };
    expect(await nllLoss(x, labels([0, 1, 7]), options).item()).toBeCloseTo((1 + 12) / 4, 6);
    expect(await nllLoss(x, labels([0, 1, 7]), { ...options, reduction: 'none' }).toArray()).toEqual([1, 12, 0]);
  });

  test('ignored positions have no gradient', async () => {
    const x = zeros([2, 2]).detach().requiresGrad_();
    const [dx] = grad(crossEntropy(x, labels([0, -100])), [x]);
    expect(await dx!.toArray()).toEqual([
      [-0.5, 0.5],
      [0, 0],
    ]);
  });

  test('nothing that counts gives NaN, as in PyTorch', async () => {
    expect(await crossEntropy(zeros([1, 2]), labels([-100])).item()).toBeNaN();
    expect(await crossEntropy(zeros([0, 2]), labels([])).item()).toBeNaN();
  });

  test('a class of probability 0 that is not the label costs nothing', async () => {
    expect(await crossEntropy(tensor([[0, -Infinity]]), labels([0])).item()).toBe(0);
  });

  test('class indices and their one-hot probabilities give the same loss', async () => {
    const x = tensor([
      [1, 2, 3],
      [3, 0, 1],
    ]);
    const oneHot = tensor([
      [0, 0, 1],
      [1, 0, 0],
    ]);
    for (const labelSmoothing of [0, 0.2]) {
      const byIndex = await crossEntropy(x, labels([2, 0]), { labelSmoothing }).item();
      expect(await crossEntropy(x, oneHot, { labelSmoothing }).item()).toBeCloseTo(byIndex, 6);
    }
  });
});

describe('errors', () => {
  const x = ones([8, 10]);
  test('labels out of range, when they are on the host', () => {
    expect(() => crossEntropy(x, labels([1, 2, 3, 10, 4, 5, 6, 7]))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: crossEntropy: label 10 at position 3 is out of range for 10 classes (0 to 9). Labels count from 0; positions without a class get the ignoreIndex, -100.]`,
    );
    expect(() => nllLoss(x, labels([1, 2, 3, -1, 4, 5, 6, 7]))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: nllLoss: label -1 at position 3 is out of range for 10 classes (0 to 9). Labels count from 0; positions without a class get the ignoreIndex, -100.]`,
    );
    expect(() => crossEntropy(ones([1, 3, 2, 2]), labels([0, 1, 2, 3]).reshape([1, 2, 2]).keep())).not.toThrow();
    const map = tensor(
      [
        [
          [0, 1],
          [2, 3],
        ],
      ],
      { dtype: 'int32' },
    );
    expect(() => crossEntropy(ones([1, 3, 2, 2]), map)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: crossEntropy: label 3 at position [0, 1, 1] is out of range for 3 classes (0 to 2). Labels count from 0; positions without a class get the ignoreIndex, -100.]`,
    );
  });
  test('labels out of range, when they are computed: the run fails, nothing is read out of bounds', async () => {
    const computed = labels([0, 1, 2, 3, 4, 5, 6, 9]).add(1);
    await expect(crossEntropy(x, computed).item()).rejects.toThrow(/label 10|index 10|out of range/);
    await expect(nllLoss(x, computed).item()).rejects.toThrow(/label 10|index 10|out of range/);
  });
  test('float labels', () => {
    expect(() => crossEntropy(x, ones([8]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: crossEntropy: expected class indices, int32 of shape [N] or [N, …], got float32[8] for float32[8,10]. Make labels with tensor([…], { dtype: 'int32' }), or convert them with target.to('int32').]`,
    );
  });
  test('shapes', () => {
    expect(() => crossEntropy(x, labels([0, 1, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: crossEntropy: expected a target int32[8] for float32[8,10], got int32[3]. Scores are [N, C, …] with classes in axis 1, labels [N, …].]`,
    );
    expect(() => crossEntropy(x, ones([8, 1], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: crossEntropy: expected a target int32[8] for float32[8,10], got int32[8,1]. Use target.reshape([8]).]`,
    );
    expect(() => crossEntropy(x, ones([8, 10], { dtype: 'int32' }))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: crossEntropy: expected a target int32[8] for float32[8,10], got int32[8,10]. For one-hot targets: target.argmax(1), or class probabilities with target.to('float32').]`,
    );
    expect(() =>
      crossEntropy(x, labels([0, 1, 2, 3, 4, 5, 6, 7]), { weight: ones([9]) }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: crossEntropy: expected a weight for each class, float32[10], got float32[9] for float32[8,10]]`,
    );
    expect(() => mseLoss(ones([8, 1]), ones([8]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: mseLoss: expected input and target of one shape, got float32[8,1] and float32[8]. Use target.reshape([8, 1]): broadcast, they might be pairs that nobody meant.]`,
    );
    expect(() => l1Loss(ones([8, 2]), ones([]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: l1Loss: expected input and target of one shape, got float32[8,2] and float32[]: they would broadcast to pairs that nobody meant. If it is meant to be repeated: target.expand([8, 2]).]`,
    );
  });
  test('options', () => {
    expect(() => crossEntropy(x, x, { labelSmoothing: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: crossEntropy: labelSmoothing lies between 0 and 1, got 2]`,
    );
    expect(() => crossEntropy(x, x, { reduction: 'avg' as any })).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: crossEntropy: reduction is 'mean', 'sum' or 'none', got 'avg']`,
    );
    expect(() => crossEntropy(x, x, { ignoreIndex: 3 })).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: crossEntropy: ignoreIndex is for class indices; set the probabilities of a position to 0 instead]`,
    );
    const weight = ones([10]).requiresGrad_();
    expect(() => nllLoss(x, labels([0, 1, 2, 3, 4, 5, 6, 7]), { weight })).toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: nllLoss: the class weights have no gradient, as in PyTorch. Pass weight.detach().]`,
    );
  });
});
