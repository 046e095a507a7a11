/**
 * The updates of optimizers, each one op: `@fakkel/optim` records them, backends may fuse them.
 */
import { hide, noGrad } from '../graph/modes.js';
import { record } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { ShapeError } from '../errors.js';
import { formatAval, sameShape, type Aval } from '../shape.js';
import { numberInput } from './arguments.js';
import { defineOp, NON_DIFFERENTIABLE } from './def.js';

/** `count` outputs like the parameter, which comes first; the gradient and the state have its shape. */
const likeParameter =
  (op: string, count: number) =>
  (inputs: readonly Aval[]): Aval[] => {
    const [parameter] = inputs;
    const odd = inputs
      .slice(1, count + 1)
      .find((t) => t.dtype !== parameter.dtype || !sameShape(t.shape, parameter.shape));
    if (odd) {
      throw new ShapeError(
        `${op}: expected gradient and state like the parameter, ${formatAval(parameter)}, got ${formatAval(odd)}`,
      );
    }
    return new Array<Aval>(count).fill({ shape: parameter.shape, dtype: parameter.dtype });
  };

const oneMinus = (x: Tensor): Tensor => x.neg().add(1);

const sgd = defineOp<{ readonly nesterov: boolean; readonly maximize: boolean }>({
  name: 'sgdUpdate',
  infer: likeParameter('sgdUpdate', 2),
  vjp: NON_DIFFERENTIABLE,
  decompose([parameter, gradient, buffer, lr, momentum, dampening, weightDecay], { nesterov, maximize }) {
    const d = (maximize ? gradient.neg() : gradient).add(parameter.mul(weightDecay));
    const next = buffer.mul(momentum).add(d.mul(oneMinus(dampening)));
    const direction = nesterov ? d.add(next.mul(momentum)) : next;
    return [parameter.sub(direction.mul(lr)), next];
  },
});

const adam = defineOp<{ readonly maximize: boolean }>({
  name: 'adamUpdate',
  infer: likeParameter('adamUpdate', 3),
  vjp: NON_DIFFERENTIABLE,
  decompose(
    [parameter, gradient, avg, square, lr, beta1, beta2, eps, weightDecay, correction1, correction2],
    { maximize },
  ) {
    const d = (maximize ? gradient.neg() : gradient).add(parameter.mul(weightDecay));
    const nextAvg = avg.mul(beta1).add(d.mul(oneMinus(beta1)));
    const nextSquare = square.mul(beta2).add(d.square().mul(oneMinus(beta2)));
    const root = nextSquare.sqrt().div(correction2.sqrt()).add(eps);
    return [parameter.sub(nextAvg.mul(lr.div(correction1)).div(root)), nextAvg, nextSquare];
  },
});

/** What {@link sgdUpdate} takes; numbers are inputs of the program, so schedules compile nothing. */
export interface SGDUpdate {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly momentumBuffer: Tensor;
  readonly lr: number | Tensor;
  readonly momentum: number | Tensor;
  /** 0 in the first step, in which PyTorch sets the buffer to the gradient. */
  readonly dampening: number | Tensor;
  readonly weightDecay: number | Tensor;
  readonly nesterov?: boolean;
  readonly maximize?: boolean;
}

/**
 * One step of stochastic gradient descent, as PyTorch's `SGD`. With d = gradient + weightDecay · parameter:
 *
 * buffer ← momentum · buffer + (1 − dampening) · d;
 * parameter ← parameter − lr · buffer, or with Nesterov momentum parameter − lr · (d + momentum · buffer).
 *
 * @returns The next parameter and momentum buffer, to be assigned.
 */
export function sgdUpdate(update: SGDUpdate): { parameter: Tensor; momentumBuffer: Tensor } {
  const { parameter, gradient, momentumBuffer: buffer, nesterov = false, maximize = false } = update;
  const numbers = [update.lr, update.momentum, update.dampening, update.weightDecay];
  const [next, momentumBuffer] = recordUpdate(() =>
    record(sgd, [parameter, gradient, buffer, ...numbers.map((n) => numberInput(n, parameter))], {
      nesterov,
      maximize,
    }),
  );
  return { parameter: next, momentumBuffer };
}

/** What {@link adamUpdate} takes; numbers are inputs of the program, so schedules compile nothing. */
export interface AdamUpdate {
  readonly parameter: Tensor;
  readonly gradient: Tensor;
  readonly expAvg: Tensor;
  readonly expAvgSq: Tensor;
  readonly lr: number | Tensor;
  readonly beta1: number | Tensor;
  readonly beta2: number | Tensor;
  readonly eps: number | Tensor;
  readonly weightDecay: number | Tensor;
  /** 1 − beta1^step. */
  readonly biasCorrection1: number | Tensor;
  /** 1 − beta2^step. */
  readonly biasCorrection2: number | Tensor;
  readonly maximize?: boolean;
}

/**
 * One step of Adam, as PyTorch's `Adam`. With d = gradient + weightDecay · parameter:
 *
 * expAvg ← β₁ · expAvg + (1 − β₁) · d; expAvgSq ← β₂ · expAvgSq + (1 − β₂) · d²;
 * parameter ← parameter − lr / biasCorrection1 · expAvg / (√expAvgSq / √biasCorrection2 + eps).
 *
 * Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2014.
 *
 * @returns The next parameter and averages, to be assigned.
 */
export function adamUpdate(update: AdamUpdate): { parameter: Tensor; expAvg: Tensor; expAvgSq: Tensor } {
  const { parameter, gradient, expAvg: avg, expAvgSq: square, maximize = false } = update;
  const numbers = [
    update.lr,
    update.beta1,
    update.beta2,
    update.eps,
    update.weightDecay,
    update.biasCorrection1,
    update.biasCorrection2,
  ];
  const [next, expAvg, expAvgSq] = recordUpdate(() =>
    record(adam, [parameter, gradient, avg, square, ...numbers.map((n) => numberInput(n, parameter))], { maximize }),
  );
  return { parameter: next, expAvg, expAvgSq };
}

/** Nobody names what an optimizer records. */
const recordUpdate = (fn: () => Tensor[]): Tensor[] => noGrad(() => hide(fn));
