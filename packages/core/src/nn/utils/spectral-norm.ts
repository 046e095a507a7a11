/**
 * Spectral normalization.
 */
import { allocate } from '../../dtype.js';
import { OutOfRangeError } from '../../errors.js';
import { hide, noGrad } from '../../graph/modes.js';
import { fromHost } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { normalize } from '../../ops/distance.js';
import { defaultGenerator } from '../../random/generator.js';
import { Buffer, type Parameter } from '../../runtime/cell.js';
import { inherentHooks, type Module } from '../module.js';
import { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d } from '../modules/conv-transpose.js';
import { checkCount, checkNumber } from '../modules/factory.js';
import { defineWeight, fieldsOf, restoreParameter, takeParameter } from './computed-weight.js';

/** What {@link spectralNorm} takes beside the parameter's name. */
export interface SpectralNormOptions {
  /** Power iterations a training forward. Default 1. */
  nPowerIterations?: number;
  /** Smallest length that is divided by. Default 1e-12. */
  eps?: number;
  /** The axis of outputs. Default 0; 1 for transposed convolutions. */
  dim?: number;
}

/** A weight as a matrix with one row an output. */
function asMatrix(weight: Tensor, dim: number): Tensor {
  const others = weight.shape.map((_, axis) => axis).filter((axis) => axis !== dim);
  const rows = dim === 0 ? weight : weight.permute([dim, ...others]);
  return rows.reshape([weight.shape[dim], -1]);
}

/** A random vector of length 1: drawn and divided at once, so that a first step is recorded as all others. */
function randomUnit(size: number, weight: Parameter, eps: number): Buffer {
  const values = allocate(weight.dtype, size) as Float32Array | Float64Array;
  defaultGenerator.normal(values, 0, 1);
  let squares = 0;
  for (const x of values) squares += x * x;
  const length = Math.max(Math.sqrt(squares), eps);
  for (let i = 0; i < size; i++) values[i] /= length;
  return new Buffer(fromHost(values, { shape: [size], dtype: weight.dtype }, weight.device));
}

/**
 * Spectral normalization, as `torch.nn.utils.spectral_norm`: a weight divided by its largest singular value,
 *
 * w = W / σ, σ = uᵀ W v
 *
 * so that the layer changes no distance by more than a factor of 1. The singular vectors u and v are estimated by power
 * iteration, v ← Wᵀu / ‖Wᵀu‖, u ← W v / ‖W v‖, once a call in training mode; evaluation leaves them. The parameter
 * `name` becomes `<name>_orig`, and the buffers `<name>_u` and `<name>_v` are new; what `module[name]` then reads as is w.
 * After `manualSeed(seed)` the first u and v are PyTorch's.
 *
 * Shape: `<name>_u` `[outputs]`, `<name>_v` `[product of the other axes]`.
 *
 * Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.
 *
 * When to use: in the discriminator of a GAN, whose gradients it keeps from exploding.
 *
 * @param module The layer. It is changed, and returned.
 * @param name The parameter. Default 'weight'.
 * @throws FakkelError if the module has no such parameter, or it is normalized already.
 * @example
 * const layer = nn.utils.spectralNorm(new nn.Linear(20, 40));
 * layer(randn([8, 20])).shape; // [8, 40]
 * [...layer.stateDict().keys()]; // ['bias', 'weight_orig', 'weight_u', 'weight_v']
 */
export function spectralNorm<M extends Module>(module: M, name = 'weight', options: SpectralNormOptions = {}): M {
  const op = 'spectralNorm';
  checkOptions(op, options, ['nPowerIterations', 'eps', 'dim'] satisfies (keyof SpectralNormOptions)[]);
  const transposed = [ConvTranspose1d, ConvTranspose2d, ConvTranspose3d].some((type) => module instanceof type);
  const { nPowerIterations = 1, eps = 1e-12, dim = transposed ? 1 : 0 } = options;
  checkCount(op, 'nPowerIterations', nPowerIterations, 1);
  checkNumber(op, 'eps', eps, 0);
  const fields = fieldsOf(module);
  const weight = takeParameter(op, module, name);
  if (!(Number.isInteger(dim) && dim >= 0 && dim < weight.ndim)) {
    fields[name] = weight;
    throw new OutOfRangeError(`${op}: dim is an axis from 0 to ${weight.ndim - 1} of '${name}', got ${dim}`);
  }
  const [original, left, right] = partsOf(name);
  const outputs = weight.shape[dim];
  fields[original] = weight;
  fields[left] = randomUnit(outputs, weight, eps);
  fields[right] = randomUnit(weight.numel() / outputs, weight, eps);

  const read = (owner: Module): { cells: [Buffer, Buffer]; weight: Parameter; matrix: Tensor } => {
    const own = fieldsOf(owner);
    const weight = own[original] as Parameter;
    return { cells: [own[left] as Buffer, own[right] as Buffer], weight, matrix: asMatrix(weight, dim) };
  };
  const isCurrent = defineWeight(op, module, name, (owner) => {
    const { cells, weight, matrix } = read(owner);
    // Snapshots, so that a second forward, which moves u and v on, leaves the gradient of the first what it was.
    const [u, v] = cells.map((cell) => cell.detach());
    return weight.div(u.dot(matrix.mv(v)));
  });
  const iterate = (owner: Module): void => {
    if (!owner.training || !isCurrent(owner)) return;
    const { cells, matrix } = read(owner);
    let [u, v]: Tensor[] = cells;
    for (let i = 0; i < nPowerIterations; i++) {
      v = normalize(matrix.t().mv(u), { dim: 0, eps });
      u = normalize(matrix.mv(v), { dim: 0, eps });
    }
    cells[0].assign(u);
    cells[1].assign(v);
  };
  const hook = (owner: Module): void => hide(() => noGrad(() => iterate(owner)));
  inherentHooks.add(hook);
  module.registerForwardPreHook(hook);
  return module;
}

const partsOf = (name: string): [string, string, string] => [`${name}_orig`, `${name}_u`, `${name}_v`];

/**
 * Undoes {@link spectralNorm}: the weight is a parameter again, with the value it has.
 *
 * @param module The layer. It is changed, and returned.
 * @param name The parameter. Default 'weight'.
 * @throws FakkelError if it is not normalized.
 * @example
 * const layer = nn.utils.spectralNorm(new nn.Linear(20, 40));
 * nn.utils.removeSpectralNorm(layer).weight.shape; // [40, 20]
 */
export function removeSpectralNorm<M extends Module>(module: M, name = 'weight'): M {
  restoreParameter('spectralNorm', module, name, partsOf(name));
  return module;
}
