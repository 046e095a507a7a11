/**
 * Bilinear forms.
 */
import { ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sameShape } from '../shape.js';
import { checkFloat, checkSameDType } from './common.js';
import { composed } from './compose.js';

/**
 * A bilinear form of two vectors for each output, as `F.bilinear`: y[o] = x1ᵀ · weight[o] · x2 + bias[o].
 *
 * Shape: x1 `[…, I]`, x2 `[…, J]`, weight `[O, I, J]` and bias `[O]` give `[…, O]`.
 *
 * @throws ShapeError if the shapes do not fit; DTypeError unless all have one float dtype.
 * @example
 * const [x1, x2] = [tensor([[1, 2]]), tensor([[3, 4]])];
 * await nn.functional.bilinear(x1, x2, ones([1, 2, 2])).toArray(); // [[21]]
 */
export function bilinear(x1: Tensor, x2: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  const op = 'bilinear';
  const tensors = [x1, x2, weight, ...(bias ? [bias] : [])];
  for (const t of tensors) checkTensor(op, t);
  checkFloat(op, tensors);
  checkSameDType(op, tensors);
  const before = x1.shape.slice(0, -1);
  const [outputs, first, second] = weight.shape;
  const fits =
    weight.ndim === 3 &&
    x1.ndim > 0 &&
    sameShape(x1.shape, [...before, first]) &&
    sameShape(x2.shape, [...before, second]) &&
    (!bias || sameShape(bias.shape, [outputs]));
  if (!fits) {
    throw new ShapeError(
      `${op}: expected x1 […, I], x2 […, J], weight [O, I, J] and bias [O], got ${tensors.map(formatAval).join(', ')}`,
    );
  }
  return composed(() => {
    const forms = weight.permute([1, 0, 2]).reshape([first, outputs * second]);
    const y = x1
      .matmul(forms)
      .reshape([...before, outputs, second])
      .mul(x2.unsqueeze(-2))
      .sum(-1);
    return bias ? y.add(bias) : y;
  });
}
