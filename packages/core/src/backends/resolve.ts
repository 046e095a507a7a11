/**
 * From a name to a device: known backends, aliases, and plugins by their package names.
 */
import { BackendUnavailableError } from '../errors.js';
import { Device, referenceDevice } from '../runtime/device.js';
import type { BackendDefinition } from './backend.js';

/** A backend by its short name: the packages that may bring it. */
const KNOWN: Readonly<Record<string, string>> = {
  onnxruntime: '@fakkel/backend-onnxruntime',
  onednn: '@fakkel/backend-onednn',
  webgpu: '@fakkel/backend-webgpu',
};

/** What serves an alias, the fastest first: `[backend, variant]`. */
const ALIASES: Readonly<Record<string, readonly (readonly [string, string?])[]>> = {
  cpu: [['onednn'], ['onnxruntime', 'cpu'], ['reference']],
  cuda: [['onnxruntime', 'cuda']],
  webgpu: [['webgpu'], ['onnxruntime', 'webgpu']],
};

const devices = new Map<string, Promise<Device>>();

/**
 * The device of a name; the same name gives the same device.
 *
 * - `'reference'`: plain TypeScript, always there.
 * - `'cpu'`, `'cuda'`, `'webgpu'`: the best installed engine that serves it.
 * - `'onnxruntime'`, `'onnxruntime:cuda'`, …: a backend, with a variant after the colon.
 * - the name of a plugin: `'fakkel-backend-x'`, `'@me/fakkel-backend-x'`, or short `'x'` for `fakkel-backend-x`.
 * - a backend definition (bundlers can't find packages by name at run time; import it and pass the object).
 *
 * @throws BackendUnavailableError with the command that installs what is missing.
 * @example
 * setDefaultDevice(await device('cpu'));
 */
export async function device(name: string | BackendDefinition): Promise<Device> {
  if (typeof name !== 'string') return new Device(name.name, await name.create({}));
  let known = devices.get(name);
  if (!known) {
    known = open(name);
    devices.set(name, known);
    known.catch(() => devices.delete(name));
  }
  return known;
}

async function open(name: string): Promise<Device> {
  if (name === 'reference') return referenceDevice();
  const candidates = ALIASES[name];
  if (!candidates) {
    const [backend, variant] = splitVariant(name);
    return create(name, backend, variant);
  }
  const reasons: string[] = [];
  for (const [backend, variant] of candidates) {
    if (backend === 'reference') return referenceDevice();
    try {
      return await create(name, backend, variant);
    } catch (error) {
      if (!(error instanceof BackendUnavailableError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new BackendUnavailableError(`device('${name}'): no installed engine serves it.\n${reasons.join('\n')}`);
}

/** `onnxruntime:cuda` → backend and variant; a package name has no colon of its own. */
function splitVariant(name: string): [string, string | undefined] {
  const colon = name.indexOf(':');
  return colon < 0 ? [name, undefined] : [name.slice(0, colon), name.slice(colon + 1)];
}

async function create(name: string, backend: string, variant: string | undefined): Promise<Device> {
  const definition = await load(backend);
  return new Device(name, await definition.create(variant === undefined ? {} : { variant }));
}

function packageOf(backend: string): string {
  const known = KNOWN[backend];
  if (known) return known;
  return /(^|\/)fakkel-backend-/.test(backend) || backend.startsWith('@') ? backend : `fakkel-backend-${backend}`;
}

async function load(backend: string): Promise<BackendDefinition> {
  const name = packageOf(backend);
  let module: Record<string, unknown>;
  try {
    module = await importFromApplication(name);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const missing = (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message.includes(name);
    if (!missing && !/Failed to (fetch|resolve)|Cannot find/i.test(message)) throw error;
    throw new BackendUnavailableError(
      `backend '${backend}' is not installed: run \`npm install ${name}\`` +
        (typeof process === 'undefined'
          ? `; in a bundled application import it and pass the object: device(backend)`
          : ''),
      { cause: error },
    );
  }
  const exported = [module['default'], ...Object.values(module)].find(isDefinition);
  if (!exported) {
    throw new BackendUnavailableError(
      `${name} exports no backend: its default export should be defineBackend({ name, create })`,
    );
  }
  return exported;
}

function isDefinition(value: unknown): value is BackendDefinition {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as BackendDefinition).name === 'string' &&
    typeof (value as BackendDefinition).create === 'function'
  );
}

/** Plugins are the application's dependencies, not core's: they are resolved from where the application runs. */
async function importFromApplication(name: string): Promise<Record<string, unknown>> {
  if (typeof process === 'undefined' || !process.versions?.node) {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Record<string, unknown>;
  }
  const { createRequire } = await import('node:module');
  const { pathToFileURL } = await import('node:url');
  const bases = [process.argv[1], `${process.cwd()}/`].filter((base): base is string => base !== undefined);
  let failure: unknown;
  for (const base of bases) {
    let resolved: string;
    try {
      resolved = createRequire(pathToFileURL(base)).resolve(name);
    } catch (error) {
      failure = error;
      continue;
    }
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ pathToFileURL(resolved).href)) as Record<
      string,
      unknown
    >;
  }
  throw failure;
}
