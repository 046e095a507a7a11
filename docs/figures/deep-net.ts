/**
 * The network of the lecture's histograms, which several figures train: eight fully connected layers on the digits.
 */
import { nn, tensor, type Tensor } from '@fakkel/core';
import { DataLoader, digits, RunningNormalizer, TensorDataset } from '@fakkel/data';
import { SGD } from '@fakkel/optim';

export const [LAYERS, UNITS, BATCH] = [8, 100, 128];

/** A layer's activation. */
export type Activation = (z: Tensor) => Tensor;

export interface DeepOptions {
  readonly activation: Activation;
  /** Writes the weights of a hidden layer. */
  readonly weights: (weight: nn.Linear['weight']) => unknown;
  /** Batch normalization between each layer and its activation. Default false. */
  readonly batchNorm?: boolean;
}

/** A hidden layer: z = Wx + b, batch norm if wanted, activation. */
class Layer extends nn.Module {
  readonly linear: nn.Linear;
  readonly norm: nn.BatchNorm1d | null;

  constructor(
    inputs: number,
    private readonly options: DeepOptions,
  ) {
    super();
    this.linear = new nn.Linear(inputs, UNITS);
    this.norm = options.batchNorm ? new nn.BatchNorm1d(UNITS) : null;
    options.weights(this.linear.weight);
    nn.init.zeros_(this.linear.bias!);
  }

  forward(x: Tensor): Tensor {
    const z = this.linear(x);
    return this.options.activation(this.norm ? this.norm(z) : z);
  }
}

/** 64 pixels, eight hidden layers of 100 units, ten classes. */
export class DeepNet extends nn.Module {
  readonly hidden: nn.ModuleList<Layer>;
  readonly out = new nn.Linear(UNITS, 10);

  constructor(options: DeepOptions) {
    super();
    this.hidden = new nn.ModuleList(Array.from({ length: LAYERS }, (_, i) => new Layer(i === 0 ? 64 : UNITS, options)));
  }

  forward(x: Tensor): Tensor {
    for (const layer of this.hidden) x = layer(x);
    return this.out(x);
  }
}

/** Features `[N, 64]` and labels `[N]`. */
export interface Data {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** The 1,797 digits as rows of 64 pixels, each pixel of zero mean and unit variance. */
export async function normalizedDigits(): Promise<Data> {
  const { images, labels } = digits();
  const pixels = tensor(images.data).reshape([-1, 64]);
  const normalizer = await new RunningNormalizer(64).fit([pixels]);
  return { x: normalizer(pixels).detach(), y: tensor(labels.data) };
}

/** Plain SGD on shuffled batches; the loss of each step, to its end or to the step at which it is no number any more. */
export async function train(
  net: DeepNet,
  data: Data,
  options: { lr: number; steps: number; before?: (step: number) => unknown },
): Promise<number[]> {
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: options.lr });
  const losses: number[] = [];
  const loader = new DataLoader(new TensorDataset(data.x, data.y), { batchSize: BATCH, shuffle: true, dropLast: true });
  for (;;) {
    for await (const [x, y] of loader) {
      if (losses.length === options.steps) return losses;
      await options.before?.(losses.length);
      optimizer.zeroGrad();
      const loss = criterion(net(x), y);
      loss.backward();
      await optimizer.step();
      losses.push(await loss.item());
      if (!Number.isFinite(losses.at(-1)!)) return losses;
    }
  }
}
