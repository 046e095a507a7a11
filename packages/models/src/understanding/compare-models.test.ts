import { nn, referenceDevice, type Tensor } from '@fakkel/core';
import { describe, expect, test, vi } from 'vitest';
import { compareModels, comparisonOf } from './compare-models.js';
import { median } from './measure.js';

class Tiny extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3);
  drop = new nn.Dropout();
  bn = new nn.BatchNorm1d(2);
  fc = new nn.Linear(2, 3);
  override forward(x: Tensor): { main: Tensor } {
    return { main: this.fc(this.bn(this.drop(this.conv(x)).mean([2, 3]))) };
  }
}

test('published numbers without measuring', async () => {
  const comparison = await compareModels(['alexnet', 'vgg16', 'googlenet', 'resnet18'], { measure: false });
  expect(comparison.toString()).toMatchInlineSnapshot(`
    "Model       Parameters  G-MACs  Activations, inference  training  Top-1 %  Top-5 %
    ----------------------------------------------------------------------------------
    alexnet     61,100,840  0.7142                1.48 MiB  2.57 MiB    56.52    79.07
    vgg16      138,357,544   15.47                24.5 MiB  63.4 MiB    71.59    90.38
    googlenet    6,624,904   1.498                6.13 MiB  38.3 MiB    69.78    89.53
    resnet18    11,689,512   1.814                6.13 MiB  19.8 MiB    69.76    89.08"
  `);
  expect(comparison.measured).toBe(null);
  // Without what only training calls.
  expect(comparison.rows[2].parameters).toBe(6_624_904);
  expect(comparison.toMarkdown().split('\n')[1]).toMatch(/^\| --- \| ---: \|/);
  const v2 = await compareModels(['resnet50'], { measure: false, weights: 'IMAGENET1K_V2' });
  expect(v2.rows[0].acc1).toBe(80.858);
});

test("measures inference and training an image, of networks of one's own too, and leaves them as they were", async () => {
  const own = new Tiny();
  const before = await own.conv.weight.data();
  const comparison = await compareModels(
    [
      { name: 'tiny', model: own, input: [4, 1, 8, 8], acc1: 50 },
      { name: 'lenet5', input: [2, 1, 32, 32] },
    ],
    { device: referenceDevice(), warmup: 1, rounds: 2 },
  );
  for (const row of comparison.rows) {
    expect(row.inferenceMs).toBeGreaterThan(0);
    expect(row.trainingMs).toBeGreaterThan(0);
  }
  expect(comparison.measured).toEqual({ device: referenceDevice().name, warmup: 1, rounds: 2 });
  expect([own.training, await own.conv.weight.data()]).toEqual([true, before]);
  // A table with times, and none for the accuracy that lenet5 does not have.
  expect(comparison.toString().split('\n')[0]).toMatch(/Inference, ms an image {2}Training, ms an image {2}Top-1 %$/);
  expect(JSON.parse(JSON.stringify(comparison))).toEqual(JSON.parse(JSON.stringify(comparison.toJSON())));
});

test('a network that does not train with this batch has no training time; inference alone', async () => {
  const one = { name: 'tiny', model: new Tiny(), input: [1, 1, 8, 8] };
  const options = { device: referenceDevice(), warmup: 0, rounds: 1 };
  const [row] = (await compareModels([one], options)).rows;
  expect([row.trainingMs, row.activations.training]).toEqual([null, null]);
  const inference = await compareModels([one], { ...options, measure: 'inference' });
  expect(inference.rows[0].inferenceMs).toBeGreaterThan(0);
  expect(inference.rows[0].trainingMs).toBe(null);
});

test('the median', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
});

describe('the figure', () => {
  // Once for all tests: the trace of GoogLeNet is the longest part.
  const comparison = compareModels(['alexnet', 'googlenet', 'resnet18'], { measure: false });
  const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map((m) => m[1]);

  test('names every model, has the blobs of the paper as legend, and is the same for the same numbers', async () => {
    const svg = await (await comparison).toSVG();
    expect(texts(svg)).toEqual(
      expect.arrayContaining(['alexnet', 'googlenet', 'resnet18', '5M', '35M', '65M', '95M', '125M', '155M']),
    );
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg).not.toMatch(/NaN|undefined/);
    expect(await comparisonOf((await comparison).rows, null).toSVG()).toBe(svg);
  });

  test('the area of a blob is its parameters', async () => {
    const { rows } = await comparison;
    const radius = async (parameters: number): Promise<number> => {
      const svg = await comparisonOf([{ ...rows[0], parameters }], null).toSVG();
      const scale =
        /transform="matrix\(([\d.]+),0,0,[\d.]+,[^"]*"[^>]*fill="#2f6fb3"/.exec(svg) ??
        /fill="#2f6fb3"[^>]*transform="matrix\(([\d.]+),/.exec(svg);
      return Number(scale![1]);
    };
    expect((await radius(100e6)) / (await radius(25e6))).toBeCloseTo(2, 3);
  });

  test('over time, and as PNG and HTML', async () => {
    const { rows } = await comparison;
    const timed = comparisonOf(
      rows.map((row, i) => ({ ...row, inferenceMs: 10 * (i + 1) })),
      { device: 'a < b', warmup: 1, rounds: 3 },
    );
    expect(texts(await timed.toSVG({ x: 'inference' }))).toContain('inference, in milliseconds an image');
    const html = await timed.toHTML({ title: 'Accuracy' });
    expect(html).toMatch(/<svg [\s\S]*<th>Model<\/th>[\s\S]*<td>googlenet<\/td>[\s\S]*Measured on a &#60; b/);
    const png = await timed.toPNG();
    expect([...png.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
    await expect(timed.toSVG({ x: 'training' })).rejects.toThrow(
      /no model has both an accuracy and a measured training time/,
    );
  });

  test('without echarts the error names the command', async () => {
    vi.resetModules();
    vi.doMock('echarts/core', () => {
      throw new Error('not there');
    });
    const { loadECharts } = await import('./peers.js');
    await expect(loadECharts('toSVG')).rejects.toThrow(
      "toSVG: it needs the package 'echarts'. Install it: npm install echarts",
    );
    vi.doUnmock('echarts/core');
  });
});

test('misuse', async () => {
  const none = { measure: false } as const;
  await expect(compareModels(['resnet19'], none)).rejects.toThrow(/resnet19/);
  await expect(compareModels(['lenet5', 'lenet5'], none)).rejects.toThrow(/each network needs its own name/);
  await expect(compareModels(['lenet5'], { rounds: 0 })).rejects.toThrow(/rounds is a whole number from 1 up, got 0/);
  await expect(compareModels(['lenet5'], { round: 3 } as never)).rejects.toThrow(
    /unknown option 'round'. Did you mean rounds\?/,
  );
  await expect(compareModels([{ model: new Tiny() } as never], none)).rejects.toThrow(
    /expected names, or { name, model }/,
  );
  await expect(compareModels({ models: ['lenet5'] } as never)).rejects.toThrow(/expected a list of networks/);
  await expect(compareModels(['lenet5'], { ...none, input: [1, 3, 224, 224] })).rejects.toThrow(/32/);
  const lenet = await compareModels(['lenet5'], none);
  expect(lenet.rows[0].input).toEqual([1, 1, 32, 32]); // what it is for
  await expect(lenet.toSVG()).rejects.toThrow(/no model has both an accuracy and operations/);
  await expect(lenet.toSVG({ x: 'watts' as never })).rejects.toThrow(
    /x is one of macs, inference, training, parameters/,
  );
});
