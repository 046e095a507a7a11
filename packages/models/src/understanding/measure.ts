/**
 * How long networks take: a call in evaluation mode, and a training step.
 */
import {
  type Device,
  evaluate,
  flush,
  grad,
  isTensor,
  nn,
  noGrad,
  randn,
  ShapeError,
  type Shape,
  type Tensor,
} from '@fakkel/core';

/** What is measured of a network: its input on the device. */
export interface Measured {
  readonly model: nn.Module;
  readonly input: Shape;
}

export interface MeasureOptions {
  readonly device: Device;
  readonly training: boolean;
  readonly warmup: number;
  readonly rounds: number;
}

/**
 * Milliseconds a batch, medians over the rounds; each round has every network once, so that what slows the machine down
 * for a while slows all. null where the network can't be called so: batch normalization over one value a channel.
 */
export async function measure(
  networks: readonly Measured[],
  { device, training, warmup, rounds }: MeasureOptions,
): Promise<(number | null)[]> {
  const calls = networks.map(({ model, input }) => {
    model.to(device).train(training);
    const x = randn([...input], { device });
    return training ? (): Promise<void> => step(model, x, device) : (): Promise<void> => infer(model, x);
  });
  const times: (number[] | null)[] = networks.map(() => []);
  for (let round = -warmup; round < rounds; round++) {
    for (const [i, call] of calls.entries()) {
      if (times[i] === null) continue;
      const started = performance.now();
      try {
        await call();
      } catch (error) {
        if (!(error instanceof ShapeError)) throw error;
        times[i] = null;
        continue;
      }
      if (round >= 0) times[i].push(performance.now() - started);
    }
  }
  return times.map((list) => list && median(list));
}

const run = (model: nn.Module, x: Tensor): Tensor[] => tensorsIn((model as (x: Tensor) => unknown)(x));

async function infer(model: nn.Module, x: Tensor): Promise<void> {
  await evaluate(...noGrad(() => run(model, x)));
}

/** Forward, backward, and an update by gradients times zero, which leaves the parameters as they are: one program. */
async function step(model: nn.Module, x: Tensor, device: Device): Promise<void> {
  const parameters = model.parameters().filter((p) => p.requiresGrad);
  const loss = run(model, x)
    .map((t) => nn.functional.logSoftmax(t.flatten(1), 1).mean())
    .reduce((a, b) => a.add(b));
  const gradients = grad(loss, parameters, { allowUnused: true });
  noGrad(() => parameters.forEach((p, i) => gradients[i] && p.assign(p.sub(gradients[i].mul(0)))));
  await flush(device);
}

function tensorsIn(value: unknown): Tensor[] {
  if (isTensor(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(tensorsIn) : [];
}

/** The middle value; of two, their mean. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
