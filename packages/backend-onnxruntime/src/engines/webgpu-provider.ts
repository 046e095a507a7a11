/**
 * ONNX Runtime's WebGPU provider, which is the same code in Node and in browsers.
 */
import type { InferenceSession } from 'onnxruntime-common';

/**
 * NHWC, the provider's own choice, is wrong in 1.30: convolution with weights that are no constants (6 channels to 16,
 * 5×5) and transposed convolution in groups give other numbers.
 */
export const WEBGPU = {
  name: 'webgpu',
  preferredLayout: 'NCHW',
} as const satisfies InferenceSession.WebGpuExecutionProviderOption;
