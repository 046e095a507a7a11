/**
 * How an optimizer's update becomes one op: a function of tensors and numbers by name.
 */
import { FakkelError, ShapeError } from '../errors.js';
import { hide, noGrad } from '../graph/modes.js';
import { record } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sameShape, type Aval } from '../shape.js';
import { numberInput } from './arguments.js';
import { defineOp, NON_DIFFERENTIABLE } from './def.js';
import { where } from './logic.js';

interface UpdateDefinition<S extends string, N extends string, F extends string, O extends string> {
  readonly name: string;
  /** What the optimizer keeps of a parameter: tensors like it. */
  readonly state: readonly S[];
  /** Inputs of rank 0: they may change from step to step. */
  readonly numbers: readonly N[];
  /** Attributes, beside `maximize`, which every update has. */
  readonly flags?: readonly F[];
  /** State that is there only with its flag. */
  readonly optional?: Readonly<Record<O, F>>;
  /** The next parameter and state. The gradient is the direction of ascent: negated by `maximize` already. */
  next(
    values: Readonly<Record<'parameter' | 'gradient' | S | N | O, Tensor>>,
    flags: Readonly<Record<F, boolean>>,
  ): Readonly<Record<'parameter' | S, Tensor> & Partial<Record<O, Tensor>>>;
}

/** What an update takes: the parameter, its gradient and state, and numbers, which are inputs of the program. */
export type UpdateArguments<S extends string, N extends string, F extends string, O extends string> = Readonly<
  Record<'parameter' | 'gradient' | S, Tensor> &
    Record<N, number | Tensor> &
    Partial<Record<F | 'maximize', boolean> & Record<O, Tensor>>
>;

/** What an update gives, to be assigned: the next parameter and state. */
export type UpdateResult<S extends string, O extends string> = Readonly<
  Record<'parameter' | S, Tensor> & Partial<Record<O, Tensor>>
>;

/**
 * Defines an update as an op. Its inputs: parameter, gradient, state, numbers, and last the state that flags ask for; its
 * outputs: parameter, state, and the state that flags ask for.
 */
export function defineUpdate<S extends string, N extends string, F extends string = never, O extends string = never>(
  definition: UpdateDefinition<S, N, F, O>,
): (update: UpdateArguments<S, N, F, O>) => UpdateResult<S, O> {
  const { name, state, numbers, flags = [], optional = {} as Record<O, F> } = definition;
  const optionalNames = Object.keys(optional) as O[];
  type Flags = Readonly<Record<F | 'maximize', boolean>>;
  const present = (attrs: Flags): O[] => optionalNames.filter((key) => attrs[optional[key]]);
  const inputNames = (attrs: Flags) => ['parameter', 'gradient', ...state, ...numbers, ...present(attrs)];
  const outputNames = (attrs: Flags) => ['parameter' as const, ...state, ...present(attrs)];

  const op = defineOp<Flags>({
    name,
    infer(inputs, attrs) {
      const [parameter] = inputs;
      inputNames(attrs).forEach((input, i) => {
        if (!(numbers as readonly string[]).includes(input)) checkLike(name, parameter, inputs[i]);
      });
      return outputNames(attrs).map(() => ({ shape: parameter.shape, dtype: parameter.dtype }));
    },
    vjp: NON_DIFFERENTIABLE,
    decompose(inputs, attrs) {
      const values = Object.fromEntries(inputNames(attrs).map((key, i) => [key, inputs[i]]));
      if (attrs.maximize) values['gradient'] = values['gradient'].neg();
      const result = definition.next(values as Record<'parameter' | 'gradient' | S | N | O, Tensor>, attrs);
      return outputNames(attrs).map((key) => result[key] as Tensor);
    },
  });

  return (update) => {
    const given = update as Readonly<Record<string, Tensor | number | boolean | undefined>>;
    const attrs = Object.fromEntries(
      [...flags, 'maximize'].map((flag) => [flag, (given[flag] as boolean | undefined) ?? false]),
    ) as Flags;
    const inputs = inputNames(attrs).map((key) => {
      const value = given[key] as Tensor | number | undefined;
      if (value === undefined) throw new FakkelError(`${name}: '${key}' is missing`);
      return numberInput(value, update.parameter);
    });
    // Nobody names what an optimizer records.
    const outputs = noGrad(() => hide(() => record(op, inputs, attrs)));
    return Object.fromEntries(outputNames(attrs).map((key, i) => [key, outputs[i]])) as unknown as UpdateResult<S, O>;
  };
}

function checkLike(op: string, parameter: Aval, other: Aval): void {
  if (other.dtype === parameter.dtype && sameShape(other.shape, parameter.shape)) return;
  throw new ShapeError(
    `${op}: expected gradient and state like the parameter, ${formatAval(parameter)}, got ${formatAval(other)}`,
  );
}

/** 1 − x of a number. */
export const oneMinus = (x: Tensor): Tensor => x.neg().add(1);

/** The next value of a moving average: β a + (1 − β) x. */
export const average = (a: Tensor, oneMinusBeta: Tensor, x: Tensor): Tensor =>
  a.mul(oneMinus(oneMinusBeta)).add(x.mul(oneMinusBeta));

/** w / r of two norms; 1 where one of them is 0: a layer that begins at 0 would stay there. NaN stays NaN. */
export const trustRatio = (w: Tensor, r: Tensor): Tensor => where(w.ne(0).logicalAnd(r.ne(0)), w.div(r), 1);
