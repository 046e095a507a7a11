/**
 * What the worker thread is for: the event loop of the application is free while a model trains. And that buffers in it
 * behave as they do in the thread of the caller.
 */
import { type Aval, type DeviceBuffer, device, manualSeed, nn, type Program, randint, randn } from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { SGD } from '@fakkel/optim';
import { describe, expect, test } from 'vitest';
import { ResNet20 } from './resnet20.js';

const STEPS = 4;

/** Trains, and counts how often a timer of 5 ms fires meanwhile. */
async function train(worker: boolean): Promise<{ losses: number[]; ticks: number; elapsed: number }> {
  const on = await device(createOnnxruntime({ worker }));
  manualSeed(0);
  const net = new ResNet20().to(on);
  const x = randn([64, 3, 32, 32], { device: on });
  const y = randint(0, 10, [64], { device: on });
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
  const step = async (): Promise<number> => {
    optimizer.zeroGrad();
    const loss = criterion(net(x), y);
    loss.backward();
    await optimizer.step();
    return loss.item();
  };
  const losses = [await step()]; // builds the session
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const start = performance.now();
  for (let i = 0; i < STEPS; i++) losses.push(await step());
  const elapsed = performance.now() - start;
  clearInterval(timer);
  await on.dispose();
  return { losses, ticks, elapsed };
}

test(
  'timers fire while a ResNet-20 trains; without the worker they wait for each run to end',
  { timeout: 60_000 },
  async () => {
    const apart = await train(true);
    // All 5 ms on a quiet machine. On one that is so busy that timers are late by themselves, twice as often in a step
    // as without the worker.
    expect(apart.ticks).toBeGreaterThan(Math.min(apart.elapsed / 25, 10 * STEPS));

    const here = await train(false);
    expect(here.ticks).toBeLessThan(5 * STEPS);
    // The same graphs on the same library.
    here.losses.forEach((loss, i) => expect(Math.abs(loss / apart.losses[i] - 1)).toBeLessThan(1e-4));
  },
);

test('both ways count the same buffers and runs', async () => {
  const count = async (worker: boolean): Promise<unknown> => {
    const on = await device(createOnnxruntime({ worker }));
    manualSeed(0);
    const net = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2)).to(on);
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    for (let i = 0; i < 3; i++) {
      optimizer.zeroGrad();
      const loss = net(randn([4, 4], { device: on }))
        .square()
        .mean();
      loss.backward();
      await optimizer.step();
      await loss.item();
    }
    const { liveBuffers, runs } = on.backend.stats();
    await on.dispose();
    return { liveBuffers, runs };
  };
  expect(await count(true)).toEqual(await count(false));
});

/** As many as no machine has memory for. */
const HUGE: Aval = { dtype: 'float32', shape: [2 ** 45] };
const PAIR: Aval = { dtype: 'float32', shape: [2] };

const neg = (aval: Aval): Program => ({
  inputs: [{ aval, role: 'data' }],
  constants: [],
  nodes: [{ op: 'neg', attrs: {}, inputs: [0], outputs: [1], avals: [aval], lastUses: [] }],
  outputs: [{ value: 1 }],
});

test('a fill that failed is the error of each request that names its buffer, and of no other', async () => {
  const on = await device(createOnnxruntime());
  const { backend } = on;
  const messageOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'nothing failed',
      (error: unknown) => String(error),
    );
  const good = backend.upload(Float32Array.of(1, 2), PAIR);
  const executable = await backend.compile(neg(PAIR));
  const failed = backend.fill!(0, HUGE);

  const unrelated = await executable.run([good], [false]);
  expect(await backend.download([good, ...unrelated])).toEqual([Float32Array.of(1, 2), Float32Array.of(-1, -2)]);

  const message = await messageOf(backend.download([failed]));
  expect(message).toMatchInlineSnapshot(
    `"BackendError: fill: onnxruntime can't make float32[35184372088832]: Invalid typed array length: 35184372088832"`,
  );
  expect(await messageOf(backend.download([good, failed]))).toBe(message);
  const huge = await backend.compile(neg(HUGE));
  expect(await messageOf(huge.run([failed], [false]))).toBe(message);

  const { liveBuffers } = backend.stats();
  backend.release(failed);
  expect(await backend.download([good])).toEqual([Float32Array.of(1, 2)]);
  expect(backend.stats().liveBuffers).toBe(liveBuffers - 1);
  await on.dispose();
});

describe.each([true, false])('worker: %j', (worker) => {
  test('a fill with -0 is -0', async () => {
    const on = await device(createOnnxruntime({ worker }));
    const [zeros] = await on.backend.download([on.backend.fill!(-0, PAIR)]);
    expect(Array.from(zeros, (zero) => Object.is(zero, -0))).toEqual([true, true]);
    await on.dispose();
  });

  test("an upload of Node's Buffer is a copy, and the Buffer stays its owner's", async () => {
    const on = await device(createOnnxruntime({ worker }));
    const data = Buffer.from([1, 0, 1]);
    const neighbour = Buffer.from('another one in the same pool');
    const uploaded = on.backend.upload(data, { dtype: 'bool', shape: [3] });
    data[0] = 0;
    expect(await on.backend.download([uploaded])).toEqual([Uint8Array.of(1, 0, 1)]);
    expect([...data]).toEqual([0, 0, 1]);
    expect(neighbour.toString()).toBe('another one in the same pool');
    await on.dispose();
  });

  test('an array that is adopted twice, by two views or without elements costs no more than a copy', async () => {
    const on = await device(createOnnxruntime({ worker }));
    const { backend } = on;
    const data = Float32Array.of(1, 2);
    const none = new Float32Array(0);
    const adopted = [data, new Float32Array(data.buffer), data, none, none].map((array) =>
      backend.adopt!(array, { dtype: 'float32', shape: [array.length] }),
    );
    const pair = [1, 2];
    expect((await backend.download(adopted)).map((array) => [...array])).toEqual([pair, pair, pair, [], []]);
    for (const buffer of adopted) backend.release(buffer);
    await backend.download([]);
    expect(backend.stats()).toMatchObject({ liveBuffers: 0 });
    await on.dispose();
  });

  test.each<[string, () => Float32Array<ArrayBufferLike>]>([
    ['shared memory', () => new Float32Array(new SharedArrayBuffer(4))],
    ['memory of WebAssembly', () => new Float32Array(new WebAssembly.Memory({ initial: 1 }).buffer)],
    ['a part of a larger array', () => new Float32Array(8).subarray(2, 3)],
  ])('%s is adopted as a copy', async (_, make) => {
    const on = await device(createOnnxruntime({ worker }));
    const { backend } = on;
    const data = make();
    data[0] = 7;
    const aval: Aval = { dtype: 'float32', shape: [data.length] };
    const buffers = [data, data].map((array) => backend.adopt!(array as Float32Array<ArrayBuffer>, aval));
    for (const [first] of await backend.download(buffers)) expect(first).toBe(7);
    await on.dispose();
  });

  test('an input released while its run is under way keeps its memory until the run is over', async () => {
    const on = await device(createOnnxruntime({ worker }));
    const { backend } = on;
    const aval = { dtype: 'float32', shape: [64, 64] } as const;
    const product: Program = {
      inputs: [{ aval, role: 'data' }],
      constants: [],
      nodes: [{ op: 'matmul', attrs: {}, inputs: [0, 0], outputs: [1], avals: [aval], lastUses: [] }],
      outputs: [{ value: 1 }],
    };
    const executable = await backend.compile(product);
    const x = backend.upload(new Float32Array(64 * 64).fill(1), aval);
    const runs = [executable.run([x], [false]), executable.run([x], [false])];
    backend.release(x);
    // What would get the memory of x, had it been given back.
    const other = backend.upload(new Float32Array(64 * 64).fill(5), aval);
    const outputs: DeviceBuffer[] = (await Promise.all(runs)).flat();
    for (const output of await backend.download(outputs)) expect(new Set(output)).toEqual(new Set([64]));
    for (const buffer of [other, ...outputs]) backend.release(buffer);
    await backend.download([]); // the worker has seen them
    expect(backend.stats()).toMatchObject({ liveBuffers: 0 });
    await on.dispose();
  });
});
