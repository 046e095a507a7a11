/**
 * All parameters as one vector, and back.
 */
import { ShapeError } from '../../errors.js';
import { noGrad } from '../../graph/modes.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { composed } from '../../ops/compose.js';
import { cat } from '../../ops/joining.js';
import type { Parameter } from '../../runtime/cell.js';
import { formatAval } from '../../shape.js';

/**
 * The elements of all tensors one after the other, as `torch.nn.utils.parameters_to_vector`. Gradients flow through it:
 * a penalty on all weights, or the distance between two networks, is one expression.
 *
 * Shape: `[total number of elements]`.
 *
 * @example
 * const net = new nn.Linear(3, 2);
 * nn.utils.parametersToVector(net.parameters()).shape; // [8]
 */
export function parametersToVector(parameters: Iterable<Tensor>): Tensor {
  const list = [...parameters];
  for (const parameter of list) checkTensor('parametersToVector', parameter);
  if (list.length === 0) throw new ShapeError('parametersToVector: expected at least one parameter, got none');
  return composed(() => cat(list.map((parameter) => parameter.reshape([parameter.numel()]))));
}

/**
 * Assigns to each parameter its part of `vector`: the inverse of {@link parametersToVector}.
 *
 * @param vector One axis, with as many elements as all parameters together, in their dtype.
 * @throws ShapeError for another shape; nothing is assigned then.
 * @example
 * const net = new nn.Linear(3, 2);
 * const vector = nn.utils.parametersToVector(net.parameters());
 * nn.utils.vectorToParameters(vector.mul(0.5), net.parameters());
 */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Parameter>): void {
  checkTensor('vectorToParameters', vector);
  const list = [...parameters];
  const total = list.reduce((sum, parameter) => sum + parameter.numel(), 0);
  if (vector.ndim !== 1 || vector.shape[0] !== total) {
    throw new ShapeError(
      `vectorToParameters: the ${list.length} parameters have ${total} elements together, so the vector is [${total}]; ` +
        `got ${formatAval(vector)}`,
    );
  }
  noGrad(() =>
    composed(() => {
      let start = 0;
      for (const parameter of list) {
        const size = parameter.numel();
        parameter.assign(vector.narrow(0, start, size).reshape([...parameter.shape]));
        start += size;
      }
    }),
  );
}
