/**
 * onnxruntime-node on NVIDIA's GPUs.
 *
 * Nothing runs on the CPU unasked: sessions have the CUDA provider alone, and ONNX Runtime is told to refuse a graph of
 * which a node would go to its CPU provider. That holds for whole graphs here, as no shape is computed in one: all of
 * them are constants, which kernels read where they are, and what depends on constants alone is folded before nodes are
 * given to providers. What is copied between host and GPU is a graph's inputs and outputs.
 */
import { BackendError, BackendUnavailableError, FakkelError } from '@fakkel/core';
import type { InferenceSession } from 'onnxruntime-common';
import { cudaProblem, type System, thisSystem } from './cuda-system.js';
import type { Engine, EngineSession } from './engine.js';
import { identity } from './identity-model.js';
import { createNodeEngine, type NodeEngineOptions } from './node.js';

/** What of the CUDA provider can be chosen. */
export interface CudaOptions {
  /** Index of the GPU, among those that `CUDA_VISIBLE_DEVICES` leaves. Default 0. `'cuda:1'` says the same. */
  readonly deviceId?: number;
}

export interface CudaEngineOptions extends NodeEngineOptions {
  readonly cuda?: CudaOptions;
}

/** ONNX Runtime's options of this provider that the binding does not pass on, and what does instead. */
const NOT_PASSED: Readonly<Record<string, string>> = {
  gpu_mem_limit: 'Memory grows with what a program needs; smaller batches need less.',
  arena_extend_strategy: 'Memory grows in powers of two.',
  cudnn_conv_algo_search: 'Algorithms are searched for exhaustively at the first run of a shape.',
  cudnn_conv_use_max_workspace: 'The largest workspace is allowed.',
  cudnn_conv1d_pad_to_nc1d: '',
  do_copy_in_default_stream: 'Copies are in the default stream.',
  use_tf32:
    'TF32 is on for products and convolutions (10 bits of mantissa, on Ampere and later). To compute in full float32, ' +
    'start Node with NVIDIA_TF32_OVERRIDE=0.',
  enable_cuda_graph: '',
  prefer_nhwc: '',
  tunable_op_enable: '',
  user_compute_stream: '',
};

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * The device index that a variant (`cuda`, `cuda:1`) and options ask for.
 *
 * @throws BackendUnavailableError for what is no index; TypeError for options that would have no effect.
 */
export function deviceIndex(variant: string, options: CudaOptions = {}): number {
  for (const name of Object.keys(options)) {
    if (name === 'deviceId') continue;
    const known = snakeCase(name);
    if (known === 'device_id') throw new TypeError(`createOnnxruntime: cuda.${name} is written cuda.deviceId`);
    const instead = Object.hasOwn(NOT_PASSED, known) ? NOT_PASSED[known] : undefined;
    throw new TypeError(
      instead === undefined
        ? `createOnnxruntime: cuda has no option '${name}', only deviceId`
        : `createOnnxruntime: cuda.${name} would have no effect: of ONNX Runtime's CUDA options, onnxruntime-node 1.30 ` +
            `passes on deviceId alone. ${instead}`.trimEnd(),
    );
  }
  const { deviceId } = options;
  if (deviceId !== undefined && (!Number.isInteger(deviceId) || deviceId < 0)) {
    throw new TypeError(`createOnnxruntime: expected cuda.deviceId to be 0, 1, …, got ${String(deviceId)}`);
  }
  const [, index] = variant.split(':', 2) as [string, string?];
  if (index === undefined) return deviceId ?? 0;
  if (!/^\d+$/.test(index) || variant.split(':').length > 2) {
    throw new BackendUnavailableError(
      `onnxruntime has no variant '${variant}': after 'cuda:' comes the index of a device, as in 'cuda:1'`,
    );
  }
  if (deviceId !== undefined && deviceId !== Number(index)) {
    throw new TypeError(`createOnnxruntime: cuda.deviceId is ${deviceId}, but the variant says '${variant}'`);
  }
  return Number(index);
}

/** How sessions are made. */
export function cudaSessionOptions(deviceId: number): InferenceSession.SessionOptions {
  return {
    executionProviders: [{ name: 'cuda', deviceId }],
    extra: { session: { disable_cpu_ep_fallback: '1' } },
  };
}

/** What ONNX Runtime and CUDA say when they don't start, or a run fails, and what to do. */
const FAILURES: readonly (readonly [RegExp, string])[] = [
  [
    /failed to load shared library|failed to load library|LoadLibrary failed|not enabled in this build/i,
    'ONNX Runtime could not load its CUDA provider or a library that it needs; what it printed on the console above ' +
      'names the one. The provider needs CUDA 12 and cuDNN 9, where the loader finds them (LD_LIBRARY_PATH, ldconfig).',
  ],
  [/no CUDA-capable device|CUDA failure 100\b/, 'CUDA sees no GPU. See what `nvidia-smi` lists.'],
  [/invalid device ordinal|Invalid device id|CUDA failure 101\b/i, 'There is no GPU with this index.'],
  [
    /driver version is insufficient|CUDA failure 35\b/,
    'The NVIDIA driver is too old for CUDA 12: install 525 or later.',
  ],
  [
    /no kernel image|CUDA failure 209\b/,
    'This build of ONNX Runtime has no kernels for a GPU of this age: see its release notes for the compute ' +
      'capabilities that it is built for.',
  ],
  [
    /out of memory|CUDA failure 2\b|Failed to allocate memory|CUBLAS_STATUS_ALLOC_FAILED|CUDNN_STATUS_ALLOC_FAILED/i,
    'The GPU is out of memory: `nvidia-smi` says who uses it; smaller batches need less.',
  ],
  [
    /illegal memory access|unspecified launch failure|uncorrectable ECC|device.* lost|CUDA failure (46|214|700|719|999)\b/i,
    'The GPU stopped working for this process, in which CUDA does not start again: start the process anew, and load ' +
      'the last checkpoint. `nvidia-smi -q` and the log of the system say more.',
  ],
  [/cudnn/i, 'It comes from cuDNN: this provider needs version 9 for CUDA 12, all of its libraries of one release.'],
];

/** An error of ONNX Runtime in words of what to do; undefined for what has to do with neither GPU nor libraries. */
export function explainCuda(error: unknown): string | undefined {
  const message = error instanceof Error ? error.message : String(error);
  return FAILURES.find(([pattern]) => pattern.test(message))?.[1];
}

const FALLBACK = /assigned to the default CPU EP/;

/** An error of making a session on a provider that started, or of a run. */
function cudaError(op: 'compile' | 'run', name: string, error: unknown): unknown {
  const message = error instanceof Error ? error.message.trim() : String(error);
  if (FALLBACK.test(message)) {
    return new BackendError(
      `compile: ${name}: ONNX Runtime has no CUDA kernel for a part of this program, and would run it on the CPU. ` +
        `That is a gap of this backend: please report it with the program. device('onnxruntime') runs all of it.`,
      { cause: error },
    );
  }
  const why = error instanceof FakkelError ? undefined : explainCuda(error);
  return why === undefined ? error : new BackendError(`${op}: ${name}: ${message}. ${why}`, { cause: error });
}

/** The same engine with errors that say what to do. */
export function withCudaErrors(engine: Engine): Engine {
  const explained = async <T>(op: 'compile' | 'run', call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      throw cudaError(op, engine.name, error);
    }
  };
  return {
    ...engine,
    createSession: async (model): Promise<EngineSession> => {
      const session = await explained('compile', () => engine.createSession(model));
      return {
        run: (feeds, fetches) => explained('run', () => session.run(feeds, fetches)),
        release: () => session.release(),
      };
    },
  };
}

/**
 * @param variant `cuda`, or with the index of a device `cuda:1`.
 * @throws BackendUnavailableError with the cause and the remedy, if CUDA can't be used.
 */
export async function createCudaEngine(options: CudaEngineOptions, variant: string, system?: System): Promise<Engine> {
  const deviceId = deviceIndex(variant, options.cuda);
  const problem = cudaProblem(system ?? (await thisSystem()), deviceId);
  if (problem !== undefined) throw new BackendUnavailableError(`onnxruntime:${variant}: ${problem}`);
  const engine = await createNodeEngine(options, 'cuda', cudaSessionOptions(deviceId));
  try {
    await (await engine.createSession(identity)).release();
  } catch (cause) {
    const why = explainCuda(cause) ?? '';
    const message = (cause as Error).message.trim();
    throw new BackendUnavailableError(`onnxruntime:${variant}: CUDA does not start (${message}). ${why}`.trimEnd(), {
      cause,
    });
  }
  return withCudaErrors({ ...engine, name: deviceId === 0 ? 'onnxruntime:cuda' : `onnxruntime:cuda:${deviceId}` });
}
