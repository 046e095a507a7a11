/**
 * Misuse of shuffles, padding, unpooling, distances and bilinear forms.
 */
import { expect, test } from 'vitest';
import { messagesOf } from '../../../test/messages.js';
import { nn, ones, randn, tensor, zeros } from '../../index.js';

const F = nn.functional;

test('errors say what was expected, and what came', () => {
  const errors: [name: string, run: () => unknown][] = [
    ['channels that r² does not divide', () => F.pixelShuffle(ones([3, 2, 2]), 2)],
    ['a height that r does not divide', () => F.pixelUnshuffle(ones([3, 3, 2]), 2)],
    ['channels that the groups do not divide', () => F.channelShuffle(ones([1, 3, 2]), 2)],
    ['a fraction', () => new nn.PixelShuffle(1.5)],
    ['two numbers for four sides', () => new nn.ReflectionPad2d([1, 2])],
    ['no value', () => new nn.ConstantPad1d(1, undefined as never)],
    ['more mirrored than there is', () => new nn.ReflectionPad2d(3)(ones([1, 1, 3, 3]))],
    [
      'an output size that is not pooled to the input',
      () => {
        return F.maxUnpool2d(ones([1, 1, 2, 2]), zeros([1, 1, 2, 2], { dtype: 'int32' }), 2, { outputSize: [7, 4] });
      },
    ],
    ['an index outside', () => F.maxUnpool2d(ones([1, 1, 1]), tensor([[[9]]], { dtype: 'int32' }), 2)],
    ['indices of another shape', () => F.maxUnpool1d(ones([1, 2]), zeros([1, 1], { dtype: 'int32' }), 2)],
    ['float indices', () => F.maxUnpool1d(ones([1, 2]), ones([1, 2]), 2)],
    ['p 0', () => F.lpPool2d(ones([1, 2, 2]), 0, 2)],
    ['vectors that do not broadcast', () => F.pairwiseDistance(ones([2, 3]), ones([2, 4]))],
    ['an axis out of range', () => F.cosineSimilarity(ones([3]), ones([3]))],
    ['features that differ', () => new nn.Bilinear(2, 3, 4)(ones([5, 3]), ones([5, 3]))],
    ['no features', () => new nn.Bilinear(0, 3, 4)],
    ['columns of no such windows', () => new nn.Fold([4, 5], 2)(ones([1, 12, 11]))],
    ['the size of an adaptive volume', () => new nn.AdaptiveAvgPool3d([1, 2])],
  ];
  expect(messagesOf(errors)).toMatchInlineSnapshot(`
    [
      "channels that r² does not divide: ShapeError: pixelShuffle: expected channels that 2² divides, got 3 in float32[3,2,2]",
      "a height that r does not divide: ShapeError: pixelUnshuffle: expected a height and a width that 2 divides, got float32[3,3,2]",
      "channels that the groups do not divide: ShapeError: channelShuffle: expected channels that 2 divides, got float32[1,3,2]",
      "a fraction: OutOfRangeError: PixelShuffle: upscaleFactor is a whole number of at least 1, got 1.5",
      "two numbers for four sides: OutOfRangeError: ReflectionPad2d: padding is a whole number, or 4 of them ([left, right, top, bottom]), got [1,2]",
      "no value: OutOfRangeError: ConstantPad1d: value is a number, got undefined",
      "more mirrored than there is: OutOfRangeError: pad: mode 'reflect' can add at most 2 elements to axis 2 of float32[1,1,3,3], got [3,3]",
      "an output size that is not pooled to the input: ShapeError: maxUnpool2d: expected an outputSize that differs from [4, 4] by less than the stride [2, 2], got [7, 4] for float32[1,1,2,2]",
      "an index outside: OutOfRangeError: maxUnpool2d: index 9 at [0,0,0] is out of range: expected 0 to 3 in a plane of 2 × 2",
      "indices of another shape: ShapeError: maxUnpool1d: expected indices in the shape of the input, got int32[1,1] for float32[1,2]",
      "float indices: DTypeError: maxUnpool1d: expected int32 indices, those of maxPool1dWithIndices, got float32[1,2]",
      "p 0: OutOfRangeError: lpPool2d: normType is a number other than 0, got 0",
      "vectors that do not broadcast: ShapeError: pairwiseDistance: cannot broadcast float32[2,3] with float32[2,4]: counted from the last axis, sizes must be equal or 1. Use reshape or unsqueeze to line the axes up.",
      "an axis out of range: OutOfRangeError: cosineSimilarity: axis 1 is out of range for 1 axes (expected -1 to 0)",
      "features that differ: ShapeError: bilinear: expected x1 […, I], x2 […, J], weight [O, I, J] and bias [O], got float32[5,3], float32[5,3], float32[4,2,3], float32[4]",
      "no features: OutOfRangeError: Bilinear: in1Features is a whole number of at least 1, got 0",
      "columns of no such windows: ShapeError: fold: expected columns [N, C·4, 12] (3×4 windows of 2×2 in an image of 4×5), got float32[1,12,11]",
      "the size of an adaptive volume: OutOfRangeError: AdaptiveAvgPool3d: outputSize is a whole number of at least 0, or 3 of them in an array; got [1, 2]",
    ]
  `);
});

test('an index outside that is computed: the run fails', async () => {
  const indices = tensor([[[8]]], { dtype: 'int32' }).add(1);
  await expect(F.maxUnpool2d(ones([1, 1, 1]), indices, 2).toArray()).rejects.toThrow(/out of range/);
});

test('a cell that is the maximum of two windows gets the sum of both', async () => {
  const { values, indices } = F.maxPool1dWithIndices(tensor([[1, 3, 2]]), 2, { stride: 1 });
  expect(await F.maxUnpool1d(values, indices, 2, { stride: 1 }).toArray()).toEqual([[0, 6, 0]]);
});

test('a transposed convolution of volumes gives the size that is asked for', () => {
  const up = new nn.ConvTranspose3d(2, 3, 3, { stride: 2, padding: 1 });
  expect(up(randn([1, 2, 2, 3, 4]), [4, 5, 8]).shape).toEqual([1, 3, 4, 5, 8]);
});

test('modules are printed without their numbers of axes', () => {
  const net = new nn.Sequential(new nn.Upsample({ scaleFactor: [2, 2.5], mode: 'bicubic' }), new nn.ZeroPad2d(1));
  expect(net.toString()).toMatchInlineSnapshot(`
    "Sequential(
      (0): Upsample(scale_factor=(2.0, 2.5), mode=bicubic)
      (1): ZeroPad2d((1, 1, 1, 1))
    )"
  `);
});
