import { Generator, manualSeed, nn, noGrad, type Tensor } from '@fakkel/core';
import { DataLoader, digits, randomSplit, RunningNormalizer } from '@fakkel/data';
import { lenet5 } from '@fakkel/models';
import { Adam } from '@fakkel/optim';

export interface Listener {
  onStep(step: number, loss: number, milliseconds: number): void;
  /** `accuracy`: the share of the test images that are named rightly. */
  onEpoch(epoch: number, accuracy: number): void;
}

/** Trains LeNet-5 on the default device. */
export async function train(epochs: number, listener: Listener): Promise<void> {
  manualSeed(0);
  const [training, test] = randomSplit(digits({ size: 32 }), [0.8, 0.2], new Generator(0));
  const normalizer = await new RunningNormalizer(1).fit(new DataLoader(training, { batchSize: 256 }));
  const net = new nn.Sequential(normalizer, lenet5());
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new Adam(net.parameters(), { lr: 0.003 });
  const batches = new DataLoader(training, { batchSize: 32, shuffle: true, dropLast: true });
  const testBatches = new DataLoader(test, { batchSize: 180 });

  let step = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    net.train();
    let start = performance.now();
    for await (const [images, labels] of batches) {
      optimizer.zeroGrad();
      const loss = criterion(net(images), labels);
      loss.backward();
      await optimizer.step();
      listener.onStep(++step, await loss.item(), performance.now() - start);
      start = performance.now();
    }
    net.eval();
    listener.onEpoch(epoch, await accuracyOf(net, testBatches));
  }
}

function accuracyOf(net: nn.Sequential, batches: AsyncIterable<[Tensor, Tensor]>): Promise<number> {
  return noGrad(async () => {
    let right = 0;
    let all = 0;
    for await (const [images, labels] of batches) {
      right += await net(images).argmax(1).eq(labels).sum().item();
      all += labels.shape[0];
    }
    return right / all;
  });
}
