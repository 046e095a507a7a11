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

const API_VERSION = 1;

/** What serves an alias, the fastest first: `[backend, variant]`. */
const ALIASES: Readonly<Record<string, readonly (readonly [string, string?])[]>> = {
  cpu: [['onednn'], ['onnxruntime', 'cpu'], ['reference']],
  cuda: [['onnxruntime', 'cuda']],
  webgpu: [['webgpu'], ['onnxruntime', 'webgpu']],
};

/** Backends outside `@fakkel` say in their package's name what they are. */
const PACKAGE = /^(@[a-z\d~-][\w.~-]*\/)?fakkel-backend-[\w.~-]+$/;
const KNOWN_PACKAGES = new Set(Object.values(KNOWN));

const devices = new Map<string, Promise<Device>>();

/**
 * The device of a name; the same name gives the same device.
 *
 * - `'reference'`: plain TypeScript, always there.
 * - `'cpu'`, `'cuda'`, `'webgpu'`: the best installed engine that serves it.
 * - `'onnxruntime'`, `'onnxruntime:cuda'`, …: a backend, with a variant after the colon.
 * - the name of a plugin: `'fakkel-backend-x'`, `'@me/fakkel-backend-x'`, or short `'x'` for `fakkel-backend-x`.
 * - a backend definition (bundlers can't find packages by name at run time; import it and pass the object). Each call
 *   gives a device of its own.
 *
 * @param name - What to compute with.
 * @param options - `variant`: the variant of a backend definition; a name says it after the colon.
 * @throws BackendUnavailableError with the command that installs what is missing.
 * @example
 * setDefaultDevice(await device('cpu'));
 */
export async function device(name: string | BackendDefinition, options: { variant?: string } = {}): Promise<Device> {
  if (typeof name !== 'string') {
    if (!isDefinition(name)) {
      throw new TypeError(
        `device: expected a name such as 'cpu', or a backend made by defineBackend({ name, create })`,
      );
    }
    return create(options.variant ? `${name.name}:${options.variant}` : name.name, name, options.variant);
  }
  if (options.variant !== undefined) {
    throw new TypeError(`device: a name says its variant itself: device('${name}:${options.variant}')`);
  }
  let known = devices.get(name);
  if (!known) {
    known = open(name);
    devices.set(name, known);
    known.catch(() => devices.delete(name));
  }
  return known;
}

async function open(name: string): Promise<Device> {
  const [backend, variant] = splitVariant(name);
  const candidates = backend === 'reference' ? [] : Object.hasOwn(ALIASES, backend) ? ALIASES[backend] : undefined;
  if (candidates && variant !== undefined) {
    throw new BackendUnavailableError(`device('${name}'): '${backend}' has no variants; write device('${backend}')`);
  }
  if (backend === 'reference') return referenceDevice();
  if (!candidates) return create(name, await load(backend), variant);
  const reasons: string[] = [];
  for (const [engine, its] of candidates) {
    if (engine === 'reference') return referenceDevice();
    try {
      return await create(name, await load(engine), its);
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

async function create(name: string, definition: BackendDefinition, variant: string | undefined): Promise<Device> {
  const backend = await definition.create(variant === undefined ? {} : { variant });
  const version: unknown = backend.apiVersion;
  if (version !== API_VERSION) {
    throw new BackendUnavailableError(
      `backend '${definition.name}' is made for version ${String(version)} of the backend interface, this @fakkel/core ` +
        `has version ${API_VERSION}: install versions of the two that belong together`,
    );
  }
  return new Device(name, backend);
}

function packageOf(backend: string): string {
  if (Object.hasOwn(KNOWN, backend)) return KNOWN[backend];
  const name = /^@|^fakkel-backend-/.test(backend) ? backend : `fakkel-backend-${backend}`;
  if (PACKAGE.test(name) || KNOWN_PACKAGES.has(name)) return name;
  throw new BackendUnavailableError(
    `device('${backend}'): expected 'reference', an alias (${Object.keys(ALIASES).join(', ')}), a backend ` +
      `(${Object.keys(KNOWN).join(', ')}), or a package named fakkel-backend-* or @scope/fakkel-backend-*`,
  );
}

async function load(backend: string): Promise<BackendDefinition> {
  const name = packageOf(backend);
  const module = isNode() ? await importInNode(backend, name) : await importElsewhere(backend, name);
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

function isNode(): boolean {
  return typeof process !== 'undefined' && Boolean(process.versions?.node);
}

/** A name resolves here only where an import map has it. */
async function importElsewhere(backend: string, name: string): Promise<Record<string, unknown>> {
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Record<string, unknown>;
  } catch (cause) {
    // Browsers have a TypeError and a message of their own each for a name that they can't resolve.
    if (!(cause instanceof TypeError)) throw cause;
    throw new BackendUnavailableError(
      `backend '${backend}' can't be found by its name here: run \`npm install ${name}\`, then import it and pass the ` +
        `object: import backend from '${name}'; await device(backend)`,
      { cause },
    );
  }
}

/** What goes wrong inside an installed plugin is thrown as it is: only its absence lets an alias try the next one. */
async function importInNode(backend: string, name: string): Promise<Record<string, unknown>> {
  const { resolveFromApplication } = await import('./resolve-in-node.js');
  const url = await resolveFromApplication(name);
  if (url === undefined) {
    throw new BackendUnavailableError(`backend '${backend}' is not installed: run \`npm install ${name}\``);
  }
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as Record<string, unknown>;
}
