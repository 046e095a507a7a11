import { type Target } from '@fakkel/onnx/lowering';
import { describe, expect, test } from 'vitest';
import { operand, programOf } from '../../test/one-op.js';
import { lowerProgram } from './lower.js';

const target: Target = { provider: 'cpu', blockSize: 1 };
const tensors = (count: number) => Array.from({ length: count }, () => operand('float32', [4], [1, 2, 3, 4]));
const scalars = (count: number) => Array.from({ length: count }, () => operand('float32', [], [1]));
const aval = { shape: [4], dtype: 'float32' } as const;

/** The nodes that pass over parameters when the given inputs are zero. */
function passes(
  op: string,
  attrs: Record<string, boolean>,
  counts: [number, number],
  outputs: number,
  zeros: number[],
  optional = 0,
) {
  const inputs = [...tensors(counts[0]), ...scalars(counts[1]), ...tensors(optional)];
  const program = programOf(op, attrs, inputs, new Array(outputs).fill(aval));
  const { model } = lowerProgram(program, { target, zeros: new Set(zeros) });
  const long = new Set(inputs.flatMap((o, i) => (o.shape.length > 0 ? [`i${i}`] : [])));
  const names: string[] = [];
  for (const node of model.graph.nodes) {
    if (!node.inputs.some((input) => long.has(input))) continue;
    node.outputs.forEach((output) => long.add(output));
    names.push(node.opType);
  }
  return names.join(' ');
}

describe('passes over parameters', () => {
  const sgd = (zeros: number[], changes: Record<string, boolean> = {}) => {
    const attrs = { buffered: true, nesterov: false, maximize: false, ...changes };
    return passes('sgdUpdate', attrs, [2, 4], attrs.buffered ? 2 : 1, zeros, attrs.buffered ? 1 : 0);
  };
  const [momentum, dampening, weightDecay] = [3, 4, 5];

  test('SGD with momentum', () => expect(sgd([dampening, weightDecay])).toBe('Mul Add Mul Sub'));
  test('SGD without', () => expect(sgd([momentum, dampening, weightDecay], { buffered: false })).toBe('Mul Sub'));
  test('SGD with momentum 0', () => expect(sgd([momentum, dampening, weightDecay])).toBe('Mul Sub Identity'));
  test('SGD with weight decay', () => expect(sgd([dampening])).toBe('Mul Add Mul Add Mul Sub'));
  test('SGD with Nesterov momentum', () =>
    expect(sgd([dampening, weightDecay], { nesterov: true })).toBe('Mul Add Mul Add Mul Sub'));
  const weightDecayOfAdam = 8;
  const adam = (changes: Record<string, boolean>, zeros: number[] = [weightDecayOfAdam]) => {
    const attrs = { maximize: false, decoupled: false, amsgrad: false, ...changes };
    return passes('adamUpdate', attrs, [4, 7], attrs.amsgrad ? 4 : 3, zeros, attrs.amsgrad ? 1 : 0);
  };

  test('Adam', () => expect(adam({})).toBe('Mul Mul Add Mul Mul Mul Add Sqrt Add Mul Div Sub'));
  test('AMSGrad', () => expect(adam({ amsgrad: true })).toBe('Mul Mul Add Mul Mul Mul Add Max Sqrt Add Mul Div Sub'));
  test('AdamW', () =>
    expect(adam({ decoupled: true }, [])).toBe('Mul Mul Mul Add Mul Mul Mul Add Sqrt Add Mul Div Sub'));
  test('AdamW without weight decay is Adam', () => expect(adam({ decoupled: true })).toBe(adam({})));
});
