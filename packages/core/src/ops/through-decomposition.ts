/**
 * Gradients of composites by differentiating what they are made of.
 */
import { grad } from '../autograd/backward.js';
import { isFloat } from '../dtype.js';
import { enableGrad } from '../graph/modes.js';
import { record, record1, scalar } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import type { Attrs } from '../program/program.js';
import { NO_ATTRS, type NoAttrs } from './common.js';
import { anonymousOp, type Op, type VjpRule } from './def.js';

type Decomposition = (inputs: readonly Tensor[], attrs: Attrs) => readonly Tensor[];

// A value with a history of its own: gradients to it stop there and do not go on to what its input was made of.
const identity: Op<NoAttrs> = anonymousOp<NoAttrs>({
  name: 'identity',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: { reads: {}, backward: ({ gradient }) => [gradient] },
  decompose: ([x]) => [x],
});

/**
 * The rule of a composite whose gradient nobody writes by hand, such as the gradient of a gradient: one op that, when
 * a program is made, records the decomposition and differentiates it. Its own gradient is made the same way, so
 * derivatives of any order work.
 *
 * @param name The composite's name.
 * @param decompose Its decomposition.
 */
export function throughDecomposition<A extends Attrs>(
  name: string,
  decompose: (inputs: readonly Tensor[], attrs: A) => readonly Tensor[],
): VjpRule<A> {
  let op: Op | undefined;
  return {
    reads: { inputs: 'all' },
    backward({ attrs, inputs, gradients, needs }) {
      op ??= gradientOp(name, decompose as Decomposition);
      const wanted = indicesOf(needs);
      const given = indicesOf(gradients);
      const seeds = given.map((i) => gradients[i] as Tensor);
      const found = record(op, [...inputs, ...seeds], {
        ...attrs,
        [`${name}.wanted`]: wanted,
        [`${name}.given`]: given,
      });
      return inputs.map((_, i) => (needs[i] ? found[wanted.indexOf(i)] : null));
    },
  };
}

const indicesOf = (list: readonly unknown[]): number[] => list.flatMap((item, i) => (item ? [i] : []));

/** Inputs: those of the composite, then the gradients of the outputs `given`. Outputs: one gradient a `wanted` input. */
function gradientOp(name: string, decompose: Decomposition): Op {
  const gradientName = `${name}.vjp`;
  const read = (attrs: Attrs): { wanted: number[]; given: number[] } => ({
    wanted: attrs[`${name}.wanted`] as number[],
    given: attrs[`${name}.given`] as number[],
  });
  const differentiate: Decomposition = (all, attrs) => {
    const { wanted, given } = read(attrs);
    const count = all.length - given.length;
    const createGraph = all.some((t) => t.requiresGrad);
    return enableGrad(() => {
      const inputs = all.slice(0, count).map((t, i) => {
        if (!wanted.includes(i) || !isFloat(t.dtype)) return t;
        const leaf = record1(identity, [t], NO_ATTRS);
        leaf._requiresGrad = true;
        return leaf;
      });
      const outputs = decompose(inputs, attrs);
      const flowing = given.filter((i) => outputs[i].requiresGrad);
      const found = grad(
        flowing.map((i) => outputs[i]),
        wanted.map((i) => inputs[i]),
        { gradOutputs: flowing.map((i) => all[count + given.indexOf(i)]), createGraph, allowUnused: true },
      );
      return wanted.map((i, k) => found[k] ?? scalar(0, all[i].dtype, all[i].device).expand([...all[i].shape]));
    });
  };
  return anonymousOp({
    name: gradientName,
    infer: (inputs, attrs) => read(attrs).wanted.map((i) => ({ shape: inputs[i].shape, dtype: inputs[i].dtype })),
    vjp: throughDecomposition(gradientName, differentiate),
    decompose: differentiate,
  });
}
