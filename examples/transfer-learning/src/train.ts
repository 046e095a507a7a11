/**
 * The training loop, and what is measured after each epoch.
 */
import { nn, noGrad } from '@fakkel/core';
import { DataLoader } from '@fakkel/data';
import { CosineAnnealingLR, SGD } from '@fakkel/optim';
import type { Data } from './data.js';

export interface TrainOptions {
  readonly epochs: number;
  readonly lr: number;
  readonly batchSize: number;
  readonly workers: number;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

/** One epoch: mean training loss, and the share of the validation images that are named rightly. */
export interface Epoch {
  readonly loss: number;
  readonly accuracy: number;
}

/** Trains the parameters that are not frozen: SGD with momentum, a cosine down to zero. */
export async function train(model: nn.Layer, data: Data, options: TrainOptions): Promise<Epoch[]> {
  const { epochs, lr, batchSize, workers: numWorkers, signal, note } = options;
  const criterion = new nn.CrossEntropyLoss();
  const trained = model.parameters().filter((parameter) => parameter.requiresGrad);
  const optimizer = new SGD(trained, { lr, momentum: 0.9, weightDecay: 1e-4 });
  const scheduler = new CosineAnnealingLR(optimizer, { tMax: epochs });
  // Batch normalization can't do with a last batch of one image.
  const dropLast = data.train.length % batchSize === 1;
  const loader = new DataLoader(data.train, { batchSize, shuffle: true, dropLast, numWorkers });
  const history: Epoch[] = [];
  for (let epoch = 1; epoch <= epochs && !signal.aborted; epoch++) {
    model.train(); // what is frozen stays in evaluation mode
    let [sum, images] = [0, 0];
    for await (const [x, y] of loader) {
      optimizer.zeroGrad();
      const loss = criterion(model(x), y);
      loss.backward();
      await optimizer.step();
      sum += (await loss.item()) * y.shape[0];
      images += y.shape[0];
      if (signal.aborted) break;
    }
    scheduler.step();
    const accuracy = await evaluate(model, data, batchSize);
    history.push({ loss: sum / images, accuracy });
    note(
      `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  training loss ${(sum / images).toFixed(4)}  ` +
        `validation accuracy ${(100 * accuracy).toFixed(1)} %`,
    );
  }
  return history;
}

/** The share of the validation images that are named rightly. */
export async function evaluate(model: nn.Layer, { validation }: Data, batchSize: number): Promise<number> {
  model.eval();
  let correct = 0;
  await noGrad(async () => {
    for await (const [x, y] of new DataLoader(validation, { batchSize })) {
      correct += await model(x).argmax(1).eq(y).sum().item();
    }
  });
  return correct / validation.length;
}
