/**
 * Weight normalization.
 */
import { OutOfRangeError } from '../../errors.js';
import { noGrad } from '../../graph/modes.js';
import { describe } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { Parameter } from '../../runtime/cell.js';
import type { Module } from '../module.js';
import { defineWeight, fieldsOf, restoreParameter, takeParameter } from './computed-weight.js';

/** The length of v along all axes but one, which stays; of all of v for null. */
function lengthsExcept(v: Tensor, dim: number | null): Tensor {
  if (dim === null) return v.norm();
  const others = v.shape.map((_, axis) => axis).filter((axis) => axis !== dim);
  return others.length === 0 ? v.abs() : v.norm(2, others, true);
}

/**
 * Weight normalization, as `torch.nn.utils.weight_norm`: a weight as a length and a direction,
 *
 * w = g · v / ‖v‖
 *
 * which are trained in its place. The parameter `name` gives way to `<name>_g`, its lengths, and `<name>_v`, itself; what
 * `module[name]` then reads as is w, computed from what they are now.
 *
 * Shape: `<name>_v` is that of the parameter; `<name>_g` has size 1 along all axes but `dim`, and no axes for null.
 *
 * Source: Salimans and Kingma, "Weight normalization: a simple reparameterization to accelerate training of deep neural
 * networks", 2016.
 *
 * When to use: where batches are too small for {@link BatchNorm2d}, or noise from other samples does harm, as in
 * reinforcement learning and generative models. It does not keep activations in range: initialize with care.
 *
 * @param module The layer. It is changed, and returned.
 * @param name The parameter. Default 'weight'.
 * @param dim The axis that keeps lengths of its own: 0, the default, gives one an output of `Linear` and `Conv2d`. null:
 *   one length for all (PyTorch's None or −1).
 * @throws FakkelError if the module has no such parameter, or it is normalized already.
 * @example
 * const layer = nn.utils.weightNorm(new nn.Linear(20, 40));
 * layer.getParameter('weight_g').shape; // [40, 1]
 * layer.getParameter('weight_v').shape; // [40, 20]
 */
export function weightNorm<M extends Module>(module: M, name = 'weight', dim: number | null = 0): M {
  const weight = takeParameter('weightNorm', module, name);
  const fields = fieldsOf(module);
  if (dim !== null && !(Number.isInteger(dim) && dim >= 0 && dim < weight.ndim)) {
    fields[name] = weight;
    throw new OutOfRangeError(
      `weightNorm: dim is an axis from 0 to ${weight.ndim - 1} of '${name}', or null for one length of all; ` +
        `got ${typeof dim === 'number' ? dim : describe(dim)}`,
    );
  }
  const [g, v] = [`${name}_g`, `${name}_v`];
  fields[g] = new Parameter(noGrad(() => lengthsExcept(weight, dim)));
  fields[v] = new Parameter(weight.detach());
  defineWeight('weightNorm', module, name, (owner) => {
    const direction = fieldsOf(owner)[v] as Parameter;
    return direction.mul((fieldsOf(owner)[g] as Parameter).div(lengthsExcept(direction, dim)));
  });
  return module;
}

/**
 * Undoes {@link weightNorm}: the weight is a parameter again, with the value it has.
 *
 * @param module The layer. It is changed, and returned.
 * @param name The parameter. Default 'weight'.
 * @throws FakkelError if it is not normalized.
 * @example
 * const layer = nn.utils.weightNorm(new nn.Linear(20, 40));
 * nn.utils.removeWeightNorm(layer).weight.shape; // [40, 20]
 */
export function removeWeightNorm<M extends Module>(module: M, name = 'weight'): M {
  restoreParameter('weightNorm', module, name, [`${name}_g`, `${name}_v`]);
  return module;
}
