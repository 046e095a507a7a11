/**
 * The sessions that are kept: how many, for how long, and what makes another one.
 */
import {
  type CompileReport,
  manualSeed,
  nn,
  onCompile,
  randn,
  referenceDevice,
  setDefaultDevice,
  stats,
  type Device,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Counting, countingDevice } from './counting-device.js';

const LIMIT = 6;
let counting: Counting;
beforeEach(async () => {
  counting = await countingDevice({ sessions: LIMIT });
  setDefaultDevice(counting.device);
  manualSeed(0);
});
afterEach(async () => {
  setDefaultDevice(referenceDevice());
  await counting.device.dispose();
});

const sizes = Array.from({ length: 50 }, (_, i) => i + 1);

test('50 shapes in turn: no more sessions than the limit, and what was released runs again', async () => {
  const { device, sessions, backend } = counting;
  const weight = randn([3, 4]);
  const expected = new Map<number, ArrayLike<number>>();
  const run = (n: number): Promise<ArrayLike<number>> => randn([n, 3]).mul(0).add(n).matmul(weight).relu().data();
  for (const n of sizes) {
    expected.set(n, await run(n));
    expect(sessions.live).toBeLessThanOrEqual(LIMIT);
    expect(backend.sessions.size).toBe(Math.min(n, LIMIT));
  }
  expect(sessions.peak).toBe(LIMIT);
  const { compiles, backend: before } = stats(device);
  expect(compiles).toBe(50);

  for (const n of sizes) expect(await run(n)).toEqual(expected.get(n));
  expect(stats(device).compiles).toBe(50); // core still knew the programs
  expect(sessions.made).toBe(100); // the sessions were built anew
  expect(sessions.live).toBe(LIMIT);
  expect(stats(device).backend).toMatchObject({ liveBuffers: before.liveBuffers, liveBytes: before.liveBytes });
});

test('what is used again and again stays: an epoch of a dozen programs builds each once', async () => {
  const { sessions } = counting;
  for (let i = 0; i < 10; i++) for (const n of sizes.slice(0, LIMIT)) await randn([n, 3]).exp().data();
  expect(sessions.made).toBe(LIMIT);
});

test('dispose releases every session', async () => {
  const own = await countingDevice();
  for (const n of sizes.slice(0, 5)) await randn([n, 3], { device: own.device }).exp().data();
  expect(own.sessions.live).toBe(5);
  await own.device.dispose();
  expect(own.sessions.live).toBe(0);
});

test('onCompile reports the time that building the session took', async () => {
  const reports: CompileReport[] = [];
  const stop = onCompile((report) => reports.push(report));
  const started = performance.now();
  await randn([7, 3]).exp().data();
  const took = performance.now() - started;
  stop();
  expect(reports).toHaveLength(1);
  expect(reports[0].backend).toBe('onnxruntime:cpu');
  const built = await reports[0].compiled;
  expect(built).toBeGreaterThan(reports[0].loweringMs);
  expect(built).toBeLessThanOrEqual(took);
});

/** Options as a schedule has them: weight decay and dampening come and go. */
const schedule = Array.from({ length: 12 }, (_, i) => ({
  lr: 0.05 * (1 + Math.cos((Math.PI * i) / 12)),
  momentum: 0.9 - 0.01 * i,
  dampening: i % 4 === 3 ? 0.1 : 0,
  weightDecay: i % 3 === 0 ? 0 : 1e-3 * i,
}));

async function followSchedule(on: Device): Promise<{ losses: number[]; weights: number[]; compiles: number }> {
  setDefaultDevice(on);
  manualSeed(1);
  const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 1));
  const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
  const x = randn([16, 4]);
  const y = randn([16, 1]);
  const { compiles } = stats(on);
  const losses: number[] = [];
  for (const options of schedule) {
    Object.assign(optimizer.paramGroups[0], options);
    optimizer.zeroGrad();
    const loss = net(x).sub(y).square().mean();
    loss.backward();
    await optimizer.step();
    losses.push(await loss.item());
  }
  const weights: number[] = [];
  const made = stats(on).compiles - compiles;
  for (const parameter of net.parameters()) weights.push(...(await parameter.data()).map(Number));
  return { losses, weights, compiles: made };
}

test('a schedule of rates, momenta, dampening and weight decays: one program, a session for each set of zeros', async () => {
  const { sessions, device } = counting;
  const got = await followSchedule(device);
  // Dampening, decay, both or neither zero: four, whatever the numbers.
  expect({ compiles: got.compiles, sessions: sessions.made }).toEqual({ compiles: 1, sessions: 4 });
  const expected = await followSchedule(referenceDevice());
  got.losses.forEach((loss, i) => expect(Math.abs(loss / expected.losses[i] - 1)).toBeLessThan(1e-5));
  got.weights.forEach((weight, i) => expect(weight).toBeCloseTo(expected.weights[i], 5));
});
