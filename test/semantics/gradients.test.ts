/** Gradients across runs and steps: design §4, "Gradients", and the named footguns. */
import {
  AutogradError,
  Cell,
  defineFunction,
  flush,
  grad,
  manualSeed,
  memory,
  nn,
  noGrad,
  ones,
  Parameter,
  randn,
  StaleTensorError,
  tensor,
  type Tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { cost, SmallConvNet, TwoLayerNet } from './helpers.js';

beforeEach(() => void manualSeed(0));

const one = (value = 1, name = 'w'): Parameter => new Parameter(tensor([value]), { name });

describe('accumulation', () => {
  test('backward() adds to grad, as in PyTorch', async () => {
    const w = one(3);
    w.square().sum().backward();
    w.mul(5).sum().backward();
    expect(await w.grad!.toArray()).toEqual([6 + 5]);
  });

  test('over micro-batches, with reads in between, equals one large batch', async () => {
    const run = async (reads: boolean): Promise<unknown> => {
      manualSeed(1);
      const net = new TwoLayerNet();
      const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
      for (let step = 0; step < 3; step++) {
        optimizer.zeroGrad();
        for (let micro = 0; micro < 4; micro++) {
          const loss = net(randn([2, 4]))
            .square()
            .mean()
            .div(4);
          loss.backward();
          if (reads) await loss.item();
        }
        await optimizer.step();
      }
      return net.fc1.weight.toArray();
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('memory stays that of one micro-batch when the loader flushes between them', async () => {
    const net = new SmallConvNet();
    const peak: number[] = [];
    for (let micro = 0; micro < 6; micro++) {
      net(randn([4, 1, 8, 8]))
        .square()
        .mean()
        .backward();
      await flush();
      peak.push(memory().totalBytes);
    }
    expect(new Set(peak.slice(2)).size).toBe(1);
  });

  test('a step that would mix gradients from before and after the last step throws', async () => {
    const w = one();
    const optimizer = new SGD([w], { lr: 0.1 });
    w.square().sum().backward();
    await optimizer.step();
    w.square().sum().backward(); // zeroGrad() forgotten
    await expect(optimizer.step()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[AutogradError: step: the gradient of w was made partly before and partly after the last step(). Call optimizer.zeroGrad() before backward(): PyTorch would silently add the new gradient to the old one here.]`,
    );
    optimizer.zeroGrad();
    w.square().sum().backward();
    await optimizer.step();
  });

  test('zeroGrad() sets gradients to null', async () => {
    const w = one();
    const before = memory().bytes.gradient;
    w.square().sum().backward();
    expect(w.grad).not.toBeNull();
    await w.grad!.data();
    expect(memory().bytes.gradient).toBe(before + 4);
    w.zeroGrad();
    expect(w.grad).toBeNull();
    expect(memory().bytes.gradient).toBe(before);
  });
});

test('grad() goes no further than its inputs: it computes, calls hooks and gives up the tape only on the way to them', async () => {
  const w = one(2);
  const x = tensor([3], { requiresGrad: true });
  let calls = 0;
  w.registerHook(() => void calls++);
  const h = w.mul(x).square();
  const y = h.exp().sum();
  const { kernels } = await cost(async () => {
    const [dh] = grad(y, [h], { retainGraph: true });
    expect(await dh!.toArray()).toEqual([Math.fround(Math.exp(36))].map((v) => expect.closeTo(v, -9)));
  });
  expect(kernels['exp']).toBe(1);
  expect(calls).toBe(0);
  const [dx] = grad(h.sum(), [x]);
  expect(await dx!.toArray()).toEqual([2 * 6 * 2]);
  expect(calls).toBe(0);
  // The way from h to y was kept, and that from h to w was never gone.
  expect(() => y.backward()).toThrow(/given up/);
});

describe('spent gradients', () => {
  test('reading one throws and names the remedy', async () => {
    const w = one(1, 'layer.weight');
    const optimizer = new SGD([w], { lr: 0.1 });
    w.square().sum().backward();
    const gradient = w.grad!;
    await optimizer.step();
    await expect(gradient.data()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[StaleTensorError: the gradient of layer.weight float32[1] was used by a step() and not kept. Read it between backward() and step(), or call retainGrad() on the parameter.]`,
    );
    await expect(w.grad!.data()).rejects.toThrow(StaleTensorError);
  });

  test('retainGrad() keeps it', async () => {
    const w = one(3);
    w.retainGrad();
    const optimizer = new SGD([w], { lr: 0.1 });
    w.square().sum().backward();
    await optimizer.step();
    expect(await w.grad!.toArray()).toEqual([6]);
  });

  test('one that was asked for before the step is given', async () => {
    const w = one(3);
    const optimizer = new SGD([w], { lr: 0.5 });
    w.square().sum().backward();
    const reading = w.grad!.data();
    await optimizer.step();
    expect(Array.from(await reading)).toEqual([6]);
    expect(await w.item()).toBe(0);
  });

  test('a norm recorded before the step is computed with it', async () => {
    const w = one(3);
    const optimizer = new SGD([w], { lr: 0.5 });
    w.square().sum().backward();
    const norm = w.grad!.abs().sum();
    await optimizer.step();
    expect(await norm.item()).toBe(6);
  });

  test('gradients that no step has used are kept until stepped or zeroed', async () => {
    const a = one(1);
    const b = one(2);
    const before = memory().bytes.gradient;
    const optimizer = new SGD([a], { lr: 0.1 });
    a.mul(b).sum().backward();
    await optimizer.step();
    expect(await b.grad!.item()).toBe(1); // d(ab)/db = a, as it was
    expect(memory().bytes.gradient).toBe(before + 4);
    b.zeroGrad();
    expect(memory().bytes.gradient).toBe(before);
  });
});

test('two optimizers over one backward', async () => {
  const a = one(2);
  const b = one(3);
  const first = new SGD([a], { lr: 0.1 });
  const second = new SGD([b], { lr: 0.1 });
  a.mul(b).sum().backward();
  await first.step();
  await second.step();
  expect(await a.item()).toBeCloseTo(2 - 0.3, 6);
  expect(await b.item()).toBeCloseTo(3 - 0.2, 6);
});

test('a GAN loop: two nets, two optimizers, detach between them', async () => {
  const generator = new nn.Linear(2, 4);
  const discriminator = new nn.Linear(4, 1);
  const gStep = new SGD(generator.parameters(), { lr: 0.05 });
  const dStep = new SGD(discriminator.parameters(), { lr: 0.05 });
  const loop = async (): Promise<void> => {
    const fake = generator(randn([8, 2]));
    dStep.zeroGrad();
    discriminator(randn([8, 4]))
      .sigmoid()
      .log()
      .mean()
      .neg()
      .add(discriminator(fake.detach()).sigmoid().neg().add(1).log().mean().neg())
      .backward();
    await dStep.step();
    gStep.zeroGrad();
    const gLoss = discriminator(fake).sigmoid().log().mean().neg();
    gLoss.backward();
    await gStep.step();
    expect(Number.isFinite(await gLoss.item())).toBe(true);
  };
  await loop();
  await loop();
  const { compiles } = await cost(async () => {
    for (let i = 0; i < 5; i++) await loop();
  });
  const buffers = memory().totalBuffers;
  await loop();
  expect(compiles).toBe(0);
  expect(memory().totalBuffers).toBe(buffers);
});

test('a gradient penalty: second derivatives inside a training step', async () => {
  const net = new TwoLayerNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.01 });
  const before = await net.fc1.weight.data();
  const x = randn([3, 4]).requiresGrad_();
  const [dx] = grad(net(x).sum(), [x], { createGraph: true });
  dx!.square().sum().backward();
  await optimizer.step();
  expect(await net.fc1.weight.data()).not.toEqual(before);
});

test('second and third derivatives', async () => {
  const x = tensor([2], { requiresGrad: true });
  const [d1] = grad(x.pow(4).sum(), [x], { createGraph: true });
  const [d2] = grad(d1!.sum(), [x], { createGraph: true });
  const [d3] = grad(d2!.sum(), [x]);
  expect([await d1!.item(), await d2!.item(), await d3!.item()]).toEqual([32, 48, 48]);
});

test('backward through a replaced weight throws at backward()', async () => {
  const w = one(1, 'fc.weight');
  const optimizer = new SGD([w], { lr: 0.1 });
  const kept = w.square().sum();
  w.mul(2).sum().backward();
  await optimizer.step();
  expect(() => kept.backward()).toThrow(AutogradError);
  expect(() => w.square().add(kept).sum().backward()).toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: backward: the tape of this value was given up by an earlier backward(), or its weights have moved on. Pass { retainGraph: true } to the first backward, or run the forward pass again.]`,
  );
});

test('a second backward through one tape throws, retainGraph allows it', async () => {
  const w = one(3);
  const loss = w.square().sum();
  loss.backward({ retainGraph: true });
  loss.backward();
  expect(await w.grad!.item()).toBe(12);
  expect(() => loss.backward()).toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: backward: the tape of this value was given up by an earlier backward(), or its weights have moved on. Pass { retainGraph: true } to the first backward, or run the forward pass again.]`,
  );
});

test('backward of what needs no gradient says why', () => {
  const w = one();
  expect(() =>
    noGrad(() => w.mul(2))
      .sum()
      .backward(),
  ).toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: backward: float32[] does not depend on anything that requires gradients. Is the model's requiresGrad off, or was the value detached?]`,
  );
  expect(() => w.mul(tensor([1, 2])).backward()).toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: backward: a gradient is implied for one element only, got float32[2]. Reduce it (.sum(), .mean()) or pass { gradient }.]`,
  );
  expect(() => grad(w.sum(), [tensor([1])])).toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: grad: an input (float32[1]) does not require gradients. Make it with { requiresGrad: true }.]`,
  );
  expect(() => grad(w.sum(), [one()])).toThrowErrorMatchingInlineSnapshot(
    `[AutogradError: grad: the outputs do not depend on input 0 (float32[1]). Pass { allowUnused: true } to get null for it.]`,
  );
});

test('noGrad(async …) holds until its promise settles', async () => {
  const w = one();
  await noGrad(async () => {
    await Promise.resolve();
    expect(w.mul(2).requiresGrad).toBe(false);
  });
  expect(w.mul(2).requiresGrad).toBe(true);
  await expect(
    noGrad(async () => {
      await Promise.resolve();
      throw new Error('inside');
    }),
  ).rejects.toThrow('inside');
  expect(w.mul(2).requiresGrad).toBe(true);
});

test('detach() cuts the gradient, the value stays', async () => {
  const w = one(3);
  const y = w.mul(2);
  y.detach().mul(w).sum().backward();
  expect(await w.grad!.item()).toBe(6);
  expect(await y.detach().item()).toBe(6);
});

test('hooks on tensors see and replace gradients', async () => {
  const w = one(3);
  const y = w.mul(2);
  const seen: Tensor[] = [];
  const handle = y.registerHook((g) => {
    seen.push(g);
    return g.mul(10);
  });
  y.sum().backward();
  expect(await w.grad!.item()).toBe(20);
  expect(await seen[0].item()).toBe(1);
  handle.remove();
  w.zeroGrad();
  w.mul(2).sum().backward();
  expect(await w.grad!.item()).toBe(2);
});

test('retainGrad() on a computed tensor', async () => {
  const w = one(3);
  const y = w.mul(2);
  y.retainGrad();
  y.square().sum().backward();
  expect(await y.grad!.item()).toBe(12);
});

test('hooks on modules: forward, pre-forward, backward', async () => {
  const net = new TwoLayerNet();
  const outputs: Tensor[] = [];
  const gradients: (Tensor | null)[] = [];
  const handles = [
    net.fc1.registerForwardHook((_, __, output) => void outputs.push(output as Tensor)),
    net.fc2.registerForwardPreHook((_, [x]) => [(x as Tensor).mul(2)]),
    net.fc1.registerFullBackwardHook((_, __, [g]) => void gradients.push(g)),
  ];
  const y = net(ones([1, 4]));
  y.sum().backward();
  expect(outputs[0].shape).toEqual([1, 8]);
  expect(gradients[0]!.shape).toEqual([1, 8]);
  const hidden = (await outputs[0].data()).map((v) => Math.max(v, 0) * 2);
  const weight = await net.fc2.weight.data();
  const bias = await net.fc2.bias!.data();
  const got = await y.data();
  for (let o = 0; o < 3; o++) {
    let sum = bias[o];
    for (let i = 0; i < 8; i++) sum += weight[o * 8 + i] * hidden[i];
    expect(got[o]).toBeCloseTo(sum, 5);
  }
  handles.forEach((handle) => handle.remove());
  net(ones([1, 4]));
  expect(outputs).toHaveLength(1);
});

test('a hook that collects activation statistics gets them with the step', async () => {
  const net = new SmallConvNet();
  const optimizer = new SGD(net.parameters(), { lr: 0.1 });
  const means: Tensor[] = [];
  net.conv.registerForwardHook((_, __, output) => void means.push((output as Tensor).mean()));
  const step = async (): Promise<void> => {
    optimizer.zeroGrad();
    net(randn([2, 1, 8, 8]))
      .square()
      .mean()
      .backward();
    await optimizer.step();
  };
  const { kernels } = await cost(async () => {
    for (let i = 0; i < 3; i++) await step();
    for (const mean of means) expect(Number.isFinite(await mean.item())).toBe(true);
  });
  expect(kernels['conv']).toBe(3);
});

test('custom functions: a straight-through estimator', async () => {
  const roundSTE = defineFunction({ name: 'roundSTE', forward: (x) => x.round(), backward: (_, g) => g });
  const x = tensor([0.2, 0.7, 1.4], { requiresGrad: true });
  const y = roundSTE(x);
  expect(await y.toArray()).toEqual([0, 1, 1]);
  y.mul(tensor([1, 2, 3]))
    .sum()
    .backward();
  expect(await x.grad!.toArray()).toEqual([1, 2, 3]);
});

test('custom functions: several inputs, and a backward that is differentiated again', async () => {
  const cube = defineFunction({
    name: 'cube',
    forward: (x) => x.pow(3),
    backward: ({ inputs: [x] }, g) => g.mul(x.square()).mul(3),
  });
  const x = tensor([2], { requiresGrad: true });
  const [d1] = grad(cube(x).sum(), [x], { createGraph: true });
  const [d2] = grad(d1!.sum(), [x]);
  expect([await d1!.item(), await d2!.item()]).toEqual([12, 12]);
});

test('gradients of a cell that is no parameter', async () => {
  const temperature = new Cell(tensor([2]), { requiresGrad: true, name: 'temperature' });
  temperature.square().sum().backward();
  expect(await temperature.grad!.item()).toBe(4);
});
