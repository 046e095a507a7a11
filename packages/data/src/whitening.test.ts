import {
  Generator,
  loadSafetensors,
  referenceDevice,
  saveSafetensors,
  setDefaultDevice,
  tensor,
  type Tensor,
} from '@fakkel/core';
import { beforeEach, describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/whitening.json' with { type: 'json' };
import { CovarianceMoments } from './covariance.js';
import { DataLoader, digits, HostArray, MapDataset, PCAWhitening, RunningNormalizer, ZCAWhitening } from './index.js';
import { symmetricEigen } from './linear-algebra.js';

beforeEach(() => setDefaultDevice(referenceDevice()));

const D = goldens.features;
const batches = goldens.batches.map((b) => new HostArray(Float64Array.from(b), [b.length / D, D]));
const all = goldens.batches.flat();
const N = all.length / D;
const testData = new HostArray(Float64Array.from(goldens.test), [goldens.test.length / D, D]);

const worst = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => {
  expect(actual.length).toBe(expected.length);
  return Math.max(...Array.from(expected, (e, i) => Math.abs(actual[i] - e) / Math.max(1, Math.abs(e))));
};

/** Population covariance of the rows. */
const covarianceOf = (rows: ArrayLike<number>, n: number, d: number): number[][] => {
  const mean = Array.from({ length: d }, (_, i) =>
    Array.from({ length: n }, (_, r) => rows[r * d + i] / n).reduce((a, b) => a + b),
  );
  return mean.map((mi, i) =>
    mean.map((mj, j) =>
      Array.from({ length: n }, (_, r) => ((rows[r * d + i] - mi) * (rows[r * d + j] - mj)) / n).reduce(
        (a, b) => a + b,
      ),
    ),
  );
};

describe('the covariance', () => {
  test('batch by batch is that of all data at once', () => {
    const moments = new CovarianceMoments(D);
    for (const batch of batches) moments.add(batch, 'test');
    const covariance = moments.covariance();
    const upper = goldens.covariance.flatMap((row, i) => row.slice(i));
    const mine = goldens.covariance.flatMap((row, i) => row.slice(i).map((_, k) => covariance[i * D + i + k]));
    expect([moments.count, worst(moments.mean, goldens.mean) < 1e-13, worst(mine, upper) < 1e-12]).toEqual([
      N,
      true,
      true,
    ]);
  });

  test('of images, of integers, and of empty batches', () => {
    const moments = new CovarianceMoments(4);
    moments.add(new HostArray(new Float32Array(0), [0, 1, 2, 2]), 'test');
    moments.add(new HostArray(Int32Array.of(1, 2, 3, 4, 3, 2, 1, 4), [2, 1, 2, 2]), 'test');
    expect([moments.count, ...moments.mean]).toEqual([2, 2, 2, 2, 4]);
    expect([...moments.covariance().subarray(0, 4)]).toEqual([1, 0, -1, 0]);
  });
});

test('eigenvectors: orthonormal, A = Σ λ v vᵀ, largest first, the largest element positive', async () => {
  const n = 30;
  const random = new Float64Array(n * n);
  new Generator(1).normal(random);
  const a = random.map((_, k) => random[k] + random[(k % n) * n + Math.floor(k / n)]);
  const { values, vectors } = await symmetricEigen(a, n);
  const row = (i: number) => vectors.subarray(i * n, (i + 1) * n);
  for (let i = 0; i < n; i++) {
    if (i > 0) expect(values[i]).toBeLessThanOrEqual(values[i - 1]);
    expect(Math.max(...row(i))).toBeCloseTo(Math.max(...row(i).map(Math.abs)), 12);
    for (let j = 0; j < n; j++) {
      expect(row(i).reduce((sum, v, k) => sum + v * row(j)[k], 0)).toBeCloseTo(i === j ? 1 : 0, 12);
      expect(values.reduce((sum, v, k) => sum + v * row(k)[i] * row(k)[j], 0)).toBeCloseTo(a[i * n + j], 11);
    }
  }
});

describe('PCA', () => {
  test('statistics and whitened test data are PyTorch’s in float64', async () => {
    const whitening = await new PCAWhitening(D).fit(batches.map((b) => [b, 0]));
    const { count, mean, variances, components } = await whitening.statistics();
    expect(count).toBe(N);
    expect(worst(mean, goldens.mean)).toBeLessThan(1e-13);
    expect(worst(variances, goldens.variances)).toBeLessThan(1e-11);
    // The last variance is a millionth of the first, so its vector has six digits less.
    expect(worst(components.data, goldens.components.flat())).toBeLessThan(1e-8);
    const transform = await whitening.toTransform();
    const out = [0, 1, 2].flatMap((i) => [...transform(testData.row(i)).data]);
    expect(worst(out, goldens.pca)).toBeLessThan(1e-6);
  });

  test('whitened data has the identity as its covariance, and inverse undoes it', async () => {
    const whitening = await new PCAWhitening(D, { eps: 0 }).fit(batches);
    const transform = await whitening.toTransform();
    const rows = batches
      .flatMap((b) => Array.from({ length: b.shape[0] }, (_, i) => [...transform(b.row(i)).data]))
      .flat();
    covarianceOf(rows, N, D).forEach((row, i) => row.forEach((v, j) => expect(v).toBeCloseTo(i === j ? 1 : 0, 6)));

    const x = tensor(
      Float32Array.from(all, (v, i) => v - goldens.mean[i % D]),
      { shape: [N, D] },
    );
    const onDevice = await new PCAWhitening(D).fit([x]);
    const y = onDevice(x);
    expect(y.shape).toEqual([N, D]);
    const restored = await onDevice.inverse(y).data();
    expect(worst(restored, await x.data())).toBeLessThan(1e-4);
  });

  test.each([
    [2, 2],
    [0.5, goldens.parts.findIndex((p) => p >= 0.5) + 1],
    [0.99, goldens.parts.findIndex((p) => p >= 0.99) + 1],
    [0.9999999, goldens.parts.findIndex((p) => p >= 0.9999999) + 1],
    [5, 5],
  ])('numComponents: %d keeps %d', async (numComponents, kept) => {
    const whitening = await new PCAWhitening(D, { numComponents }).fit(batches);
    expect(whitening.numComponents).toBe(kept);
    const { variances, components } = await whitening.statistics();
    expect([variances.length, ...components.shape]).toEqual([kept, kept, D]);
    expect(worst(variances, goldens.variances.slice(0, kept))).toBeLessThan(1e-11);
    const x = testData.toTensor();
    expect(whitening(x).shape).toEqual([3, kept]);
    expect(whitening.inverse(whitening(x)).shape).toEqual([3, D]);
    expect((await whitening.toTransform())(testData.row(0)).shape).toEqual([kept]);
    expect(String(whitening)).toBe(`PCAWhitening(5, num_components=${kept}, eps=0.00001)`);
  });

  test('of the digits keeps 95 % of the variance in 29 components, as scikit-learn', async () => {
    const whitening = new PCAWhitening(64, { numComponents: 0.95 });
    await whitening.fit(new DataLoader(digits(), { batchSize: 100 }));
    // sklearn.decomposition.PCA(0.95).fit(load_digits().data / 16): n_components_ and explained_variance_ · (n − 1)/n
    expect(whitening.numComponents).toBe(29);
    const { variances } = await whitening.statistics();
    expect(variances[0]).toBeCloseTo((179.0069301 / 256) * (1796 / 1797), 8);
  });
});

describe('ZCA', () => {
  test('whitened test data is PyTorch’s, on the host and on the device', async () => {
    const whitening = await new ZCAWhitening(D).fit(batches);
    const transform = await whitening.toTransform();
    const out = [0, 1, 2].flatMap((i) => [...transform(testData.row(i)).data]);
    expect(worst(out, goldens.zca)).toBeLessThan(1e-6);
  });

  test('is symmetric, whitens, and is closer to the data than PCA and every other rotation', async () => {
    const [zca, pca] = [
      await new ZCAWhitening(D, { eps: 0 }).fit(batches),
      await new PCAWhitening(D, { eps: 0 }).fit(batches),
    ];
    const [z, p] = [await zca.toTransform(), await pca.toTransform()];
    const { data: matrix } = z.transformationMatrix;
    const largest = Math.max(...matrix.map(Math.abs));
    for (let i = 0; i < D; i++) {
      for (let j = 0; j < D; j++) expect(Math.abs(matrix[i * D + j] - matrix[j * D + i])).toBeLessThan(1e-9 * largest);
    }
    const whiten = (transform: typeof z) =>
      batches.flatMap((b) => Array.from({ length: b.shape[0] }, (_, i) => [...transform(b.row(i)).data])).flat();
    const [zs, ps] = [whiten(z), whiten(p)];
    covarianceOf(zs, N, D).forEach((row, i) => row.forEach((v, j) => expect(v).toBeCloseTo(i === j ? 1 : 0, 6)));
    const centered = all.map((v, i) => v - goldens.mean[i % D]);
    const distance = (rows: number[]) => rows.reduce((sum, v, i) => sum + (v - centered[i]) ** 2, 0);
    expect(distance(zs)).toBeLessThan(distance(ps));
    // Turned by a little in each plane it is farther away: a minimum.
    for (let a = 0; a < D; a++) {
      for (let b = a + 1; b < D; b++) {
        for (const angle of [0.1, -0.1]) {
          const turned = [...zs];
          for (let r = 0; r < N; r++) {
            const [u, v] = [zs[r * D + a], zs[r * D + b]];
            turned[r * D + a] = u * Math.cos(angle) - v * Math.sin(angle);
            turned[r * D + b] = u * Math.sin(angle) + v * Math.cos(angle);
          }
          expect(distance(turned)).toBeGreaterThan(distance(zs));
        }
      }
    }
  });

  test('keeps the shape of images, and inverse undoes it; the transform does the same to samples', async () => {
    const loader = () => new DataLoader(digits(), { batchSize: 200 });
    const whitening = await new ZCAWhitening(64, { eps: 0.01 }).fit(loader());
    const transform = await whitening.toTransform();
    const white = new MapDataset(digits(), ([image, label]) => [transform(image), label] as [HostArray, number]);
    const first = async (batches: AsyncIterable<unknown>): Promise<Tensor> => {
      for await (const batch of batches) return (batch as [Tensor])[0];
      throw new Error('no batch');
    };
    const [x, y] = [await first(loader()), await first(new DataLoader(white, { batchSize: 200 }))];
    const onDevice = whitening(x);
    expect([onDevice.shape, y.shape]).toEqual([x.shape, x.shape]);
    expect(worst(await onDevice.data(), await y.data())).toBeLessThan(1e-4);
    expect(worst(await whitening.inverse(onDevice).data(), await x.data())).toBeLessThan(1e-4);
  });
});

describe('stored', () => {
  test('a state dict takes the whitening along, through a file', async () => {
    const fitted = await new PCAWhitening(D, { numComponents: 0.99 }).fit(batches);
    const bytes = await saveSafetensors(fitted.stateDict());
    const loaded = new PCAWhitening(D, { numComponents: fitted.numComponents });
    loaded.loadStateDict(loadSafetensors(bytes).tensors);
    expect([...fitted.stateDict().keys()]).toEqual(['mean', 'components', 'std', 'count']);
    const x = testData.toTensor();
    expect(await loaded(x).toArray()).toEqual(await fitted(x).toArray());
    const { count, variances, mean } = await loaded.statistics();
    expect([
      count,
      worst(mean, goldens.mean) < 1e-7,
      worst(variances, goldens.variances.slice(0, variances.length)) < 1e-6,
    ]).toEqual([N, true, true]);
    const out = (await loaded.toTransform())(testData.row(0)).data;
    expect(worst(out, goldens.pca.slice(0, out.length))).toBeLessThan(1e-4);
  });

  test('before fit it changes nothing, a clone stays when the first is fitted again, and gradients flow through', async () => {
    const whitening = new ZCAWhitening(2);
    const x = tensor([[5, -7]], { requiresGrad: true });
    expect(await whitening(x).toArray()).toEqual([[5, -7]]);
    await whitening.fit([
      tensor([
        [0, 0],
        [2, 0],
        [0, 6],
        [2, 6],
      ]),
    ]);
    const copy = whitening.clone();
    await whitening.fit([
      tensor([
        [0, 0],
        [4, 1],
      ]),
    ]);
    copy(x).sum().backward();
    const grad = (await x.grad!.toArray()) as number[][];
    expect(grad[0][0]).toBeCloseTo(1, 4);
    expect(grad[0][1]).toBeCloseTo(1 / 3, 4);
    expect(whitening.parameters()).toEqual([]);
  });
});

test('whitening of normalized features: RunningNormalizer [N, F] gives PyTorch’s numbers too', async () => {
  const normalizer = await new RunningNormalizer(D).fit(batches);
  const { mean, std } = await normalizer.statistics();
  expect(worst(mean, goldens.mean)).toBeLessThan(1e-13);
  expect(worst(std, goldens.std)).toBeLessThan(1e-12);
  const transform = await normalizer.toTransform();
  const out = [0, 1, 2].flatMap((i) => [...transform(testData.row(i)).data]);
  expect(worst(out, goldens.normalized)).toBeLessThan(1e-11);
});

describe('errors', () => {
  const failing = async (act: () => unknown): Promise<string> => {
    try {
      await act();
    } catch (error) {
      return String(error);
    }
    return 'no error';
  };

  test('teach', async () => {
    const flat = new HostArray(Float64Array.of(1, 2, 2, 4, 3, 6), [3, 2]);
    expect(await failing(() => new PCAWhitening(0))).toMatchInlineSnapshot(
      `"ShapeError: PCAWhitening: expected a number of features from 1 up, got 0"`,
    );
    expect(await failing(() => new PCAWhitening(4, { numComponents: 5 }))).toMatchInlineSnapshot(
      `"OutOfRangeError: PCAWhitening: numComponents: expected a whole number from 1 to 4, or a part of the variance between 0 and 1, got 5"`,
    );
    expect(await failing(() => new PCAWhitening(4, { eps: -1 }))).toMatchInlineSnapshot(
      `"OutOfRangeError: PCAWhitening: eps: expected a number from 0 up, got -1"`,
    );
    expect(await failing(() => new PCAWhitening(4, { components: 2 } as never))).toMatchInlineSnapshot(
      `"FakkelError: PCAWhitening: unknown option 'components'. Did you mean numComponents? There are: numComponents, eps."`,
    );
    expect(await failing(() => new PCAWhitening(2).fit([]))).toMatchInlineSnapshot(
      `"FakkelError: PCAWhitening.fit: there was no batch to learn from"`,
    );
    expect(await failing(() => new PCAWhitening(3).fit([flat]))).toMatchInlineSnapshot(
      `"ShapeError: PCAWhitening.fit: expected [N, ...] with 3 features, got float64[3,2]"`,
    );
    expect(await failing(() => new PCAWhitening(2, { eps: 0 }).fit([flat]))).toMatchInlineSnapshot(
      `"FakkelError: PCAWhitening.fit: the data varies along 1 components only, so 2 can't be scaled to unit variance. Pass an eps above 0, or numComponents: 1."`,
    );
    expect(
      await failing(() =>
        new ZCAWhitening(2).fit([
          tensor([
            [1, 2],
            [NaN, 3],
          ]),
        ]),
      ),
    ).toMatchInlineSnapshot(
      `"FakkelError: ZCAWhitening.fit: sample 1 of the batch holds NaN in feature 0. Find where the data comes from, or drop such samples."`,
    );
    expect(await failing(() => new ZCAWhitening(2)(tensor([[1, 2, 3]])))).toMatchInlineSnapshot(
      `"ShapeError: ZCAWhitening: expected [N, ...] with 2 elements a sample, got float32[1,3]"`,
    );
    expect(
      await failing(() => new PCAWhitening(3, { numComponents: 2 }).inverse(tensor([[1, 2, 3]]))),
    ).toMatchInlineSnapshot(
      `"ShapeError: PCAWhitening.inverse: expected [N, ...] with 2 elements a sample, got float32[1,3]"`,
    );
  });

  test('of fit leave the whitening as it was', async () => {
    const whitening = await new PCAWhitening(2).fit([
      tensor([
        [0, 0],
        [2, 0],
        [0, 6],
        [2, 6],
      ]),
    ]);
    const before = await whitening.statistics();
    await failing(() => whitening.fit([tensor([[Infinity, 1]])]));
    expect(await whitening.statistics()).toEqual(before);
  });
});
