/// <reference types="@webgpu/types" />
/**
 * onnxruntime-web's WebGPU build. Tensors stay in GPU buffers from run to run.
 */
import { encodeModel } from '@fakkel/onnx';
import { BackendError, BackendUnavailableError } from '@fakkel/core';
import type { InferenceSession } from 'onnxruntime-common';
import type { Engine, EngineSession } from './engine.js';
import { GpuMemory } from './gpu-memory.js';
import { LOG_NOTHING, type OrtWeb, startOrtWeb, type WebOptions } from './ort-web.js';
import { WEBGPU } from './webgpu-provider.js';

const NAME = 'onnxruntime:webgpu';

export async function createWebGpuEngine(ort: OrtWeb, options: WebOptions = {}): Promise<Engine> {
  const device = await requestDevice();
  const sessionOptions: InferenceSession.SessionOptions = {
    executionProviders: [{ ...WEBGPU, device }],
    preferredOutputLocation: 'gpu-buffer',
    graphOptimizationLevel: 'all',
    logSeverityLevel: LOG_NOTHING,
  };
  const turns = await startOrtWeb(NAME, ort, options, sessionOptions);
  const memory = new GpuMemory(ort.Tensor, device);
  const lost = failureOf(device);
  void lost.then((error) => memory.fail(error));
  return {
    name: NAME,
    target: { provider: 'webgpu', blockSize: 1 },
    resident: true,
    blocking: false,
    freezes: false,
    memory,
    lost,
    createSession: (model): Promise<EngineSession> =>
      turns.take(async () => {
        const session = await ort.InferenceSession.create(encodeModel(model), sessionOptions);
        return {
          run: async (feeds, fetches) => {
            await turns.take(() => session.run(feeds, fetches, { logSeverityLevel: LOG_NOTHING }));
          },
          release: () => turns.take(() => session.release()),
        };
      }),
    dispose: async () => device.destroy(),
  };
}

/** What ONNX Runtime's kernels use if it is there. */
const FEATURES = ['shader-f16', 'subgroups'] as const;
const LIMITS = [
  'maxBindGroups',
  'maxBufferSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
] as const;

/** A device of our own: ONNX Runtime's would be shared by all of the page, and nobody would hear when it is lost. */
async function requestDevice(): Promise<GPUDevice> {
  // Older browsers and pages without https have no `gpu`.
  const gpu = (globalThis.navigator as Partial<Navigator> | undefined)?.gpu;
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new BackendUnavailableError(
      `${NAME}: ` +
        (gpu
          ? 'this browser finds no GPU that it would use (chrome://gpu says why)'
          : 'there is no WebGPU here: it takes a current browser, and a page from https or localhost') +
        `. Use device(onnxruntime, { variant: 'wasm' }) instead.`,
    );
  }
  return adapter.requestDevice({
    requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(LIMITS.map((limit) => [limit, adapter.limits[limit]])),
  });
}

/** Resolves at the first error that no call reports. */
function failureOf(device: GPUDevice): Promise<Error> {
  return new Promise((resolve) => {
    device.addEventListener('uncapturederror', ({ error }) =>
      resolve(new BackendError(`${NAME}: the GPU reports: ${error.message}`)),
    );
    void device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') resolve(new BackendError(`${NAME}: the GPU is lost: ${message}`));
    });
  });
}
