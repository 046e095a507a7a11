/**
 * Averages of weights over training: stochastic weight averaging, exponential moving averages.
 */
import {
  Buffer,
  type Cell,
  commit,
  type Device,
  FakkelError,
  nn,
  noGrad,
  type Tensor,
  zeros,
  where,
} from '@fakkel/core';
import { hidden } from '../hidden.js';
import { checkOptions, kindOf } from '../param-groups.js';

/**
 * What an average becomes: of its value, the model's value and the number of models averaged so far (a tensor, so that
 * counting compiles nothing). Called while recording: use tensor operations.
 */
export type AvgFn = (averaged: Tensor, current: Tensor, numAveraged: Tensor) => Tensor;

/** Configuration of {@link AveragedModel}. */
export interface AveragedModelOptions {
  /** How a model enters the average. Default {@link getSwaAvgFn}: all models weigh the same. */
  avgFn?: AvgFn;
  /** Whether buffers (running statistics) are averaged too. Default false: they are copied from the model. */
  useBuffers?: boolean;
  /** Where the average lives. Default: where the model does. */
  device?: Device;
}

/** The mean of all models: a ← a + (w − a) / (n + 1). */
export const getSwaAvgFn = (): AvgFn => (averaged, current, numAveraged) =>
  averaged.add(current.sub(averaged).div(numAveraged.add(1).to(averaged.dtype)));

/**
 * An exponential moving average: a ← decay · a + (1 − decay) · w, about the mean of the last 1 / (1 − decay) models.
 *
 * @param decay From 0 to 1. Default 0.999.
 * @example
 * const ema = new AveragedModel(new nn.Linear(4, 1), { avgFn: getEmaAvgFn(0.99) });
 */
export function getEmaAvgFn(decay = 0.999): AvgFn {
  if (!(decay >= 0 && decay <= 1)) {
    throw new FakkelError(`getEmaAvgFn: Invalid decay value ${String(decay)} provided. It must be from 0 to 1.`);
  }
  return (averaged, current) => averaged.mul(decay).add(current.mul(1 - decay));
}

/**
 * An average of a model's weights over training, as `torch.optim.swa_utils.AveragedModel`: a copy of the model, whose
 * weights move with every {@link AveragedModel.updateParameters}. The first call copies the weights, later ones average
 * by `avgFn`. It is called like the model. The update belongs to the next run, normally that of the next training step,
 * and compiles nothing after the first ones.
 *
 * With `useBuffers` running statistics are averaged too; without, they are the model's own, as in PyTorch 2 (1.13 leaves
 * them as they were when the copy was made). For an equal average neither fits the averaged weights: let
 * {@link updateBn} compute them when training is done.
 *
 * State dict: `n_averaged`, and the copy's as `module.*`. `avgFn` is not saved.
 *
 * When to use: almost always worth a try, as it costs a copy of the weights and no tuning. An equal average over the last
 * quarter of the epochs, one model an epoch, with {@link SWALR}'s constant rate, finds wider minima, which generalize
 * better (Izmailov et al., UAI 2018, https://arxiv.org/abs/1803.05407). An exponential average, one model a step, smooths
 * the last steps' noise: with it a rate may stay higher (Polyak, Juditsky, 1992; used by Inception-v3 and EfficientNet).
 *
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new SGD(net.parameters(), { lr: 0.1 });
 * const ema = new AveragedModel(net, { avgFn: getEmaAvgFn(0.9) });
 * for (let step = 0; step < 3; step++) {
 *   optimizer.zeroGrad();
 *   net(ones(2, 4)).sum().backward();
 *   await optimizer.step();
 *   ema.updateParameters(net);
 * }
 * const prediction = ema.eval()(ones(1, 4));
 */
export class AveragedModel<M extends nn.Module = nn.Module> extends nn.Module {
  static override stateNames = { nAveraged: 'n_averaged' };

  readonly module: M;
  /** How many models are in the average. */
  readonly nAveraged: Buffer;
  private readonly avgFn: AvgFn;
  private readonly useBuffers: boolean;

  constructor(model: M, options: AveragedModelOptions = {}) {
    super();
    checkOptions('AveragedModel', options, ['avgFn', 'useBuffers', 'device']);
    const { avgFn = getSwaAvgFn(), useBuffers = false, device } = options;
    if (!((model as unknown) instanceof nn.Module)) {
      throw new TypeError(`AveragedModel: expected a module, got ${kindOf(model)}`);
    }
    if (typeof avgFn !== 'function') {
      throw new TypeError(`AveragedModel: avgFn must be a function, such as getEmaAvgFn(0.999), got ${kindOf(avgFn)}`);
    }
    const at = device ?? cellsOf(model)[0]?.device;
    this.module = model.clone();
    if (device) this.module.to(device);
    this.nAveraged = new Buffer(zeros([], { dtype: 'int32', device: at }), { savedDtype: 'int64' });
    this.avgFn = avgFn;
    this.useBuffers = useBuffers;
  }

  override forward(...args: Parameters<M['forward']>): ReturnType<M['forward']> {
    return (this.module as nn.Module)(...(args as unknown[])) as ReturnType<M['forward']>;
  }

  /**
   * Takes the model's present weights into the average: after the optimizer's step, or after an epoch.
   *
   * @throws FakkelError unless `model` is like the one that this is the average of.
   */
  updateParameters(model: nn.Module): void {
    const [averages, values] = [cellsOf(this.module), cellsOf(model)];
    if (averages.length !== values.length) {
      throw new FakkelError(
        `updateParameters: expected a model with ${averages.length} parameters and buffers, as the one that was averaged ` +
          `first, got one with ${values.length}`,
      );
    }
    averages.forEach((cell, i) => {
      if (String(cell.shape) === String(values[i].shape)) return; // what could be broadcast is another model, too
      throw new FakkelError(
        `updateParameters: expected a model like the one that was averaged first: its ${cell instanceof Buffer ? 'buffer' : 'parameter'} ` +
          `at index ${i} of parameters and buffers has shape [${cell.shape.join(', ')}], got [${values[i].shape.join(', ')}]`,
      );
    });
    hidden(() => {
      const count = this.nAveraged;
      const isFirst = count.eq(0);
      const next = averages.map((cell, i) => {
        const value = values[i].to(cell.device);
        if (cell instanceof Buffer && !this.useBuffers) return value;
        return where(isFirst, value, this.average(cell, value, count));
      });
      averages.forEach((cell, i) => cell.assign(next[i]));
      this.nAveraged.assign(count.add(1));
    });
  }

  /** An average of whole numbers (a count of batches) is made in float32, and rounded towards 0 as in PyTorch. */
  private average(cell: Cell, value: Tensor, count: Tensor): Tensor {
    if (cell.dtype !== 'int32') return this.avgFn(cell, value, count);
    return this.avgFn(cell.to('float32'), value.to('float32'), count).to('int32');
  }
}

/** Parameters, then buffers. */
const cellsOf = (model: nn.Module): Cell[] => [...model.parameters(), ...model.buffers()];

/**
 * Computes the running statistics of a model's BatchNorm layers anew, in one pass over data: the mean over all batches,
 * each of the same weight. Nothing else changes; a model without such layers is left alone, the data unread.
 *
 * When to use: after training, on an {@link AveragedModel}, whose weights no batch has passed through.
 *
 * @param loader Batches: tensors, or arrays whose first entry is the tensor that the model is called with.
 * @param model The model.
 * @param device Where the batches are moved to. Default: they stay.
 * @example
 * const net = new nn.Sequential(new nn.Linear(4, 8), new nn.BatchNorm1d(8), new nn.ReLU());
 * const average = new AveragedModel(net);
 * average.updateParameters(net);
 * await updateBn([randn(16, 4), randn(16, 4)], average);
 */
export async function updateBn(
  loader: Iterable<Tensor | readonly unknown[]> | AsyncIterable<Tensor | readonly unknown[]>,
  model: nn.Module,
  device?: Device,
): Promise<void> {
  const layers: BatchNorm[] = model
    .modules()
    .filter(isBatchNorm)
    .filter((layer) => layer.trackRunningStats);
  if (layers.length === 0) return;
  const modules = model.modules();
  const modes = modules.map(({ training }) => training);
  const momenta = layers.map(({ momentum }) => momentum);
  for (const layer of layers) {
    layer.resetRunningStats();
    layer.momentum = null; // all batches weigh the same
  }
  model.train();
  try {
    for await (const batch of loader) {
      const input = (Array.isArray(batch) ? batch[0] : batch) as Tensor;
      noGrad(() => model(device ? input.to(device) : input) as unknown);
      await Promise.all(layers.map((layer) => commit(layer.buffers(), layer.runningMean!.device)));
    }
  } finally {
    layers.forEach((layer, i) => (layer.momentum = momenta[i]));
    modules.forEach((module, i) => module.train(modes[i]));
  }
}

/** A layer whose momentum may be written for a while. */
type BatchNorm = { -readonly [K in keyof nn.BatchNorm2d]: nn.BatchNorm2d[K] };

const isBatchNorm = (module: nn.Module): module is nn.BatchNorm2d =>
  module instanceof nn.BatchNorm1d || module instanceof nn.BatchNorm2d || module instanceof nn.BatchNorm3d;
