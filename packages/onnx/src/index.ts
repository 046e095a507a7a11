/**
 * Reading and writing ONNX files.
 *
 * @packageDocumentation
 */

export { encodeModel } from './encode.js';
export { OnnxError } from './errors.js';
export * from './model.js';
