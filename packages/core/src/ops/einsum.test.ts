import { expect, test } from 'vitest';
import { einsum, zeros } from '../index.js';

const a = zeros(2, 3);

test('equations that do not fit', () => {
  expect(() => einsum('ij,jk->ik', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'ij,jk->ik' does not fit float32[2,3]: it names 2 operands, there are 1]`,
  );
  expect(() => einsum('ijk->i', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'ijk->i' does not fit float32[2,3]: 'ijk' names 3 axes of float32[2,3]]`,
  );
  expect(() => einsum('i->i', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'i->i' does not fit float32[2,3]: 'i' names 1 axes of float32[2,3]]`,
  );
  expect(() => einsum('ij,ij->i', a, zeros(2, 4))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'ij,ij->i' does not fit float32[2,3] and float32[2,4]: the axis 'j' has size 3 and 4]`,
  );
  expect(() => einsum('ij->ik', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'ij->ik' does not fit float32[2,3]: no operand has the output's axis 'k']`,
  );
  expect(() => einsum('ij->ii', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'ij->ii' does not fit float32[2,3]: the output has the axis 'i' twice]`,
  );
  expect(() => einsum('i1->i', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'i1->i' does not fit float32[2,3]: 'i1' is not made of letters and one '...']`,
  );
  expect(() => einsum('ij->i->j', a)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: 'ij->i->j' does not fit float32[2,3]: it has more than one '->']`,
  );
  expect(() => einsum('...ij,...->ij', zeros(2, 2, 3), zeros(3))).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: einsum: '...ij,...->ij' does not fit float32[2,2,3] and float32[3]: the axis '...' has size 2 and 3]`,
  );
});

test('sizes of 1 broadcast', () => {
  expect(einsum('ij,ij->ij', zeros(1, 3), zeros(2, 1)).shape).toEqual([2, 3]);
  expect(einsum('...ij,jk->...ik', zeros(5, 2, 3), zeros(3, 4)).shape).toEqual([5, 2, 4]);
});
