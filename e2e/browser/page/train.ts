import { device, manualSeed, nn, setDefaultDevice, stack } from '@fakkel/core';
import { digits } from '@fakkel/data';
import { lenet5 } from '@fakkel/models';
import { SGD } from '@fakkel/optim';

/** Trains LeNet-5 on digits with the reference backend; one batch of 32, so that every step must lower the loss. */
export async function trainLeNet(steps: number): Promise<number[]> {
  setDefaultDevice(await device('reference'));
  manualSeed(0);
  const dataset = digits();
  const samples = Array.from({ length: 32 }, (_, i) => dataset.get(i));
  const images = nn.functional.interpolate(stack(samples.map(([image]) => image)), {
    size: [32, 32],
    mode: 'bilinear',
  });
  const labels = stack(samples.map(([, label]) => label));

  const net = lenet5();
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
  const losses = [];
  for (let step = 0; step < steps; step++) {
    optimizer.zeroGrad();
    const loss = criterion(net(images), labels);
    loss.backward();
    await optimizer.step();
    losses.push(loss);
  }
  return Promise.all(losses.map((loss) => loss.item()));
}
