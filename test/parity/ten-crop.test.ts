/** From images of bytes to averaged scores of ten crops: transforms, loader, network and average are PyTorch's. */
import { readFileSync } from 'node:fs';
import { manualSeed, noGrad, stack, type Tensor } from '@fakkel/core';
import { DataLoader, HostArray, transforms, type Dataset } from '@fakkel/data';
import { cifarResnet20, MultiCrop } from '@fakkel/models';
import { describe, expect, test } from 'vitest';

interface Golden {
  batch: number[];
  logits: number[][];
  softmax: number[][];
}
const golden = JSON.parse(
  readFileSync(new URL('../../packages/models/test/goldens/resnet/ten-crop.json', import.meta.url), 'utf8'),
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
    // A list of crops and one tensor of them are the same.
    const actual = await noGrad(() => classify(average === 'softmax' ? crops : batch)).data();
    for (const [i, value] of expected.entries()) expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(1e-4);
  });

  test('the two averages differ', () => {
    expect(golden.softmax).not.toEqual(golden.logits);
  });
});
