import { expect, test } from 'vitest';
import { nn, randn } from '@fakkel/core';
import { cifarResnet20, googlenet, MultiCrop } from './index.js';

test('probabilities by default', async () => {
  const classify = new MultiCrop(cifarResnet20()).eval();
  const sums = await classify(randn([2, 5, 3, 8, 8]))
    .sum(1)
    .toArray();
  for (const sum of sums as number[]) expect(sum).toBeCloseTo(1, 5);
  expect(String(classify)).toMatch(/^MultiCrop\(\n {2}average=softmax\n {2}\(model\): CifarResNet\(/);
});

test('misuse', () => {
  const classify = new MultiCrop(cifarResnet20()).eval();
  expect(() => classify(randn([2, 3, 32, 32]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: MultiCrop: expected [N, crops, C, H, W] or a list of [N, C, H, W], got float32[2,3,32,32]. One image needs x.unsqueeze(0); whole images go to the model itself.]`,
  );
  expect(() => new MultiCrop(new nn.Flatten(0))(randn([1, 2, 3, 4, 4]))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: MultiCrop: expected logits [N, classes] of the model, got float32[96]. Networks with auxiliary classifiers give more in training mode: call eval().]`,
  );
  const training = new MultiCrop(nn.utils.skipInit(() => googlenet({ initWeights: false })));
  expect(() => training(randn([1, 2, 3, 32, 32]))).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: MultiCrop: expected logits [N, classes] of the model, got something else than a tensor. Networks with auxiliary classifiers give more in training mode: call eval().]`,
  );
  expect(() => new MultiCrop(classify, { average: 'mean' as 'logits' })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: MultiCrop: average is 'softmax' or 'logits', got 'mean']`,
  );
  expect(() => new MultiCrop((() => 0) as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: MultiCrop: expected a module, new MultiCrop(net)]`,
  );
});
