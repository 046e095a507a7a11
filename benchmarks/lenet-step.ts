/**
 * One training step of LeNet-5 (batch 64, 1×32×32, SGD with momentum) on the reference backend, beside ConvNetJS and
 * TensorFlow.js's cpu backend, interleaved; PyTorch too where the system's python3 has torch.
 *
 *     npm run benchmark                       # everything
 *     npm run benchmark -- --only fakkel      # without the others
 *
 * Prints the median and the minimum of the repetitions in milliseconds, and the ratio to Fakkel.
 */
import { manualSeed, nn, randint, randn } from '@fakkel/core';
import { lenet5 } from '@fakkel/models';
import { SGD } from '@fakkel/optim';
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';

const BATCH = 64;
const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, rounds: { type: 'string', default: '7' } },
});
const rounds = Number(values.rounds);

interface Contender {
  name: string;
  /** Steps per round: fast ones repeat, so that a round is not noise. */
  steps: number;
  step(): Promise<unknown>;
}

async function fakkel(): Promise<Contender> {
  manualSeed(0);
  const net = lenet5();
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
  const x = randn([BATCH, 1, 32, 32]);
  const y = randint(0, 10, [BATCH], { dtype: 'int32' });
  return {
    name: 'Fakkel, reference backend',
    steps: 10,
    async step() {
      optimizer.zeroGrad();
      const loss = criterion(net(x), y);
      loss.backward();
      await optimizer.step();
      return loss.item();
    },
  };
}

async function convnetjs(): Promise<Contender> {
  const { default: js } = await import('convnetjs');
  const net = new js.Net();
  net.makeLayers([
    { type: 'input', out_sx: 32, out_sy: 32, out_depth: 1 },
    { type: 'conv', sx: 5, filters: 6, stride: 1, pad: 0, activation: 'relu' },
    { type: 'pool', sx: 2, stride: 2 },
    { type: 'conv', sx: 5, filters: 16, stride: 1, pad: 0, activation: 'relu' },
    { type: 'pool', sx: 2, stride: 2 },
    { type: 'conv', sx: 5, filters: 120, stride: 1, pad: 0, activation: 'relu' },
    { type: 'fc', num_neurons: 84, activation: 'relu' },
    { type: 'softmax', num_classes: 10 },
  ]);
  const trainer = new js.Trainer(net, { method: 'sgd', learning_rate: 0.01, momentum: 0.9, batch_size: BATCH });
  const images = Array.from({ length: BATCH }, () => {
    const volume = new js.Vol(32, 32, 1, 0);
    for (let i = 0; i < volume.w.length; i++) volume.w[i] = Math.random() * 2 - 1;
    return volume;
  });
  return {
    name: 'ConvNetJS 0.3.0',
    steps: 1,
    async step() {
      images.forEach((image, i) => trainer.train(image, i % 10));
    },
  };
}

async function tensorflow(): Promise<Contender> {
  const tf = await import('@tensorflow/tfjs');
  await tf.setBackend('cpu');
  const model = tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [32, 32, 1], filters: 6, kernelSize: 5, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 16, kernelSize: 5, activation: 'relu' }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.conv2d({ filters: 120, kernelSize: 5, activation: 'relu' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 84, activation: 'relu' }),
      tf.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
  model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: 'categoricalCrossentropy' });
  const x = tf.randomNormal([BATCH, 32, 32, 1]);
  const y = tf.oneHot(
    tf.tensor1d(
      Array.from({ length: BATCH }, (_, i) => i % 10),
      'int32',
    ),
    10,
  );
  return { name: 'TensorFlow.js 4.22.0, cpu', steps: 1, step: () => model.trainOnBatch(x, y) };
}

/** PyTorch in a process of its own: it prints the milliseconds of each step. */
function pytorch(): number[] | null {
  const script = `
import time, torch
torch.manual_seed(0)
nn = torch.nn
net = nn.Sequential(nn.Conv2d(1,6,5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6,16,5), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Conv2d(16,120,5), nn.ReLU(), nn.Flatten(), nn.Linear(120,84), nn.ReLU(), nn.Linear(84,10))
opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
x, y = torch.randn(${BATCH},1,32,32), torch.randint(0,10,(${BATCH},))
for i in range(40):
    t = time.perf_counter()
    opt.zero_grad(set_to_none=True); loss = nn.functional.cross_entropy(net(x), y); loss.backward(); opt.step(); loss.item()
    if i >= 10: print((time.perf_counter() - t) * 1000)
`;
  const { status, stdout } = spawnSync('/usr/bin/python3', ['-c', script], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().split('\n').map(Number) : null;
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Two processes on two cores ruin each other's figures: waits up to a minute for a quiet machine. */
async function quiet(): Promise<boolean> {
  for (let i = 0; i < 12; i++) {
    if (loadavg()[0] < 0.7) return true;
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
  return false;
}

const makers = { fakkel, convnetjs, tensorflow };
const chosen = (Object.keys(makers) as (keyof typeof makers)[]).filter(
  (name) => !values.only || values.only.includes(name),
);
const contenders: Contender[] = [];
for (const name of chosen) contenders.push(await makers[name]());

if (!(await quiet()))
  console.log(`The machine is not quiet (load ${loadavg()[0].toFixed(1)}): take the figures with care.`);
for (const contender of contenders) await contender.step(); // compiles and warms up
const times = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  for (const { name, steps, step } of contenders) {
    const start = performance.now();
    for (let i = 0; i < steps; i++) await step();
    times.set(name, [...(times.get(name) ?? []), (performance.now() - start) / steps]);
  }
  if (!values.only || values.only.includes('pytorch')) {
    const python = pytorch();
    if (python) times.set('PyTorch, system python3', [...(times.get('PyTorch, system python3') ?? []), median(python)]);
  }
}
const base = median(times.get('Fakkel, reference backend') ?? [NaN]);
console.log(`LeNet-5 training step, batch ${BATCH}, 1×32×32; ${rounds} rounds, interleaved; ms`);
for (const [name, list] of times) {
  const m = median(list);
  console.log(
    `${name.padEnd(28)} median ${m.toFixed(1).padStart(8)}   min ${Math.min(...list)
      .toFixed(1)
      .padStart(8)}   ${(m / base).toFixed(2)}× Fakkel's time`,
  );
}
