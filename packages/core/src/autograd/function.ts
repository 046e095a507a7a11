/**
 * Differentiable functions with a backward of their own.
 */
import { noGrad } from '../graph/modes.js';
import { record } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { FakkelError } from '../errors.js';
import { anonymousOp, type Op } from '../ops/def.js';
import type { Aval } from '../shape.js';

/** What a custom backward is given. */
export interface FunctionContext {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

export interface FunctionDefinition {
  /** For printing and for errors. */
  name: string;
  /** Computes the outputs from the inputs; what happens inside is not differentiated. */
  readonly forward: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /** The gradients of the inputs from those of the outputs; null where there is none. */
  readonly backward: (context: FunctionContext, ...gradients: Tensor[]) => Tensor | null | readonly (Tensor | null)[];
}

/**
 * A function with its own gradient, as `torch.autograd.Function`.
 *
 * @example
 * // The straight-through estimator: rounds forward, lets the gradient pass as if it had not.
 * const roundSTE = defineFunction({
 *   name: 'roundSTE',
 *   forward: (x) => x.round(),
 *   backward: (_, gradient) => gradient,
 * });
 * const x = tensor([0.2, 0.7], { requiresGrad: true });
 * roundSTE(x).sum().backward();
 * await x.grad!.toArray(); // [1, 1]
 */
export function defineFunction(definition: FunctionDefinition): (...inputs: Tensor[]) => Tensor {
  const many = defineFunctionMany(definition);
  return (...inputs) => {
    const outputs = many(...inputs);
    if (outputs.length !== 1)
      throw new FakkelError(`${definition.name}: has ${outputs.length} outputs; use defineFunctions`);
    return outputs[0];
  };
}

/** As {@link defineFunction}, for functions with several outputs. */
export function defineFunctions(definition: FunctionDefinition): (...inputs: Tensor[]) => Tensor[] {
  return defineFunctionMany(definition);
}

const asList = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

function defineFunctionMany({ name, forward, backward }: FunctionDefinition): (...inputs: Tensor[]) => Tensor[] {
  // The op's shapes are those of its forward, which runs on the real inputs at the call: the results come in as
  // further inputs and pass through, so that the tape sees this op and nothing inside it.
  let passed: readonly Aval[] = [];
  const op: Op = anonymousOp({
    name,
    infer: () => passed,
    vjp: {
      reads: { inputs: 'all', outputs: [0, 1, 2, 3, 4, 5, 6, 7] },
      backward({ inputs, outputs, gradients, attrs }) {
        const count = attrs['inputs'] as number;
        const all = gradients.map((g, i) => g ?? outputs[i].mul(0));
        const back = asList(backward({ inputs: inputs.slice(0, count), outputs }, ...all));
        if (back.length !== count) {
          throw new FakkelError(`${name}: backward gave ${back.length} gradients for ${count} inputs`);
        }
        return [...back, ...outputs.map(() => null)];
      },
    },
    decompose: (inputs, attrs) => inputs.slice(attrs['inputs'] as number),
  });
  return (...inputs) => {
    const results = asList(noGrad(() => forward(...inputs)));
    for (const result of results) if (!isTensor(result)) throw new TypeError(`${name}: forward must return tensors`);
    passed = results.map(({ shape, dtype }) => ({ shape, dtype }));
    return record(op, [...inputs, ...results], { inputs: inputs.length });
  };
}
