import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { manualSeed, nn, noGrad, randn, stack, type Tensor } from '@fakkel/core';
import { DataLoader, HostArray, transforms, type Dataset } from '@fakkel/data';
import { cifarResnet20, googlenet, MultiCrop } from './index.js';

interface Golden {
  batch: number[];
  logits: number[][];
  softmax: number[][];
}
const golden = JSON.parse(
  readFileSync(new URL('../test/goldens/resnet/ten-crop.json', import.meta.url), 'utf8'),
) as Golden;

/** As in tools/goldens/zoo_resnet.py: images of bytes, larger than a crop. */
function image(i: number): HostArray {
  const data = new Uint8Array(3 * 40 * 44);
  for (let c = 0, at = 0; c < 3; c++) {
    for (let y = 0; y < 40; y++) {
      for (let x = 0; x < 44; x++) data[at++] = 37 * c + 11 * y + 7 * x + 5 * ((x * y) % (13 + i)) + 50 * i;
    }
  }
  return new HostArray(data, [3, 40, 44], 'uint8');
}

const normalize = new transforms.Compose<HostArray, HostArray>([
  new transforms.ToTensor(),
  new transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
]);
const toCrops = new transforms.Compose<HostArray, HostArray[]>([
  new transforms.TenCrop(32),
  new transforms.Lambda((crops: HostArray[]) => crops.map((crop) => normalize(crop))),
]);

const dataset: Dataset<HostArray[]> = { length: 2, get: (i) => toCrops(image(i)) };
const batches = async (): Promise<readonly Tensor[]> => {
  for await (const crops of new DataLoader(dataset, { batchSize: 2 })) return crops;
  throw new Error('no batch');
};

describe("TenCrop, loader, network and average are PyTorch's recipe", () => {
  test.each(['softmax', 'logits'] as const)('%s', async (average) => {
    const crops = await batches();
    expect(crops.map(({ shape }) => shape)).toEqual(Array(10).fill([2, 3, 32, 32]));
    const batch = stack(crops, 1);
    expect(await batch.sum().item()).toBeCloseTo(golden.batch[4], 0);
    manualSeed(0);
    const classify = new MultiCrop(cifarResnet20(), { average }).eval();
    const expected = golden[average].flat();
    for (const input of [crops, batch]) {
      const actual = await noGrad(() => classify(input)).data();
      for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(1e-4);
    }
  });

  test('the two averages differ', () => {
    expect(golden.softmax).not.toEqual(golden.logits);
  });
});

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
