/**
 * ONNX Runtime as a backend of Fakkel, in Node. Bundlers for browsers see `browser.ts` instead.
 *
 * @packageDocumentation
 */
import { type BackendDefinition, BackendUnavailableError, defineBackend } from '@fakkel/core';
import { OrtBackend } from './backend.js';
import { checkOptions, checkVariant, type OnnxruntimeOptions } from './options.js';

export type { CudaOptions } from './engines/cuda.js';
export type { OnnxruntimeOptions } from './options.js';

/**
 * The backend with options; `device(createOnnxruntime({ threads: 1 }))`.
 *
 * @throws TypeError for options that don't exist, and values that they don't take.
 */
export function createOnnxruntime(options: OnnxruntimeOptions = {}): BackendDefinition {
  checkOptions(options);
  return defineBackend({
    name: 'onnxruntime',
    create: async ({ variant = 'cpu' }) => {
      checkVariant(options, variant);
      switch (variant) {
        case 'cpu': {
          const { worker = true, ...rest } = options;
          if (worker) {
            const { WorkerBackend } = await import('./worker/worker-backend.js');
            return WorkerBackend.open(rest);
          }
          const { createNodeEngine } = await import('./engines/node.js');
          return new OrtBackend(await createNodeEngine(rest), rest);
        }
        case 'webgpu': {
          const { createNodeEngine } = await import('./engines/node.js');
          return new OrtBackend(await createNodeEngine(options, 'webgpu'), options);
        }
        case 'wasm': {
          const { createWasmEngine } = await import('./engines/web.js');
          return new OrtBackend(await createWasmEngine(await import('onnxruntime-web'), options), options);
        }
        default: {
          if (/^cuda(:|$)/.test(variant)) {
            const { createCudaEngine } = await import('./engines/cuda.js');
            return new OrtBackend(await createCudaEngine(options, variant), options);
          }
          throw new BackendUnavailableError(
            `onnxruntime has no variant '${variant}' in Node: expected 'cpu', 'cuda', 'cuda:1', …, 'webgpu' or 'wasm'`,
          );
        }
      }
    },
  });
}

/** The backend for `device('onnxruntime')`. */
const onnxruntime = createOnnxruntime();

export default onnxruntime;
