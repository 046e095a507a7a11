/** Trains a deep network for two steps in a process of its own, and prints the bytes that its memory has grown by. */
import { readFileSync } from 'node:fs';
import { device, manualSeed, nn, randint, randn, setDefaultDevice, type Tensor } from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { SGD } from '@fakkel/optim';

const CHANNELS = 32;

class Block extends nn.Module {
  conv = new nn.Conv2d(CHANNELS, CHANNELS, 3, { padding: 1, bias: false });
  norm = new nn.BatchNorm2d(CHANNELS);
  override forward(x: Tensor): Tensor {
    return this.norm(this.conv(x)).relu().add(x);
  }
}

class DeepNet extends nn.Module {
  stem = new nn.Conv2d(1, CHANNELS, 3, { padding: 1 });
  blocks = new nn.Sequential(...Array.from({ length: 16 }, () => new Block()));
  fc = new nn.Linear(CHANNELS, 4);
  constructor(readonly segments: number) {
    super();
  }
  override forward(x: Tensor): Tensor {
    x = nn.utils.checkpointSequential(this.blocks, this.segments, this.stem(x));
    return this.fc(x.mean([2, 3]));
  }
}

/** Bytes of memory that are, or (`HWM`) at most were, this process's. */
const resident = (which: 'RSS' | 'HWM'): number =>
  1024 * Number(new RegExp(`Vm${which}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]);

setDefaultDevice(await device(createOnnxruntime({ threads: 1, worker: false })));
manualSeed(0);
const net = new DeepNet(Number(process.argv[2]));
const optimizer = new SGD(net.parameters(), { lr: 0.01 });
const criterion = new nn.CrossEntropyLoss();
const [x, y] = [randn([8, 1, 64, 64]), randint(0, 4, [8])];
const before = resident('RSS');
let loss = NaN;
for (let step = 0; step < 2; step++) {
  optimizer.zeroGrad();
  const value = criterion(net(x), y);
  value.backward();
  await optimizer.step();
  loss = await value.item();
}
process.stdout.write(JSON.stringify({ bytes: resident('HWM') - before, loss }));
process.exit(0);
