/**
 * ONNX Runtime as a backend of Fakkel.
 *
 * @packageDocumentation
 */
import { defineBackend } from '@fakkel/core';
import { OrtBackend } from './backend.js';
import { createNodeEngine } from './engines/node.js';

/** The backend for `device('onnxruntime')`. */
const onnxruntime = defineBackend({
  name: 'onnxruntime',
  create: async () => new OrtBackend(await createNodeEngine()),
});

export default onnxruntime;
