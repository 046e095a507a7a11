import { describe, expect, test } from 'vitest';
import { zeros } from '../index.js';

const x = zeros(2, 3, 4);

describe('errors', () => {
  test('reshape', () => {
    expect(() => x.reshape(5, 5)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: float32[2,3,4] has 24 elements, the shape [5,5] has 25. One size may be -1: it follows from the others.]`,
    );
    expect(() => x.reshape(5, -1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: the -1 in [5,-1] has no value that fits float32[2,3,4] (24 elements)]`,
    );
    expect(() => x.reshape(-1, -1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: a shape holds whole numbers from 0 up, got [-1]]`,
    );
    expect(() => x.reshape('2' as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: reshape: expected numbers, got string 2]`,
    );
    expect(() => zeros(0).reshape(0, -1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: reshape: the -1 in [0,-1] has no value that fits float32[0] (0 elements)]`,
    );
  });

  test('permute, transpose, t, movedim', () => {
    expect(() => x.permute(0, 1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: permute: expected 3 axes for float32[2,3,4], got [0,1]]`,
    );
    expect(() => x.permute(0, 1, 1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: permute: axis named twice in [0,1,1]]`,
    );
    expect(() => x.transpose(0, 3)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: transpose: axis 3 is out of range for 3 axes (expected -3 to 2)]`,
    );
    expect(() => x.t()).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: t: expected at most two axes, got float32[2,3,4]. Use transpose(-2, -1) for a batch of matrices.]`,
    );
    expect(() => x.movedim([0, 1], [2])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: movedim: expected as many destinations as sources, got [0,1] and [2]]`,
    );
  });

  test('flatten, unflatten, unsqueeze', () => {
    expect(() => x.flatten(2, 1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: flatten: axis 2 comes after axis 1 of float32[2,3,4]]`,
    );
    expect(() => x.unflatten(2, [3, 2])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: unflatten: the sizes [3,2] do not make axis 2 of float32[2,3,4]]`,
    );
    expect(() => x.unflatten(2, [3, -1])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: unflatten: the sizes [3,-1] do not make axis 2 of float32[2,3,4]]`,
    );
    expect(() => x.unsqueeze(4)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: unsqueeze: axis 4 is out of range for 3 axes (expected -4 to 3)]`,
    );
  });

  test('expand', () => {
    expect(() => x.expand(2, 3, 5)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: expand: float32[2,3,4] does not expand to [2,3,5]: only axes of size 1 grow, and new ones come first.]`,
    );
    expect(() => x.expand(3, 4)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: expand: float32[2,3,4] does not expand to [3,4]: only axes of size 1 grow, and new ones come first.]`,
    );
    expect(() => x.expand(-1, 2, 3, 4)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: expand: a shape holds whole numbers from 0 up, got [-1, 2, 3, 4]]`,
    );
  });
});

describe('shapes', () => {
  test.each([
    ['reshape(-1)', x.reshape(-1), [24]],
    ['reshape([4, -1])', x.reshape([4, -1]), [4, 6]],
    ['permute(-1, 0, 1)', x.permute(-1, 0, 1), [4, 2, 3]],
    ['movedim(0, -1)', x.movedim(0, -1), [3, 4, 2]],
    ['flatten(1)', x.flatten(1), [2, 12]],
    ['flatten of a scalar', zeros([]).flatten(), [1]],
    ['unflatten(-1, [2, -1])', x.unflatten(-1, [2, -1]), [2, 3, 2, 2]],
    ['squeeze()', x.unsqueeze(0).unsqueeze(-1).squeeze(), [2, 3, 4]],
    ['squeeze of an axis that is larger', x.squeeze(0), [2, 3, 4]],
    ['expand(5, -1, -1, -1)', x.expand(5, -1, -1, -1), [5, 2, 3, 4]],
    ['expand to nothing', zeros(1).expand(0), [0]],
    ['transpose of a scalar', zeros([]).transpose(0, -1), []],
  ])('%s', (_, result, shape) => {
    expect(result.shape).toEqual(shape);
  });
});
