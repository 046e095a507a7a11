import { type Device, manualSeed, nn } from '@fakkel/core';
import { DataLoader, digits, RunningNormalizer } from '@fakkel/data';
import { lenet5 } from '@fakkel/models';
import { Adam } from '@fakkel/optim';

export interface TrainOptions {
  steps: number;
  batchSize: number;
}

/** Trains LeNet-5 on digits; the losses. */
export async function trainLeNet(device: Device, { steps, batchSize }: TrainOptions): Promise<number[]> {
  manualSeed(0);
  const dataset = digits({ size: 32 });
  const normalizer = new RunningNormalizer(1);
  await normalizer.fit(new DataLoader(dataset, { batchSize: 256 }));
  const loader = new DataLoader(dataset, { batchSize, shuffle: true, device });
  const net = new nn.Sequential(normalizer, lenet5()).to(device);
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new Adam(net.parameters(), { lr: 0.003 });
  const losses = [];
  for await (const [images, labels] of loader) {
    optimizer.zeroGrad();
    const loss = criterion(net(images), labels);
    loss.backward();
    await optimizer.step();
    losses.push(await loss.item());
    if (losses.length === steps) break;
  }
  return losses;
}
