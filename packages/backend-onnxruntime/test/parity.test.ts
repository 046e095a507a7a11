/**
 * Ten training steps beside the reference backend's and PyTorch's: losses, weights and running statistics.
 */
import {
  type Device,
  device,
  manualSeed,
  nn,
  randint,
  randn,
  referenceDevice,
  setDefaultDevice,
  stats,
} from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { lenet5 } from '@fakkel/models';
import { Adam, type Optimizer, SGD } from '@fakkel/optim';
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { ResNet20 } from './resnet20.js';

interface Golden {
  /** PyTorch's, in float32 and in float64. */
  readonly losses: readonly number[];
  readonly losses64: readonly number[];
  /** Sum and sum of squares of what the state dict holds after the steps, in float64. */
  readonly sums: Readonly<Record<string, readonly [number, number]>>;
}

/** Made by tools/goldens/training_steps.py. */
const goldens = JSON.parse(readFileSync(new URL('./goldens/training/steps.json', import.meta.url), 'utf8')) as Record<
  string,
  Golden
>;

interface Case {
  readonly name: string;
  readonly build: () => nn.Module;
  readonly batch: readonly number[];
  /** Of the batch. */
  readonly seed: number;
  readonly optimizer: (net: nn.Module) => Optimizer;
}

const cases: readonly Case[] = [
  {
    name: 'LeNet-5, SGD',
    build: lenet5,
    batch: [8, 1, 32, 32],
    seed: 1,
    optimizer: (net) => new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 }),
  },
  {
    name: 'LeNet-5, Adam',
    build: lenet5,
    batch: [8, 1, 32, 32],
    seed: 1,
    optimizer: (net) => new Adam(net.parameters()),
  },
  {
    name: 'ResNet-20, SGD',
    build: () => new ResNet20(),
    batch: [4, 3, 16, 16],
    seed: 8,
    optimizer: (net) => new SGD(net.parameters(), { lr: 0.002, momentum: 0.9, weightDecay: 1e-4 }),
  },
];

interface Trained {
  readonly losses: readonly number[];
  readonly state: ReadonlyMap<string, Float64Array>;
  readonly compiles: number;
}

async function train(on: Device, { build, batch, seed, optimizer: make }: Case, steps = 10): Promise<Trained> {
  setDefaultDevice(on);
  manualSeed(0);
  const net = build() as nn.Module & ((x: unknown) => never);
  manualSeed(seed);
  const x = randn(batch);
  const y = randint(0, 10, [batch[0]]);
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = make(net);
  const { compiles } = stats(on);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    const loss = criterion(net(x), y);
    loss.backward();
    await optimizer.step();
    losses.push(await loss.item());
  }
  const state = new Map<string, Float64Array>();
  const made = stats(on).compiles - compiles;
  for (const [name, tensor] of net.stateDict()) state.set(name, Float64Array.from(await tensor.data(), Number));
  net.dispose();
  return { losses, state, compiles: made };
}

/** Of losses, and of the norm of what the state dict holds. The batches are such that rounding turns no ReLU. */
const TOLERANCE = 1e-5;

const furthest = (losses: readonly number[], expected: readonly number[]): number =>
  Math.max(...losses.map((loss, i) => Math.abs(loss / expected[i] - 1)));

const norm = (values: Float64Array): number => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

const ort = await device(createOnnxruntime());
afterAll(async () => {
  setDefaultDevice(referenceDevice());
  await ort.dispose();
});

test.each(cases)('$name: ten steps', { timeout: 120_000 }, async (its) => {
  const golden = goldens[its.name];
  const trained = await train(ort, its);
  expect(trained.compiles).toBe(1);

  expect(furthest(trained.losses, golden.losses)).toBeLessThan(TOLERANCE);
  expect(furthest(trained.losses, golden.losses64)).toBeLessThan(TOLERANCE);
  for (const [name, [sum, squares]] of Object.entries(golden.sums)) {
    const values = trained.state.get(name)!;
    const size = Math.sqrt(squares);
    expect(Math.abs(norm(values) - size), `${name}: norm`).toBeLessThanOrEqual(TOLERANCE * size);
    const difference = Math.abs(values.reduce((total, v) => total + v, 0) - sum);
    expect(difference, `${name}: sum`).toBeLessThanOrEqual(TOLERANCE * size * Math.sqrt(values.length));
  }

  const expected = await train(referenceDevice(), its);
  expect(furthest(trained.losses, expected.losses)).toBeLessThan(TOLERANCE);
  expect([...trained.state.keys()]).toEqual([...expected.state.keys()]);
  for (const [name, values] of trained.state) {
    const theirs = expected.state.get(name)!;
    const difference = norm(values.map((v, i) => v - theirs[i]));
    expect(difference, name).toBeLessThanOrEqual(TOLERANCE * norm(theirs));
  }
});

test.each<[string, (net: nn.Module) => Optimizer]>([
  ['SGD', (net) => new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 })],
  ['Adam, half the rate', (net) => new Adam(net.parameters(), { lr: 0.0005 })],
])('LeNet-5, 64 images, %s: PyTorch’s losses within 1e-4', async (name, optimizer) => {
  // Rounding turns a ReLU in the first step: a unit is -4e-8 in float64 and 3e-8 here.
  const lenet = readFileSync(new URL('../../optim/test/goldens/lenet/steps.json', import.meta.url), 'utf8');
  const golden = (JSON.parse(lenet) as Record<string, Golden>)[name];
  const { losses } = await train(ort, { name, build: lenet5, batch: [64, 1, 32, 32], seed: 1, optimizer });
  expect(furthest(losses, golden.losses)).toBeLessThan(1e-4);
});

// A last batch has any size; convolutions in blocks take whole blocks of images, or fewer than one.
test.each([1, 15, 17, 30, 33])('LeNet-5, %i images: the losses of reference', async (size) => {
  const its: Case = { ...cases[0], batch: [size, 1, 32, 32] };
  const { losses } = await train(ort, its, 2);
  expect(furthest(losses, (await train(referenceDevice(), its, 2)).losses)).toBeLessThan(TOLERANCE);
});
