import { type Target } from '@fakkel/onnx/lowering';
import { describe, expect, test } from 'vitest';
import { operand, ort, programOf, runOp } from '../../test/one-op.js';
import { lowerProgram } from './lower.js';

const logits = operand('float32', [3, 2], [1, 2, 3, 4, -Infinity, 0]);
const weight = operand('float32', [2], [1, 1]);
const scalar = (value: number) => operand('float32', [], [value]);
const ignore = operand('int32', [], [-100]);
const loss = { shape: [], dtype: 'float32' } as const;
const labels = (...values: number[]) => operand('int32', [3], values);

describe.each([2, -1, -2])('the label %d of 2 classes', (bad) => {
  const message = `some label is out of range for 2 classes`;

  test('in crossEntropy', async () => {
    const inputs = [logits, labels(0, bad, 1), weight, ignore, scalar(0)];
    const run = runOp(ort, 'crossEntropy', { reduction: 'mean', weighted: false }, inputs, [loss]);
    await expect(run).rejects.toThrow(expect.objectContaining({ name: 'OutOfRangeError' }));
    await expect(run).rejects.toThrow(message);
  });

  test('in nllLoss', async () => {
    const run = runOp(ort, 'nllLoss', { reduction: 'sum' }, [logits, labels(0, bad, 1), weight, ignore], [loss]);
    await expect(run).rejects.toThrow(/^nllLoss: .*label.* is out of range for 2 classes/);
  });
});

test('a class of probability 0 costs nothing, nor does it where the position is ignored', async () => {
  for (const target of [labels(0, 1, 1), labels(0, 1, -100)]) {
    const inputs = [logits, target, weight, ignore, scalar(0)];
    const [got] = await runOp(ort, 'crossEntropy', { reduction: 'sum', weighted: false }, inputs, [loss]);
    expect(got[0]).toBeCloseTo(Math.log(1 + Math.E) + Math.log(1 + 1 / Math.E), 5);
  }
});

test('without smoothing, a step of a classifier has 20 nodes of loss and gradient', () => {
  const target: Target = { provider: 'cpu', blockSize: 1 };
  const inputs = [logits, labels(0, 1, 1), weight, ignore, scalar(0)];
  const program = programOf('crossEntropy', { reduction: 'mean', weighted: false }, inputs, [loss]);
  const gradient = {
    op: 'crossEntropyGrad',
    attrs: { reduction: 'mean', weighted: false },
    inputs: [5, 0, 1, 2, 3, 4],
    outputs: [7],
    avals: [{ shape: [3, 2], dtype: 'float32' } as const],
    lastUses: [],
  };
  // The loss is value 6, after the gradient's cotangent.
  const [forward] = program.nodes;
  const step = {
    ...program,
    inputs: [...program.inputs, { aval: loss, role: 'data' as const }],
    nodes: [{ ...forward, outputs: [6] }, gradient],
    outputs: [{ value: 6 }, { value: 7 }],
  };
  const { model } = lowerProgram(step, { target, zeros: new Set([4]) });
  expect(model.graph.nodes.map((node) => node.opType)).toMatchInlineSnapshot(`
    [
      "Reshape",
      "Equal",
      "Where",
      "Where",
      "LogSoftmax",
      "Cast",
      "Cast",
      "GatherElements",
      "Where",
      "ReduceSum",
      "ReduceSum",
      "Div",
      "Neg",
      "Div",
      "Where",
      "Equal",
      "Cast",
      "Softmax",
      "Sub",
      "Mul",
    ]
  `);
});
