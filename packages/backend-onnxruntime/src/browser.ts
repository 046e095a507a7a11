/**
 * ONNX Runtime as a backend of Fakkel, as bundlers for browsers see the package: onnxruntime-web alone.
 *
 * @packageDocumentation
 */
import { type BackendDefinition, BackendUnavailableError, defineBackend } from '@fakkel/core';
import { OrtBackend } from './backend.js';
import { checkOptions, checkVariant, type OnnxruntimeOptions } from './options.js';

export type { OnnxruntimeOptions } from './options.js';

/**
 * The backend with options; `device(createOnnxruntime({ … }), { variant: 'wasm' })`.
 *
 * @throws TypeError for options that don't exist, and values that they don't take.
 */
export function createOnnxruntime(options: OnnxruntimeOptions = {}): BackendDefinition {
  checkOptions(options);
  return defineBackend({
    name: 'onnxruntime',
    create: async ({ variant = 'wasm' }) => {
      checkVariant(options, variant);
      switch (variant) {
        case 'wasm': {
          const { createWasmEngine } = await import('./engines/web.js');
          return new OrtBackend(await createWasmEngine(await import('onnxruntime-web/wasm'), options), options);
        }
        case 'webgpu': {
          const { createWebGpuEngine } = await import('./engines/web-gpu.js');
          return new OrtBackend(await createWebGpuEngine(await import('onnxruntime-web/webgpu'), options), options);
        }
        default:
          throw new BackendUnavailableError(
            `onnxruntime has no variant '${variant}' in browsers: expected 'wasm' or 'webgpu'`,
          );
      }
    },
  });
}

/** The backend for `device(onnxruntime)`, on WebAssembly; `{ variant: 'webgpu' }` for the GPU. */
const onnxruntime = createOnnxruntime();

export default onnxruntime;
