import { Device, getDefaultDevice, nn, referenceBackend, stats, type Backend, type Tensor } from '@fakkel/core';

/** What a piece of code cost on a device: programs compiled and run, recorded operations run, kernels by name. */
export async function cost(
  fn: () => unknown,
  device: Device = getDefaultDevice(),
): Promise<{ compiles: number; runs: number; nodes: number; kernels: Record<string, number> }> {
  const before = stats(device);
  await fn();
  const after = stats(device);
  const kernels = Object.fromEntries(
    Object.entries(after.backend.kernels)
      .map(([op, n]): [string, number] => [op, n - (before.backend.kernels[op] ?? 0)])
      .filter(([, n]) => n > 0),
  );
  return {
    compiles: after.compiles - before.compiles,
    runs: after.runs - before.runs,
    nodes: after.nodes - before.nodes,
    kernels,
  };
}

/** A device of its own, so that counts start at zero. */
export async function freshDevice(wrap: (backend: Backend) => Backend = (b) => b): Promise<Device> {
  return new Device('fresh', wrap(await referenceBackend.create({})));
}

/** A small net with a convolution, to count forward passes by. */
export class SmallConvNet extends nn.Module {
  conv = new nn.Conv2d(1, 2, 3);
  fc = new nn.Linear(2 * 3 * 3, 4);
  forward(x: Tensor): Tensor {
    return this.fc(this.conv(x).relu().maxPool2d(2).flatten(1));
  }
}

/** Two layers. */
export class TwoLayerNet extends nn.Module {
  fc1 = new nn.Linear(4, 8);
  fc2 = new nn.Linear(8, 3);
  forward(x: Tensor): Tensor {
    return this.fc2(this.fc1(x).relu());
  }
}

/**
 * By how much a count, taken after equal numbers of steps, has grown: what a single one has more (V8's compiler holds on to
 * what it looks at, for a moment) does not count.
 */
export function growth(counts: readonly number[]): number {
  const half = counts.length / 2;
  return Math.min(...counts.slice(half)) - Math.max(...counts.slice(0, half));
}
