/**
 * The definition of an op: shape and dtype, gradient, and, for composites, what it is made of.
 */
import { FakkelError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import type { Attrs } from '../program/program.js';
import type { Aval } from '../shape.js';

export const NON_DIFFERENTIABLE = 'non-differentiable';

/** What a gradient rule is given. All of it is recorded: gradients are graph to graph. */
export interface VjpContext<A> {
  readonly attrs: A;
  /** The inputs; those that the rule does not declare as read have a shape and a dtype but no value. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The first output: short for `outputs[0]`. */
  readonly output: Tensor;
  /** One gradient an output; null where none flows. */
  readonly gradients: readonly (Tensor | null)[];
  /** The gradient of the first output; zeros where none flows. */
  readonly gradient: Tensor;
  /** Which inputs need a gradient: a rule may skip the others. */
  readonly needs: readonly boolean[];
}

/**
 * A vector–Jacobian product. `reads` says which inputs and outputs the rule looks at (not only at their shape): those
 * are what a forward run keeps for a backward that comes later.
 */
export interface VjpRule<A> {
  readonly reads: { readonly inputs?: readonly number[] | 'all'; readonly outputs?: readonly number[] };
  /** One gradient an input, in its shape and dtype; null or undefined where there is none. */
  backward(context: VjpContext<A>): readonly (Tensor | null | undefined)[];
}

/**
 * The form of an op's Jacobian, by which diagonals of second derivatives pass through it: see `autograd/curvature.ts`.
 * `elementwise`: an element of the output depends on the elements of the inputs that stand there, after broadcasting.
 * `selection`: it is a sum of elements of the inputs. `product`: it is linear in each input, and the factors are elements
 * of the other. `parts`: as its decomposition says. A function: what comes back to the inputs, of second derivatives of the
 * outputs, which it finds in the place of gradients.
 */
export type Jacobian<A> = 'elementwise' | 'selection' | 'product' | 'parts' | VjpRule<A>['backward'];

export interface OpDef<A extends Attrs = Attrs> {
  readonly name: string;
  /** Shapes and dtypes of the outputs, or an error with the shapes of the inputs and a remedy. */
  infer(inputs: readonly Aval[], attrs: A): readonly Aval[];
  readonly vjp: VjpRule<A> | typeof NON_DIFFERENTIABLE;
  /** Left out where there is no such form. */
  readonly jacobian?: Jacobian<A>;
  /** What a composite is made of; its presence lets a backend leave the op out. */
  decompose?(inputs: readonly Tensor[], attrs: A): readonly Tensor[];
}

/** An op definition that has been registered: programs are cached by `id`. */
export interface Op<A extends Attrs = Attrs> extends OpDef<A> {
  readonly id: number;
}

const table = new Map<string, Op>();
let nextId = 0;

/**
 * Registers an op. Third parties define ops the same way: with a decomposition it runs on every backend at once.
 *
 * @throws FakkelError if an op of that name exists.
 */
export function defineOp<A extends Attrs>(definition: OpDef<A>): Op<A> {
  if (table.has(definition.name)) {
    throw new FakkelError(
      `defineOp: an op named '${definition.name}' exists already. Choose another name, such as 'mypackage.${definition.name}'.`,
    );
  }
  const op: Op<A> = { ...definition, id: nextId++ };
  table.set(definition.name, op);
  return op;
}

/** An op that stays out of the table: custom functions, of which there may be many with one name. */
export function anonymousOp<A extends Attrs>(definition: OpDef<A>): Op<A> {
  return { ...definition, id: nextId++ };
}

/** Every op by name: what conformance tests and printers walk over. */
export function opTable(): ReadonlyMap<string, Op> {
  return table;
}
