import { BackendError, BackendUnavailableError, device } from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { describe, expect, test } from 'vitest';
import { createCudaEngine, cudaSessionOptions, deviceIndex, explainCuda, withCudaErrors } from './cuda.js';
import { cudaProblem, type System, thisSystem } from './cuda-system.js';
import { identity } from './identity-model.js';
import { createNodeEngine } from './node.js';

const VERSION = 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 01:44:30 UTC 2024\n';
const LIBRARIES = ['cudart.so.12', 'cublas.so.12', 'cublasLt.so.12', 'cufft.so.11', 'curand.so.10'];

/** Files by path, with their contents where they matter; null takes one away. */
type Files = Readonly<Record<string, string | null>>;

/** A machine with two GPUs on which nothing is missing. */
const COMPLETE: Files = {
  '/app/libonnxruntime_providers_shared.so': '',
  '/app/libonnxruntime_providers_cuda.so': '',
  '/proc/driver/nvidia/version': VERSION,
  '/proc/driver/nvidia/gpus/0000:01:00.0': '',
  '/proc/driver/nvidia/gpus/0000:02:00.0': '',
  '/usr/lib/x86_64-linux-gnu/libcuda.so.1': '',
  '/etc/ld.so.cache': LIBRARIES.map((name) => `lib${name}\0/usr/local/cuda/lib64/lib${name}\0`).join(''),
  '/opt/cudnn/libcudnn.so.9': '',
};

function machine(changes: Files = {}, its: Partial<System> = {}): System {
  const files = Object.entries({ ...COMPLETE, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  const contents = new Map(files);
  return {
    platform: 'linux',
    arch: 'x64',
    env: { LD_LIBRARY_PATH: '/opt/nothing:/opt/cudnn' },
    binaries: '/app',
    exists: (path) => contents.has(path),
    read: (path) => contents.get(path),
    list: (path) => {
      const names = files.flatMap(([file]) => (file.startsWith(`${path}/`) ? [file.slice(path.length + 1)] : []));
      return names.length > 0 ? names : undefined;
    },
    ...its,
  };
}

const without = (...names: string[]): Files => Object.fromEntries(names.map((name) => [name, null]));
const NO_DRIVER = without(
  '/proc/driver/nvidia/version',
  '/proc/driver/nvidia/gpus/0000:01:00.0',
  '/proc/driver/nvidia/gpus/0000:02:00.0',
);

describe('what is missing on a machine', () => {
  test.each<[string, System, number]>([
    ['nothing', machine(), 1],
    ['nothing, driver on WSL', machine({ ...NO_DRIVER, '/dev/dxg': '' }), 3],
    [
      'nothing, open driver',
      machine({ '/proc/driver/nvidia/version': VERSION.replace('Kernel Module', 'Open Kernel Module for') }),
      0,
    ],
    [
      'nothing, a choice of GPUs by name',
      machine({}, { env: { LD_LIBRARY_PATH: '/opt/cudnn', CUDA_VISIBLE_DEVICES: 'GPU-8932f937' } }),
      0,
    ],
    ['nothing, if the package itself is', machine({}, { binaries: undefined }), 0],
  ])('%s', (_, system, deviceId) => {
    expect(cudaProblem(system, deviceId)).toBeUndefined();
  });

  test('another system', () => {
    expect(cudaProblem(machine({}, { platform: 'darwin', arch: 'arm64' }), 0)).toMatchInlineSnapshot(
      `"onnxruntime-node has CUDA for linux-x64 alone, this is darwin-arm64. Use device('webgpu'), which runs on NVIDIA's GPUs, too."`,
    );
    expect(cudaProblem(machine({}, { platform: 'win32' }), 0)).toContain('linux-x64 alone, this is win32-x64');
  });

  test('the provider: the install script did not run', () => {
    const none = without('/app/libonnxruntime_providers_shared.so', '/app/libonnxruntime_providers_cuda.so');
    expect(cudaProblem(machine(none), 0)).toMatchInlineSnapshot(
      `"onnxruntime-node is installed without libonnxruntime_providers_shared.so and libonnxruntime_providers_cuda.so: its install script, which downloads them (hundreds of MB, from nuget.org), did not run. Run it: \`npm approve-scripts onnxruntime-node\` where npm asks for it, then \`npm rebuild onnxruntime-node --ignore-scripts=false --foreground-scripts\`, with ONNXRUNTIME_NODE_INSTALL not set to skip. Without npm: \`ONNXRUNTIME_NODE_INSTALL=cuda12 node node_modules/onnxruntime-node/script/install.js\`."`,
    );
  });

  test('the driver', () => {
    const noLibrary = without('/usr/lib/x86_64-linux-gnu/libcuda.so.1');
    expect(cudaProblem(machine({ ...NO_DRIVER, ...noLibrary }), 0)).toMatchInlineSnapshot(
      `"there is no NVIDIA driver (no libcuda.so.1, no /proc/driver/nvidia). On a machine with an NVIDIA GPU install driver 525 or later; in a container, start it with \`docker run --gpus all\` (NVIDIA Container Toolkit)."`,
    );
    expect(cudaProblem(machine(noLibrary), 0)).toMatchInlineSnapshot(
      `"the NVIDIA driver is loaded, but its library libcuda.so.1 is not here. Install it (Debian, Ubuntu: libcuda1, libnvidia-compute-*); in a container, start it with \`docker run --gpus all\` (NVIDIA Container Toolkit)."`,
    );
    expect(cudaProblem(machine(NO_DRIVER), 0)).toMatchInlineSnapshot(
      `"the NVIDIA driver is installed but not loaded (no /proc/driver/nvidia). Run \`sudo modprobe nvidia\` or restart, and see what \`nvidia-smi\` says; in a container, start it with \`docker run --gpus all\` (NVIDIA Container Toolkit)."`,
    );
    const old = VERSION.replace('550.54.14', '470.82.01');
    expect(cudaProblem(machine({ '/proc/driver/nvidia/version': old }), 0)).toMatchInlineSnapshot(
      `"NVIDIA driver 470 is too old for CUDA 12: install 525 or later."`,
    );
  });

  test('CUDA 12', () => {
    const cache = 'libcudart.so.11.0\0/usr/lib/libcudart.so.11.0\0libcublas.so.12\0/usr/lib/libcublas.so.12\0';
    expect(cudaProblem(machine({ '/etc/ld.so.cache': cache }), 0)).toMatchInlineSnapshot(
      `"libraries of CUDA 12 are missing: libcudart.so.12, libcublasLt.so.12, libcufft.so.11, libcurand.so.10. Install them (NVIDIA's packages cuda-libraries-12-*; another major version won't do). If it is installed, the loader does not find it: put its directory into LD_LIBRARY_PATH before Node starts (setting it in the program is too late), or run ldconfig."`,
    );
    expect(cudaProblem(machine(without('/etc/ld.so.cache')), 0)).toContain('libcudart.so.12, libcublas.so.12');
  });

  test('cuDNN 9', () => {
    expect(cudaProblem(machine({}, { env: {} }), 0)).toMatchInlineSnapshot(
      `"cuDNN 9 is missing: libcudnn.so.9. Install it (NVIDIA's package cudnn9-cuda-12). If it is installed, the loader does not find it: put its directory into LD_LIBRARY_PATH before Node starts (setting it in the program is too late), or run ldconfig."`,
    );
  });

  test('the device', () => {
    expect(cudaProblem(machine(), 2)).toMatchInlineSnapshot(
      `"there is no device 2: this process sees 2, so the index may be 0 to 1."`,
    );
    const choice = (CUDA_VISIBLE_DEVICES: string): System =>
      machine({}, { env: { LD_LIBRARY_PATH: '/opt/cudnn', CUDA_VISIBLE_DEVICES } });
    expect(cudaProblem(choice('1'), 1)).toMatchInlineSnapshot(
      `"there is no device 1: this process sees 1 with CUDA_VISIBLE_DEVICES='1', so the index may be 0 alone."`,
    );
    expect(cudaProblem(choice(''), 0)).toMatchInlineSnapshot(
      `"this process sees no GPU with CUDA_VISIBLE_DEVICES=''. See what \`nvidia-smi\` lists."`,
    );
    // CUDA ignores what comes after an index that is none.
    expect(cudaProblem(choice('0,-1,1'), 1)).toContain('sees 1 with');
    expect(cudaProblem(choice('7,0'), 0)).toContain('sees no GPU with');
  });
});

describe('the device index', () => {
  test('is in the variant or in the options', () => {
    expect(deviceIndex('cuda')).toBe(0);
    expect(deviceIndex('cuda:1')).toBe(1);
    expect(deviceIndex('cuda', { deviceId: 2 })).toBe(2);
    expect(deviceIndex('cuda:2', { deviceId: 2 })).toBe(2);
    expect(() => deviceIndex('cuda:1', { deviceId: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: createOnnxruntime: cuda.deviceId is 2, but the variant says 'cuda:1']`,
    );
    expect(() => deviceIndex('cuda:one')).toThrowErrorMatchingInlineSnapshot(
      `[BackendUnavailableError: onnxruntime has no variant 'cuda:one': after 'cuda:' comes the index of a device, as in 'cuda:1']`,
    );
    expect(() => deviceIndex('cuda:')).toThrow(BackendUnavailableError);
    expect(() => deviceIndex('cuda:1:2')).toThrow(BackendUnavailableError);
    expect(() => deviceIndex('cuda', { deviceId: -1 })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: createOnnxruntime: expected cuda.deviceId to be 0, 1, …, got -1]`,
    );
  });

  test('sessions have the CUDA provider alone, and no fall to the CPU', () => {
    expect(cudaSessionOptions(1)).toEqual({
      executionProviders: [{ name: 'cuda', deviceId: 1 }],
      extra: { session: { disable_cpu_ep_fallback: '1' } },
    });
  });
});

test('options that would have no effect are refused', () => {
  const refused = (options: object): unknown => {
    try {
      return deviceIndex('cuda', options);
    } catch (error) {
      return (error as Error).message;
    }
  };
  expect(refused({ gpu_mem_limit: 2 ** 31 })).toMatchInlineSnapshot(
    `"createOnnxruntime: cuda.gpu_mem_limit would have no effect: of ONNX Runtime's CUDA options, onnxruntime-node 1.30 passes on deviceId alone. Memory grows with what a program needs; smaller batches need less."`,
  );
  expect(refused({ useTf32: false })).toMatchInlineSnapshot(
    `"createOnnxruntime: cuda.useTf32 would have no effect: of ONNX Runtime's CUDA options, onnxruntime-node 1.30 passes on deviceId alone. TF32 is on for products and convolutions (10 bits of mantissa, on Ampere and later). To compute in full float32, start Node with NVIDIA_TF32_OVERRIDE=0."`,
  );
  expect(refused({ cudnn_conv_algo_search: 'HEURISTIC' })).toMatchInlineSnapshot(
    `"createOnnxruntime: cuda.cudnn_conv_algo_search would have no effect: of ONNX Runtime's CUDA options, onnxruntime-node 1.30 passes on deviceId alone. Algorithms are searched for exhaustively at the first run of a shape."`,
  );
  expect(refused({ device_id: 1 })).toMatchInlineSnapshot(
    `"createOnnxruntime: cuda.device_id is written cuda.deviceId"`,
  );
  expect(refused({ fast: true })).toMatchInlineSnapshot(
    `"createOnnxruntime: cuda has no option 'fast', only deviceId"`,
  );
});

test.each([
  ['CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=h', 'CUDA sees no GPU'],
  ['CUDA failure 101: invalid device ordinal ; GPU=32767', 'no GPU with this index'],
  ['Invalid device id. Device id should be less than total number of devices (1)', 'no GPU with this index'],
  ['CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version', 'driver is too old'],
  ['CUDA error cudaErrorNoKernelImageForDevice:no kernel image is available for execution', 'no kernels for a GPU'],
  ['bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1073741824', 'out of memory'],
  ['CUDNN failure 1001: CUDNN_STATUS_NOT_INITIALIZED ; GPU=0', 'comes from cuDNN'],
])('%s', (message, expected) => {
  expect(explainCuda(new Error(message))).toContain(expected);
});

test.each([
  [
    'Non-zero status code returned while running Conv node. Status Message: CUDNN failure 4: CUDNN_STATUS_ALLOC_FAILED',
    'The GPU is out of memory',
  ],
  ['bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1073741824', 'The GPU is out of memory'],
  ['CUDA failure 700: an illegal memory access was encountered ; GPU=0', 'start the process anew, and load the last'],
  ['CUDA failure 719: unspecified launch failure ; GPU=0', 'start the process anew, and load the last'],
])('in a run: %s', async (message, expected) => {
  const failing = { run: () => Promise.reject(new Error(message)), release: async () => {} };
  const { name, ...rest } = await createNodeEngine();
  const engine = withCudaErrors({ ...rest, name: name.replace('cpu', 'cuda'), createSession: async () => failing });
  const error: unknown = await (await engine.createSession(identity)).run({}, {}).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(BackendError);
  expect((error as Error).message).toMatch(/^run: onnxruntime:cuda: /);
  expect((error as Error).message).toContain(expected);
});

test('in a run: what has to do with neither GPU nor libraries stays what it is', async () => {
  const cause = new Error('indices element out of data bounds, idx=7');
  const engine = withCudaErrors({
    ...(await createNodeEngine()),
    createSession: async () => ({ run: () => Promise.reject(cause), release: async () => {} }),
  });
  await expect((await engine.createSession(identity)).run({}, {})).rejects.toBe(cause);
});

test('other errors are left as they are', () => {
  expect(explainCuda(new Error('[ShapeInferenceError] Incompatible dimensions'))).toBeUndefined();
});

const here = await thisSystem();
const isInstalled = here.exists(`${here.binaries}/libonnxruntime_providers_cuda.so`);

describe('onnxruntime-node without CUDA', () => {
  test.skipIf(isInstalled)('what it says itself is explained', async () => {
    const engine = await createNodeEngine({}, 'cuda', cudaSessionOptions(0));
    const error: unknown = await engine.createSession(identity).catch((reason: unknown) => reason);
    expect((error as Error).message).toContain('Failed to load shared library');
    expect(explainCuda(error)).toContain('could not load its CUDA provider');
  });

  test('a machine where all seems to be there: the start of a session tells', async () => {
    const opened = createCudaEngine({}, 'cuda:1', machine());
    await expect(opened).rejects.toThrow(BackendUnavailableError);
    await expect(opened).rejects.toThrow(/^onnxruntime:cuda:1: CUDA does not start/);
  });

  test('a node that would go to the CPU is an error', async () => {
    const { extra } = cudaSessionOptions(0);
    const engine = withCudaErrors(await createNodeEngine({}, 'cuda', { executionProviders: [], extra }));
    await expect(engine.createSession(identity)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendError: compile: onnxruntime:cuda: ONNX Runtime has no CUDA kernel for a part of this program, and would run it on the CPU. That is a gap of this backend: please report it with the program. device('onnxruntime') runs all of it.]`,
    );
  });

  test.skipIf(isInstalled)('device() says what is missing', async () => {
    const failed = device(createOnnxruntime({ cuda: { deviceId: 1 } }), { variant: 'cuda' });
    await expect(failed).rejects.toThrow(BackendUnavailableError);
    await expect(failed).rejects.toThrow(/npm rebuild onnxruntime-node|linux-x64 alone/);
  });
});
