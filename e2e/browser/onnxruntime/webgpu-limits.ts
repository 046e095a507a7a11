/**
 * Where ONNX Runtime's WebGPU provider is not what the conformance kit asks for.
 */
import type { KitOptions } from './main.js';

/** WGSL lets a shader take every number for finite; SwiftShader's compiler does. */
const NOT_FINITE = 'WGSL §15.7: implementations may assume that NaN and infinities are not present';

const notFinite = [
  'exp/NaN, infinities and zeros',
  'log/NaN, infinities and zeros',
  'log1p/NaN, infinities and zeros',
  'sigmoid/NaN, infinities and zeros',
  'relu/NaN, infinities and zeros',
  'relu6/NaN and infinities',
  'hardtanh/NaN and infinities',
  'logsigmoid/NaN and infinities',
  'softplus/NaN and infinities',
  'softmax/NaN',
  'logsumexp/minus infinity',
  'logsumexp/infinity and NaN',
  'sort/NaN is the largest',
  'sort/NaN is the largest, descending',
  'glu/NaN and infinities',
  'lpPool2d/no root of a negative sum',
];

export const knownGaps: KitOptions['knownGaps'] = {
  ...Object.fromEntries(notFinite.map((id) => [id, NOT_FINITE])),
  'convTranspose3d/stride, padding, more output, groups':
    'ONNX Runtime 1.30: "Conv3D does not support grouped convolution"',
};

/** WGSL asks of sin and cos an absolute error below 2^-11, from −π to π, and SwiftShader's is not far below. */
const trigonometric = { float32: { relative: 1e-5, absolute: 2 ** -11 } };
export const tolerance: KitOptions['tolerance'] = {
  ops: {
    sin: trigonometric,
    cos: trigonometric,
    composition: trigonometric,
    checkpointMixed: trigonometric,
    checkpointNested: trigonometric,
  },
};
