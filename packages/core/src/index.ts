/**
 * The core of Fakkel: tensors, programs, gradients, modules, random numbers, and the reference backend.
 *
 * @packageDocumentation
 */
import './methods.js';

export * from './errors.js';
export type { BoundaryDType, DType, TypedArray } from './dtype.js';
export { formatAval, type Aval, type Shape } from './shape.js';

export { isTensor, Tensor, type HookHandle, type TensorHook } from './graph/tensor.js';
export type { Nested } from './graph/print.js';
export { enableGrad, isGradEnabled, noGrad } from './graph/modes.js';
export { scalarInput, type TensorLike } from './graph/record.js';
export type { TensorMethods } from './methods.js';

export { Buffer, Cell, Parameter, type CellOptions, type GradientState } from './runtime/cell.js';
export { Device, getDefaultDevice, referenceDevice, setDefaultDevice } from './runtime/device.js';
export {
  commit,
  evaluate,
  flush,
  flushWaiting,
  memory,
  scope,
  setMemoryBudget,
  stats,
  type Stats,
} from './runtime/api.js';
export { checkNumerics } from './runtime/checking.js';
export { formatMemory, type MemoryReport } from './runtime/memory.js';
export type { MemoryRole } from './runtime/storage.js';
export type { RuntimeStats } from './runtime/runtime.js';
export { onCompile, type CompileListener, type CompileReport } from './program/cache.js';

export { backward, grad, type BackwardOptions, type GradOptions } from './autograd/backward.js';
export { defineFunction, defineFunctions, type FunctionContext, type FunctionDefinition } from './autograd/function.js';

export {
  defineOp,
  NON_DIFFERENTIABLE,
  opTable,
  type Jacobian,
  type Op,
  type OpDef,
  type VjpContext,
  type VjpRule,
} from './ops/def.js';
export { record } from './graph/record.js';
export type { BinaryFunction, NoAttrs, UnaryFunction } from './ops/common.js';
export type { FlatData } from './ops/data.js';
export * from './ops/elementwise.js';
export * from './ops/arithmetic.js';
export * from './ops/logic.js';
export * from './ops/conversion.js';
export * from './ops/creation.js';
export * from './ops/sampling.js';
export * from './ops/reduction.js';
export * from './ops/statistics.js';
export * from './ops/movement.js';
export * from './ops/slicing.js';
export * from './ops/joining.js';
export * from './ops/padding.js';
export * from './ops/indexing.js';
export * from './ops/sorting.js';
export * from './ops/einsum.js';
export * from './ops/linear.js';
export * from './ops/convolution.js';
export * from './ops/pooling.js';
export * from './ops/activation.js';
export * from './ops/optimizer-updates.js';
export * from './ops/adam-updates.js';
export type { UpdateArguments, UpdateResult } from './ops/update-op.js';

export * as nn from './nn/index.js';
export { defaultGenerator, Generator, initialSeed, manualSeed, seed } from './random/generator.js';
export type { FloatArray } from './random/continuous.js';
export type { BernoulliArray, RandintArray } from './random/discrete.js';
export { dropoutKeys, type DropoutKeys } from './random/dropout-keys.js';
export { threefryUniform } from './random/threefry.js';

export * from './backends/backend.js';
export { interpretProgram, type InterpretOptions, type Kernel, type KernelCall } from './backends/interpret.js';
export { device } from './backends/resolve.js';
export { referenceBackend } from './backends/reference/index.js';
export * from './program/program.js';
export { formatProgram } from './program/format.js';
export { verifyProgram } from './program/verify.js';

export { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from './io/half.js';
export { loadSafetensors, saveSafetensors, type SafetensorsFile } from './io/state-files.js';
export { layoutSafetensors, type DescribedTensor } from './io/safetensors.js';
export { readSafetensorsHeader, type SafetensorsEntry, type SafetensorsHeader } from './io/safetensors-header.js';
export { SafetensorsError, type SafetensorsDType } from './io/safetensors-format.js';
