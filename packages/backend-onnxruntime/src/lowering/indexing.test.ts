import { describe, expect, test } from 'vitest';
import { both, numbers, operand, ort, runOp } from '../../test/one-op.js';

const x = operand('float32', [2, 3], [1, 2, 3, 4, 5, 6]);

describe.each([3, -1, 2 ** 31 - 1, -(2 ** 31)])('an index of %d into an axis of size 3', (bad) => {
  const outOfRange = (message: string) =>
    expect.objectContaining({ name: 'OutOfRangeError', message: `${message} is out of range for axis 1 of size 3` });

  test('gather', async () => {
    const index = operand('int32', [1, 2], [0, bad]);
    const run = runOp(ort, 'gather', { dim: 1 }, [x, index], [{ shape: [1, 2], dtype: 'float32' }]);
    // This kernel of ONNX Runtime does not say which.
    await expect(run).rejects.toThrow(outOfRange('gather: some index'));
  });

  test('indexSelect', async () => {
    const index = operand('int32', [2], [0, bad]);
    const run = runOp(ort, 'indexSelect', { dim: 1 }, [x, index], [{ shape: [2, 2], dtype: 'float32' }]);
    await expect(run).rejects.toThrow(outOfRange(`indexSelect: index ${bad}`));
  });

  test('scatterAdd', async () => {
    const index = operand('int32', [1, 2], [0, bad]);
    const source = operand('float32', [1, 2], [1, 2]);
    const run = runOp(ort, 'scatterAdd', { dim: 1 }, [x, index, source], [{ shape: [2, 3], dtype: 'float32' }]);
    await expect(run).rejects.toThrow(outOfRange(`scatterAdd: index ${bad}`));
  });

  test('indexAdd', async () => {
    const index = operand('int32', [2], [0, bad]);
    const source = operand('float32', [2, 2], [1, 2, 3, 4]);
    const run = runOp(ort, 'indexAdd', { dim: 1 }, [x, index, source], [{ shape: [2, 3], dtype: 'float32' }]);
    await expect(run).rejects.toThrow(outOfRange(`indexAdd: index ${bad}`));
  });
});

test('a run after an index out of range works', async () => {
  const executable = [{ shape: [1, 3], dtype: 'float32' } as const];
  await expect(runOp(ort, 'indexSelect', { dim: 0 }, [x, operand('int32', [1], [2])], executable)).rejects.toThrow();
  expect(await runOp(ort, 'indexSelect', { dim: 0 }, [x, operand('int32', [1], [1])], executable)).toEqual([
    new Float32Array([4, 5, 6]),
  ]);
});

test('what is added many times at one place is all there', async () => {
  const next = numbers();
  const rows = 20_000;
  const index = operand(
    'int32',
    [rows],
    Array.from({ length: rows }, () => Math.floor(next() * 4)),
  );
  for (const dtype of ['float32', 'int32'] as const) {
    const base = operand(dtype, [4, 16], new Array<number>(64).fill(0));
    const source = operand(dtype, [rows, 16], new Array<number>(rows * 16).fill(1));
    const { got, expected } = await both(
      'indexAdd',
      { dim: 0 },
      [base, index, source],
      [{ shape: base.shape, dtype: base.dtype }],
    );
    expect(got).toEqual(expected);
  }
});

test('an index may be smaller than what it reads or adds, off its axis', async () => {
  const next = numbers(2);
  const draw = (n: number, below: number) => Array.from({ length: n }, () => Math.floor(next() * below));
  const base = operand('float32', [4, 3, 5], draw(60, 100));
  const source = operand('float32', [3, 4, 6], draw(72, 100));
  for (const dim of [0, 1, 2]) {
    const index = operand('int32', [3, 2, 4], draw(24, base.shape[dim]));
    const gather = await both('gather', { dim }, [base, index], [{ shape: index.shape, dtype: 'float32' }]);
    expect(gather.got).toEqual(gather.expected);
    const add = await both('scatterAdd', { dim }, [base, index, source], [{ shape: base.shape, dtype: 'float32' }]);
    expect(add.got).toEqual(add.expected);
  }
});
