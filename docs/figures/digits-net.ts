/**
 * A small convolutional network on the digits, trained the same way by several figures: the same first weights and the
 * same batches, so that what differs is what a figure is about.
 */
import { Generator, manualSeed, nn, noGrad, type Tensor, tensor } from '@fakkel/core';
import { digits, randomSplit } from '@fakkel/data';
import { type Optimizer, trainSteps } from '@fakkel/optim';

const images = digits();

/** Of the 1,797 digits, 1,408 train (44 batches of 32) and 389 test. */
export const [trainSet, testSet] = randomSplit(images, [1408, 389], new Generator(0));

const SIDE = 8;

export interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** Images and labels at some places: about zero mean and unit variance. `move` moves each image by up to a pixel. */
export function batchOf(set: typeof trainSet, at: ArrayLike<number>, move?: Generator): Batch {
  const samples = Array.from(at, (i) => set.indices[i]);
  const pixels = samples.map((i) => images.images.row(i).data as Float32Array);
  const x = Float32Array.from(pixels.flatMap((image) => Array.from(move ? moved(image, move) : image)));
  return {
    x: tensor(x).reshape([samples.length, 1, SIDE, SIDE]).sub(0.305).div(0.376),
    y: tensor(Int32Array.from(samples, (i) => images.targets[i])),
  };
}

/** Up, down, left, right, slantwise, or not at all; what comes in has no ink. */
function moved(image: ArrayLike<number>, generator: Generator): number[] {
  const [down, right] = [(generator.random() % 3) - 1, (generator.random() % 3) - 1];
  const inside = (i: number): boolean => i >= 0 && i < SIDE;
  return Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [row, column] = [Math.floor(i / SIDE) - down, (i % SIDE) - right];
    return inside(row) && inside(column) ? image[row * SIDE + column] : 0;
  });
}

/** Two convolutions and a fully connected layer: 1,898 weights and biases. */
export function smallNet(seed = 0): nn.Sequential {
  manualSeed(seed);
  return new nn.Sequential(
    new nn.Conv2d(1, 8, 3, { padding: 1 }), // N x 8 x 8 x 8
    new nn.ReLU(),
    new nn.MaxPool2d(2), // N x 8 x 4 x 4
    new nn.Conv2d(8, 16, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2), // N x 16 x 2 x 2
    new nn.Flatten(),
    new nn.Linear(64, 10),
  );
}

export interface Training {
  readonly net: nn.Module;
  readonly optimizer: Optimizer;
  readonly epochs: number;
  readonly batchSize?: number;
  /** Whether each image is moved at random, by up to a pixel. Default false. */
  readonly move?: boolean;
  /** How many of the training images there are. Default: all. */
  readonly images?: number;
  /** After each epoch, from 1 up: a place for schedulers. */
  readonly afterEpoch?: (epoch: number) => unknown;
}

const STEPS_A_RUN = 4;

/** Trains, with the same batches whenever it is called, and gives the loss of each step. */
export async function train({ net, optimizer, epochs, afterEpoch, ...sizes }: Training): Promise<number[]> {
  const { batchSize = 32, images: count = trainSet.length, move = false } = sizes;
  const generator = new Generator(1);
  const criterion = new nn.CrossEntropyLoss();
  const losses: number[] = [];
  net.train();
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = generator.randperm(count);
    for (let i = 0; i + batchSize <= count; i += STEPS_A_RUN * batchSize) {
      const batches: Batch[] = [];
      for (let j = i; j + batchSize <= Math.min(count, i + STEPS_A_RUN * batchSize); j += batchSize) {
        batches.push(batchOf(trainSet, order.slice(j, j + batchSize), move ? generator : undefined));
      }
      const values = await trainSteps(optimizer, batches, ({ x, y }) => criterion(net(x), y));
      for (const loss of values) losses.push(await loss.item());
    }
    await afterEpoch?.(epoch);
  }
  return losses;
}

/** Loss and errors over images that nothing learns from. */
export async function test(net: nn.Module): Promise<{ loss: number; errors: number }> {
  const { x, y } = batchOf(testSet, [...Array(testSet.length).keys()]);
  net.eval();
  const logits = noGrad(() => net(x) as Tensor);
  const loss = await nn.functional.crossEntropy(logits, y).item();
  const errors = await logits.argmax(1).ne(y).sum().item();
  net.train();
  return { loss, errors };
}

export const mean = (values: readonly number[]): number => values.reduce((sum, v) => sum + v, 0) / values.length;

/** Means of as many losses in a row, at the epoch of their middle: what a batch adds by its own difficulty goes away. */
export function smoothed(losses: readonly number[], width: number, stepsAnEpoch: number): [number, number][] {
  return Array.from({ length: Math.floor(losses.length / width) }, (_, i) => [
    ((i + 0.5) * width) / stepsAnEpoch,
    mean(losses.slice(i * width, (i + 1) * width)),
  ]);
}
