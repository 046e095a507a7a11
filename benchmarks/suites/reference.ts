/**
 * One training step of LeNet-5 (batch 64, 1×32×32, SGD with momentum) on the reference backend, beside what else computes
 * in plain JavaScript: ConvNetJS and TensorFlow.js's cpu backend; PyTorch too where python3 has torch.
 */
import { manualSeed, nn, randint, randn } from '@fakkel/core';
import { lenet5 } from '@fakkel/models';
import { SGD } from '@fakkel/optim';
import { commandOf } from '../engines/index.js';
import { EngineProcess } from '../engines/process.js';
import type { QuietWatch } from '../machine/quiet.js';
import type { Options } from '../options.js';
import { formatNumber, formatTable, median } from '../report/table.js';
import { writeFiles } from './files.js';

const BATCH = 64;

interface Contender {
  name: string;
  /** Steps per round: fast ones repeat, so that a round is not noise. */
  steps: number;
  step(): Promise<unknown>;
  /** Where it computes. */
  pid: number;
  end?(): Promise<void>;
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
    pid: process.pid,
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
    pid: process.pid,
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
  return { name: 'TensorFlow.js 4.22.0, cpu', steps: 1, pid: process.pid, step: () => model.trainOnBatch(x, y) };
}

/** PyTorch in a process of its own. */
async function pytorch(folder: string): Promise<Contender | string> {
  const command = commandOf('pytorch');
  if (typeof command === 'string') return command;
  const engine = await EngineProcess.start(command);
  await engine.load({ ...(await writeFiles(folder, 'lenet', false)), phase: 'train' });
  const { title, threads } = engine.hello;
  return {
    name: `${title}, ${threads} threads`,
    steps: 50,
    pid: engine.pid,
    step: () => engine.steps(1),
    end: () => engine.end(),
  };
}

export interface ReferenceResult {
  /** Milliseconds of a step, by round. */
  readonly times: Readonly<Record<string, readonly number[]>>;
  readonly report: string;
}

export async function measureReference(
  { rounds }: Options,
  folder: string,
  watch: QuietWatch,
  say: (message: string) => void,
): Promise<ReferenceResult> {
  const contenders: Contender[] = [];
  for (const make of [fakkel, convnetjs, tensorflow, () => pytorch(folder)]) {
    const contender = await make();
    if (typeof contender === 'string') say(contender);
    else contenders.push(contender);
  }
  const times = new Map(contenders.map(({ name }): [string, number[]] => [name, []]));
  for (const { step } of contenders) await step(); // compiles and warms up
  for (let round = 0; round < rounds; round++) {
    await watch.wait(say);
    for (const { name, steps, step, pid } of contenders) {
      say(`round ${round + 1} of ${rounds}: ${name}`);
      const start = performance.now();
      await watch.during(pid, async () => {
        for (let i = 0; i < steps; i++) await step();
      });
      times.get(name)!.push((performance.now() - start) / steps);
    }
  }
  for (const { end } of contenders) await end?.();
  return { times: Object.fromEntries(times), report: table(times) };
}

function table(times: ReadonlyMap<string, readonly number[]>): string {
  const base = median([...times.values()][0]);
  const rows = [...times].map(([name, list]) => [
    name,
    formatNumber(median(list)),
    formatNumber(Math.min(...list)),
    (median(list) / base).toFixed(2),
  ]);
  const columns = [
    { title: `LeNet-5 training step, batch ${BATCH}, ms`, align: 'left' as const },
    { title: 'median' },
    { title: 'minimum' },
    { title: "of Fakkel's time" },
  ];
  return formatTable(columns, rows);
}
