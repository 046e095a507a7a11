/**
 * Reading and writing ONNX files.
 *
 * @packageDocumentation
 */

export { checkModel } from './check.js';
export { decodeModel, type DecodeOptions } from './decode.js';
export type { ReadExternal } from './decode-tensor.js';
export { encodeModel } from './encode.js';
export { OnnxError } from './errors.js';
export { exportOnnx, exportOnnxModel, type DynamicAxes, type ExportOptions } from './export/export-onnx.js';
export type { OnnxInput, OnnxInputs } from './export/inputs.js';
export { formatModel, type FormatOptions } from './format.js';
export { importOnnx, type ImportOptions } from './import/import.js';
export { OnnxLayer, OnnxModule } from './import/module.js';
export type { OnnxWeight } from './import/weights.js';
export {
  IR_VERSION,
  type OnnxAttribute,
  type OnnxDType,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  OPSET,
} from './model.js';
export { tensorData, type TensorData, tensorFrom, type TensorValues } from './tensors.js';
