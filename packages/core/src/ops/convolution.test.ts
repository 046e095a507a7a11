import { describe, expect, test } from 'vitest';
import { arange, grad, ones, tensor, type Tensor } from '../index.js';
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d } from './convolution.js';

/** Numbers from −1 to 1 without a pattern, in float64. */
const varied = (shape: number[], phase: number): Tensor =>
  arange(
    shape.reduce((p, n) => p * n, 1),
    { dtype: 'float64' },
  )
    .mul(phase)
    .sin()
    .reshape(shape)
    .detach();

describe('shapes', () => {
  test('a batch and one sample', () => {
    expect(conv2d(ones([8, 3, 32, 32]), ones([6, 3, 5, 5])).shape).toEqual([8, 6, 28, 28]);
    expect(conv2d(ones([3, 32, 32]), ones([6, 3, 5, 5]), ones([6])).shape).toEqual([6, 28, 28]);
    expect(conv1d(ones([3, 10]), ones([6, 3, 3]), null, { stride: 2 }).shape).toEqual([6, 4]);
    expect(conv3d(ones([1, 1, 4, 5, 6]), ones([2, 1, 3, 3, 3])).shape).toEqual([1, 2, 2, 3, 4]);
    expect(convTranspose1d(ones([2, 10]), ones([2, 3, 4]), null, { stride: 2, padding: 1 }).shape).toEqual([3, 20]);
  });

  test("padding 'same' keeps the size for even kernels too", () => {
    expect(conv2d(ones([1, 1, 5, 6]), ones([1, 1, 2, 4]), null, { padding: 'same', dilation: 2 }).shape).toEqual([
      1, 1, 5, 6,
    ]);
  });

  test('an empty batch', async () => {
    const w = ones([2, 3, 3, 3]).requiresGrad_();
    const y = conv2d(ones([0, 3, 8, 8]), w);
    expect(y.shape).toEqual([0, 2, 6, 6]);
    const [dw] = grad(y.sum(), [w]);
    expect((await dw!.data()).every((v) => v === 0)).toBe(true);
  });
});

describe('values', () => {
  test('is a cross-correlation: the kernel is not flipped', async () => {
    const y = conv1d(tensor([[1, 2, 3]]), tensor([[[1, 10]]]));
    expect(await y.toArray()).toEqual([[21, 32]]);
  });

  test('an odd total of same padding puts the extra zero after', async () => {
    const y = conv1d(tensor([[1, 2, 3]]), tensor([[[1, 10]]]), null, { padding: 'same' });
    expect(await y.toArray()).toEqual([[21, 32, 3]]);
  });

  // ⟨conv(x, w), g⟩ = ⟨x, convInputGrad(g, w)⟩: in float64, over geometries with remainders and groups.
  test.each([
    { stride: 1, padding: 0, dilation: 1, groups: 1 },
    { stride: 2, padding: 1, dilation: 1, groups: 2 },
    { stride: [3, 2], padding: [0, 2], dilation: [2, 1], groups: 1 },
  ])('the adjoint identity holds: %j', async (options) => {
    const x = varied([2, 4, 9, 8], 1.3).requiresGrad_();
    const w = varied([6, 4 / options.groups, 3, 3], 2.1);
    const y = conv2d(x, w, null, options);
    const g = varied([...y.shape], 0.7);
    const [dx] = grad(y, [x], { gradOutputs: [g] });
    expect(await x.detach().mul(dx!).sum().item()).toBeCloseTo(await y.detach().mul(g).sum().item(), 9);
  });

  test('a transposed convolution undoes the size of its forward', () => {
    for (const outputPadding of [0, 1]) {
      const x = ones([1, 2, 7 + outputPadding, 7 + outputPadding]);
      const y = conv2d(x, ones([3, 2, 3, 3]), null, { stride: 2, padding: 1 });
      const back = convTranspose2d(y, ones([3, 2, 3, 3]), null, { stride: 2, padding: 1, outputPadding });
      expect(back.shape).toEqual(x.shape);
    }
  });
});

describe('errors', () => {
  const w = ones([64, 3, 7, 7]);
  test('channels', () => {
    expect(() => conv2d(ones([8, 1, 224, 224]), w)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected input with 3 channels (weight is float32[64,3,7,7]), got float32[8,1,224,224]. Repeat the channel with x.expand, or make the layer for 1 input channel.]`,
    );
    expect(() => conv2d(ones([8, 4, 224, 224]), w)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected input with 3 channels (weight is float32[64,3,7,7]), got float32[8,4,224,224]. Make the layer for 4 input channels, or select the channels with x.narrow.]`,
    );
    expect(() =>
      conv2d(ones([8, 4, 9, 9]), ones([6, 3, 3, 3]), null, { groups: 2 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected input with 6 channels (weight is float32[6,3,3,3], 2 groups), got float32[8,4,9,9]. Make the layer for 4 input channels, or select the channels with x.narrow.]`,
    );
  });
  test('channels last', () => {
    expect(() => conv2d(ones([8, 224, 224, 3]), w)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected input with 3 channels (weight is float32[64,3,7,7]), got float32[8,224,224,3]. Channels come first here; if yours are last: x.permute([0, 3, 1, 2]).]`,
    );
  });
  test('a batch of grey images without channel axis', () => {
    expect(() => conv2d(ones([8, 28, 28]), ones([6, 1, 5, 5]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected input with 1 channel (weight is float32[6,1,5,5]), got float32[8,28,28]. For a batch of images without a channel axis: x.unsqueeze(1).]`,
    );
  });
  test('ranks', () => {
    expect(() => conv2d(ones([224, 224]), w)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected a batch [N, C, H, W] or one sample [C, H, W], got float32[224,224] (weight is float32[64,3,7,7]). Add axes with x.unsqueeze(dim), or reshape.]`,
    );
    expect(() => conv2d(ones([1, 3, 224, 224]), ones([64, 3, 7]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected a weight of 4 axes, [outChannels, inChannels / groups, H, W], got float32[64,3,7]]`,
    );
  });
  test('a kernel larger than the input', () => {
    expect(() => conv2d(ones([8, 3, 5, 5]), w)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: the kernel spans 7 cells, the input 5 with its padding, along axis 2 of float32[8,3,5,5] (weight is float32[64,3,7,7]). Add padding, or use a smaller kernel or less downsampling before.]`,
    );
  });
  test('groups', () => {
    expect(() =>
      conv2d(ones([8, 4, 9, 9]), ones([3, 2, 3, 3]), null, { groups: 2 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: 2 groups must divide the 3 output channels (weight is float32[3,2,3,3])]`,
    );
    expect(() =>
      conv2d(ones([8, 4, 9, 9]), ones([4, 4, 3, 3]), null, { groups: 0 }),
    ).toThrowErrorMatchingInlineSnapshot(`[OutOfRangeError: conv2d: groups is a whole number of at least 1, got 0]`);
  });
  test('dtypes', () => {
    expect(() => conv2d(ones([1, 3, 9, 9], { dtype: 'float64' }), w)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: conv2d: expected input and weight of one dtype, got float64[1,3,9,9] and float32[64,3,7,7]. Convert the input with x.to('float32').]`,
    );
    expect(() => conv2d(ones([1, 3, 9, 9], { dtype: 'int32' }), w)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: conv2d: expected a float tensor, got int32[1,3,9,9]. Convert it with x.to('float32').]`,
    );
  });
  test('a bias of another size', () => {
    expect(() => conv2d(ones([1, 3, 9, 9]), w, ones([3]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: conv2d: expected a bias [64] (weight is float32[64,3,7,7]), got float32[3]]`,
    );
  });
  test('options', () => {
    expect(() => conv2d(ones([1, 3, 9, 9]), w, null, { strides: 2 } as any)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: conv2d: unknown option 'strides'. Known: stride, padding, dilation, groups]`,
    );
    expect(() => conv2d(ones([1, 3, 9, 9]), w, null, 2 as any)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: conv2d: options come as one object, { stride, padding, dilation, groups }; got 2]`,
    );
    expect(() => conv2d(ones([1, 3, 9, 9]), w, null, { stride: [1, 2, 3] })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: conv2d: stride is a whole number of at least 1, or 2 of them in an array; got [1, 2, 3]]`,
    );
    expect(() =>
      conv2d(ones([1, 3, 9, 9]), w, null, { padding: 'same', stride: 2 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: conv2d: padding 'same' needs stride 1, got [2, 2]. Give the padding in numbers, such as Math.floor(kernelSize / 2).]`,
    );
    expect(() => conv2d(ones([1, 3, 9, 9]), w, null, { padding: 'full' as any })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: conv2d: padding is a number, an array, 'same' or 'valid'; got 'full']`,
    );
  });
  test('transposed', () => {
    expect(() => convTranspose2d(ones([1, 3, 4, 4]), ones([6, 3, 2, 2]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: convTranspose2d: expected input with 6 channels (weight is float32[6,3,2,2], input channels first), got float32[1,3,4,4]. Make the layer for 3 input channels, or select the channels with x.narrow.]`,
    );
    expect(() =>
      convTranspose2d(ones([1, 6, 4, 4]), ones([6, 3, 2, 2]), null, { stride: 2, outputPadding: 2 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: convTranspose2d: outputPadding must be smaller than stride or dilation, got [2, 2] with stride [2, 2] and dilation [1, 1]]`,
    );
    expect(() =>
      convTranspose2d(ones([1, 6, 1, 1]), ones([6, 3, 2, 2]), null, { padding: 1 }),
    ).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: convTranspose2d: the output of float32[1,6,1,1] would have 0 cells along an axis (weight is float32[6,3,2,2], padding [1, 1] is cut off it). Use less padding.]`,
    );
  });
});
