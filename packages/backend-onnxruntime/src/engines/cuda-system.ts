/**
 * What CUDA needs on a machine, looked up before a session is made: ONNX Runtime says of a library that is missing only
 * `Failed to load shared library`, and prints its name on the console.
 */
/** A machine, as far as this reads it. */
export interface System {
  readonly platform: string;
  readonly arch: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where onnxruntime-node has its libraries; undefined if it is not installed. */
  readonly binaries: string | undefined;
  exists(path: string): boolean;
  /** The bytes of a file as Latin-1; undefined if there is none. */
  read(path: string): string | undefined;
  /** The names in a directory; undefined if there is none. */
  list(path: string): readonly string[] | undefined;
}

export async function thisSystem(): Promise<System> {
  const [{ existsSync, readdirSync, readFileSync }, { createRequire }] = await Promise.all([
    import('node:fs'),
    import('node:module'),
  ]);
  const { platform, arch, env } = process;
  const orUndefined = <T>(look: () => T): T | undefined => {
    try {
      return look();
    } catch {
      return undefined;
    }
  };
  const file = orUndefined(() => createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  return {
    platform,
    arch,
    env,
    binaries: file?.replace(/package\.json$/, `bin/napi-v6/${platform}/${arch}`),
    exists: existsSync,
    read: (path) => orUndefined(() => readFileSync(path, 'latin1')),
    list: (path) => orUndefined(() => readdirSync(path)),
  };
}

/** Of onnxruntime-node's CUDA: its install script downloads them, for they are too large for npm. */
const PROVIDER = ['libonnxruntime_providers_shared.so', 'libonnxruntime_providers_cuda.so'];

/** The libraries of CUDA 12 that the provider is linked with; cuFFT and cuRAND count their versions on their own. */
const CUDA = ['libcudart.so.12', 'libcublas.so.12', 'libcublasLt.so.12', 'libcufft.so.11', 'libcurand.so.10'];
const CUDNN = 'libcudnn.so.9';
const DRIVER = 'libcuda.so.1';

/** The first driver for CUDA 12. */
const DRIVER_VERSION = 525;

/** Where the loader looks without being told. */
const DIRECTORIES = ['/lib64', '/usr/lib64', '/lib', '/usr/lib', '/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu'];

/** Whether the dynamic loader would find a library. */
function isFound(system: System, name: string): boolean {
  const told = (system.env['LD_LIBRARY_PATH'] ?? '').split(':').filter((path) => path !== '');
  const own = system.binaries === undefined ? [] : [system.binaries];
  return (
    [...told, ...own, ...DIRECTORIES].some((path) => system.exists(`${path}/${name}`)) ||
    // The cache names each library by its path, ended by a zero.
    (system.read('/etc/ld.so.cache') ?? '').includes(`/${name}\0`)
  );
}

const PATH_HINT =
  'If it is installed, the loader does not find it: put its directory into LD_LIBRARY_PATH before Node starts (setting ' +
  'it in the program is too late), or run ldconfig.';

function driverProblem(system: System): string | undefined {
  const version = system.read('/proc/driver/nvidia/version');
  // On WSL the driver is the one of Windows, behind this device.
  const isLoaded = version !== undefined || system.exists('/dev/dxg');
  const container = 'in a container, start it with `docker run --gpus all` (NVIDIA Container Toolkit)';
  if (!isFound(system, DRIVER)) {
    return isLoaded
      ? `the NVIDIA driver is loaded, but its library ${DRIVER} is not here. Install it (Debian, Ubuntu: libcuda1, ` +
          `libnvidia-compute-*); ${container}.`
      : `there is no NVIDIA driver (no ${DRIVER}, no /proc/driver/nvidia). On a machine with an NVIDIA GPU install ` +
          `driver ${DRIVER_VERSION} or later; ${container}.`;
  }
  if (!isLoaded) {
    return (
      `the NVIDIA driver is installed but not loaded (no /proc/driver/nvidia). Run \`sudo modprobe nvidia\` or ` +
      `restart, and see what \`nvidia-smi\` says; ${container}.`
    );
  }
  const major = Number(/Kernel Module[^\d]*?(\d+)\.\d+/.exec(version?.replace(/x86_64/g, '') ?? '')?.[1] ?? NaN);
  if (major < DRIVER_VERSION) {
    return `NVIDIA driver ${major} is too old for CUDA 12: install ${DRIVER_VERSION} or later.`;
  }
  return undefined;
}

/** How many GPUs a process sees; undefined where that can't be looked up. */
function visibleDevices(system: System): number | undefined {
  const installed = system.list('/proc/driver/nvidia/gpus')?.length;
  const chosen = system.env['CUDA_VISIBLE_DEVICES'];
  if (chosen === undefined) return installed;
  const names = chosen
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  // CUDA takes the list up to the first entry that is none; indices and names of devices may be mixed.
  const end = names.findIndex(
    (name) => /^-?\d+$/.test(name) && !(Number(name) >= 0 && Number(name) < (installed ?? 64)),
  );
  return end < 0 ? names.length : end;
}

function deviceProblem(system: System, deviceId: number): string | undefined {
  const count = visibleDevices(system);
  if (count === undefined || deviceId < count) return undefined;
  const chosen = system.env['CUDA_VISIBLE_DEVICES'];
  const by = chosen === undefined ? '' : ` with CUDA_VISIBLE_DEVICES='${chosen}'`;
  if (count === 0) return `this process sees no GPU${by}. See what \`nvidia-smi\` lists.`;
  const range = count === 1 ? '0 alone' : `0 to ${count - 1}`;
  return `there is no device ${deviceId}: this process sees ${count}${by}, so the index may be ${range}.`;
}

/** Why CUDA can't be used, and what to do; undefined if nothing is known against it. */
export function cudaProblem(system: System, deviceId: number): string | undefined {
  const { platform, arch, binaries } = system;
  if (platform !== 'linux' || arch !== 'x64') {
    return (
      `onnxruntime-node has CUDA for linux-x64 alone, this is ${platform}-${arch}. Use device('webgpu'), which runs on ` +
      `NVIDIA's GPUs, too.`
    );
  }
  const missing = binaries === undefined ? [] : PROVIDER.filter((name) => !system.exists(`${binaries}/${name}`));
  if (missing.length > 0) {
    return (
      `onnxruntime-node is installed without ${missing.join(' and ')}: its install script, which downloads them ` +
      `(hundreds of MB, from nuget.org), did not run. Run it: \`npm approve-scripts onnxruntime-node\` where npm asks ` +
      `for it, then \`npm rebuild onnxruntime-node --ignore-scripts=false --foreground-scripts\`, with ` +
      `ONNXRUNTIME_NODE_INSTALL not set to skip. Without npm: \`ONNXRUNTIME_NODE_INSTALL=cuda12 node ` +
      `node_modules/onnxruntime-node/script/install.js\`.`
    );
  }
  const driver = driverProblem(system);
  if (driver !== undefined) return driver;
  const libraries = CUDA.filter((name) => !isFound(system, name));
  if (libraries.length > 0) {
    return (
      `libraries of CUDA 12 are missing: ${libraries.join(', ')}. Install them (NVIDIA's packages ` +
      `cuda-libraries-12-*; another major version won't do). ${PATH_HINT}`
    );
  }
  if (!isFound(system, CUDNN)) {
    return `cuDNN 9 is missing: ${CUDNN}. Install it (NVIDIA's package cudnn9-cuda-12). ${PATH_HINT}`;
  }
  return deviceProblem(system, deviceId);
}
