/**
 * Chains of ops that stay in ONNX Runtime's blocked layout from convolution to convolution, against the reference
 * backend. Where the processor has no blocked layout the same chains run in the plain one.
 */
import {
  cat,
  type Device,
  device,
  manualSeed,
  nn,
  noGrad,
  Parameter,
  randn,
  referenceDevice,
  tensor,
  type Tensor,
} from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { beforeAll, describe, expect, test } from 'vitest';

let ort: Device;
beforeAll(async () => {
  ort = await device(createOnnxruntime({ worker: false }));
});

type Build = () => { readonly net: nn.Module & ((x: Tensor) => Tensor); readonly x: Tensor };

/** Output, loss gradient of the input, and of all parameters, and the buffers after. */
async function run(build: Build, on: Device) {
  manualSeed(0);
  const { net, x } = build();
  net.to(on);
  const input = new Parameter(tensor(await x.toArray(), { device: on }));
  const y = net(input);
  const weight = tensor(Float32Array.from({ length: y.numel() }, (_, i) => Math.sin(i))).to(on);
  y.flatten().mul(weight).sum().backward();
  const names = ['output', 'input.grad'];
  const values = [await y.data(), await input.grad!.data()];
  for (const [name, parameter] of net.namedParameters()) {
    names.push(`${name}.grad`);
    values.push(await parameter.grad!.data());
  }
  for (const [name, buffer] of net.namedBuffers()) {
    names.push(name);
    values.push(await buffer.data());
  }
  return { names, values };
}

async function compare(build: Build, tolerance = 2e-5, which = /./): Promise<void> {
  const expected = await run(build, referenceDevice());
  const got = await run(build, ort);
  expect(got.names).toEqual(expected.names);
  expected.values.forEach((values, i) => {
    if (!which.test(expected.names[i])) return;
    const largest = values.reduce((m: number, v: number) => Math.max(m, Math.abs(v)), 1e-3);
    let worst = 0;
    values.forEach((v: number, j: number) => (worst = Math.max(worst, Math.abs(v - got.values[i][j]) / largest)));
    expect(worst, expected.names[i]).toBeLessThan(tolerance);
    expect(worst, expected.names[i]).not.toBeNaN();
  });
}

class Residual extends nn.Module {
  conv1: nn.Conv2d;
  bn1: nn.BatchNorm2d;
  conv2: nn.Conv2d;
  bn2: nn.BatchNorm2d;
  constructor(channels: number) {
    super();
    this.conv1 = new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(channels);
    this.conv2 = new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(channels);
  }
  override forward(x: Tensor): Tensor {
    const y = this.bn1(this.conv1(x)).relu();
    return this.bn2(this.conv2(y)).add(x).relu();
  }
}

class Branches extends nn.Module {
  a = new nn.Conv2d(16, 16, 1);
  b = new nn.Conv2d(16, 32, 3, { padding: 1 });
  c = new nn.Conv2d(48, 16, 3, { padding: 1 });
  override forward(x: Tensor): Tensor {
    const joined = nn.functional.relu(this.a(x));
    const both = this.b(x).relu();
    const y = joined.mul(2).sub(x);
    return this.c(cat([both, y], 1))
      .add(x)
      .mul(joined);
  }
}

describe('in blocks as on the reference backend', () => {
  test.each([16, 32, 48])('a residual block of %i channels', (channels) =>
    compare(() => ({
      net: new nn.Sequential(
        new nn.Conv2d(3, channels, 3, { padding: 1, bias: false }),
        new nn.BatchNorm2d(channels),
        new nn.ReLU(),
        new Residual(channels),
        new Residual(channels),
      ),
      x: randn([4, 3, 10, 9]),
    })),
  );

  test.each([6, 20, 16])('convolutions with a bias, ReLU and pooling, %i channels', (channels) =>
    compare(() => ({
      net: new nn.Sequential(
        new nn.Conv2d(3, channels, 3),
        new nn.ReLU(),
        new nn.MaxPool2d(2),
        new nn.Conv2d(channels, 32, 3),
        new nn.ReLU(),
        new nn.AvgPool2d(2),
        new nn.Conv2d(32, channels, 1),
        new nn.AdaptiveAvgPool2d(1),
        new nn.Flatten(),
        new nn.Linear(channels, 5),
      ),
      x: randn([3, 3, 18, 18]),
    })),
  );

  test('stride 2 and a shortcut by a 1×1 convolution', () =>
    compare(() => ({
      net: new nn.Sequential(
        new nn.Conv2d(16, 32, 3, { stride: 2, padding: 1, bias: false }),
        new nn.BatchNorm2d(32),
        new nn.ReLU(),
        new nn.Conv2d(32, 32, 1, { stride: 2, bias: false }),
        new nn.BatchNorm2d(32),
      ),
      x: randn([2, 16, 13, 13]),
    })));

  test('branches that are joined, added and multiplied', () =>
    compare(() => ({ net: new Branches(), x: randn([2, 16, 7, 7]) })));

  test('a mean of a hundred standard deviations and more', () =>
    compare(
      () => ({
        net: new nn.Sequential(new nn.Conv2d(16, 16, 1, { bias: false }), new nn.BatchNorm2d(16)),
        x: randn([4, 16, 8, 8]).add(300),
      }),
      2e-4, // seven digits less two
      /output|running/, // gradients cancel, on both
    ));

  test('channels that are constant', () =>
    compare(() => {
      const conv = new nn.Conv2d(16, 16, 3, { bias: false });
      noGrad(() => conv.weight.assign(conv.weight.mul(0)));
      return { net: new nn.Sequential(conv, new nn.BatchNorm2d(16)), x: randn([4, 16, 8, 8]) };
    }));
});

test('NaN goes through a convolution, its bias and ReLU', async () => {
  const conv = new nn.Conv2d(16, 16, 1).to(ort);
  const x = randn([1, 16, 4, 4]);
  const data = Float32Array.from(await x.data());
  data[5] = NaN;
  const y = conv(tensor(data, { device: ort }).reshape([1, 16, 4, 4])).relu();
  const values = await y.data();
  expect(Array.from({ length: 16 }, (_, c) => values[c * 16 + 5])).toEqual(new Array(16).fill(NaN));
  expect(values.filter(Number.isNaN).length).toBe(16);
});

describe('inference with constant weights', () => {
  const image = (fill?: number): Float32Array => {
    const data = Float32Array.from({ length: 3 * 8 * 8 }, (_, i) => Math.sin(i));
    if (fill !== undefined) data[20] = fill;
    return data;
  };
  const make = (on: Device) => {
    manualSeed(1);
    const net = new nn.Sequential(new nn.Conv2d(3, 16, 3), new nn.BatchNorm2d(16), new nn.ReLU(), new nn.MaxPool2d(2));
    net.eval().to(on);
    return (data: Float32Array, factor = 1) =>
      noGrad(() => net(tensor(data, { device: on }).reshape([1, 3, 8, 8])).mul(factor)).data();
  };

  test('NaN and infinity in an image come out as on the reference backend, and the next image is right again', async () => {
    const [infer, expected] = [make(ort), make(referenceDevice())];
    for (const fill of [undefined, undefined, undefined, undefined, NaN, undefined, Infinity, undefined, undefined]) {
      const [got, want] = [await infer(image(fill)), await expected(image(fill))];
      expect(Array.from(got, Number.isNaN)).toEqual(Array.from(want, Number.isNaN));
      got.forEach((v: number, i: number) => {
        if (!Number.isNaN(v)) expect(v).toBeCloseTo(want[i], 4);
      });
    }
  });

  test('a number that changes from image to image is no constant', async () => {
    const [infer, expected] = [make(ort), make(referenceDevice())];
    for (const factor of [2, 2, 2, 2, 3, 4, 5, 5, 5, 6]) {
      const [got, want] = [await infer(image(), factor), await expected(image(), factor)];
      got.forEach((v: number, i: number) => expect(v).toBeCloseTo(want[i], 4));
    }
  });
});

test('what fills up a block does not carry 0 · ∞ into the next convolution', async () => {
  const results: Float32Array[] = [];
  for (const on of [referenceDevice(), ort]) {
    manualSeed(0);
    const first = new nn.Conv2d(16, 20, 3, { padding: 1 });
    noGrad(() => first.weight.assign(first.weight.abs().neg()));
    const net = new nn.Sequential(first, new nn.ReLU(), new nn.Conv2d(20, 8, 3, { padding: 1 })).to(on);
    const data = Float32Array.from({ length: 16 * 36 }, (_, i) => Math.sin(i));
    data[14] = Infinity;
    results.push((await net(tensor(data, { device: on }).reshape([1, 16, 6, 6])).data()) as Float32Array);
  }
  expect(Array.from(results[1], Number.isNaN)).toEqual(Array.from(results[0], Number.isNaN));
});

test('batch normalization of numbers whose squares overflow', async () => {
  const results: Float32Array[] = [];
  for (const on of [referenceDevice(), ort]) {
    manualSeed(0);
    const conv = new nn.Conv2d(16, 16, 1, { bias: false });
    noGrad(() => conv.weight.assign(conv.weight.mul(1e20)));
    const net = new nn.Sequential(conv, new nn.BatchNorm2d(16)).to(on);
    const data = Float32Array.from({ length: 2 * 16 * 36 }, (_, i) => Math.sin(i));
    results.push((await net(tensor(data, { device: on }).reshape([2, 16, 6, 6])).data()) as Float32Array);
  }
  results[0].forEach((v: number, i: number) => expect(results[1][i]).toBeCloseTo(v, 4));
});
