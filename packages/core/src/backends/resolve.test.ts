import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { BackendUnavailableError } from '../errors.js';
import { referenceDevice } from '../runtime/device.js';
import type { Backend } from './backend.js';
import { defineBackend } from './backend.js';
import { createReferenceBackend } from './reference/index.js';
import { device } from './resolve.js';

/** An application in a folder of its own, with plugins in its node_modules. */
let application: string;
const main = process.argv[1];

/** Its backends do nothing but know their variant. */
const source = (name: string, keyword = 'export default') => `
${keyword} {
  name: '${name}',
  create: async ({ variant }) => ({ name: '${name}', apiVersion: 1, capabilities: {}, variant, lost: new Promise(() => {}) }),
};
`;

function install(name: string, manifest: object, files: Record<string, string>): void {
  const folder = path.join(application, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, version: '1.0.0', ...manifest }));
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
}

const esm = { type: 'module', exports: { '.': { default: './index.js' } } };

beforeAll(() => {
  application = mkdtempSync(path.join(os.tmpdir(), 'fakkel-resolve-'));
  writeFileSync(path.join(application, 'main.js'), '');
  install('fakkel-backend-default', esm, { 'index.js': source('default') });
  install(
    'fakkel-backend-import',
    { type: 'module', exports: { types: './index.d.ts', node: { import: './a.js' } } },
    { 'a.js': source('import') },
  );
  install('fakkel-backend-cjs', { main: 'index.js' }, { 'index.js': source('cjs', 'module.exports =') });
  install('@me/fakkel-backend-scoped', esm, { 'index.js': source('scoped', 'export const backend =') });
  install('@fakkel/backend-onednn', esm, {
    'index.js': `export default { name: 'onednn', create: async () => { throw new Error('no library'); } };`,
  });
  install('fakkel-backend-empty', esm, { 'index.js': 'export const version = 1;' });
  install('fakkel-backend-broken', esm, { 'index.js': `import 'fakkel-backend-broken-native';` });
  install('fakkel-backend-unbuilt', esm, {});
  install('fakkel-backend-future', esm, { 'index.js': source('future').replace('apiVersion: 1', 'apiVersion: 2') });
});
afterAll(() => rmSync(application, { recursive: true, force: true }));
afterEach(() => {
  process.argv[1] = main;
  vi.restoreAllMocks();
});

/** An application that has installed nothing. */
function nowhere(): void {
  const empty = path.join(application, '..', path.basename(application) + '-empty');
  process.argv[1] = path.join(empty, 'main.js');
  vi.spyOn(process, 'cwd').mockReturnValue(empty);
}

/** `device(name)` as the application calls it. */
async function inApplication(name: string, file = 'main.js') {
  process.argv[1] = path.join(application, file);
  const { name: asked, backend } = await device(name);
  return { device: asked, backend: backend.name, variant: (backend as Backend & { variant?: string }).variant };
}

describe('known names', () => {
  test("'reference' is always there, and one device", async () => {
    expect(await device('reference')).toBe(referenceDevice());
    expect(await device('reference')).toBe(referenceDevice());
  });

  test("'cpu' falls back on reference where no engine is installed", async () => {
    nowhere();
    expect(await device('cpu')).toBe(referenceDevice());
  });

  test('an engine that is not installed: the command that installs it', async () => {
    nowhere();
    await expect(device('onnxruntime:cuda')).rejects.toThrow(BackendUnavailableError);
    await expect(device('onnxruntime:cuda')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendUnavailableError: backend 'onnxruntime' is not installed: run \`npm install @fakkel/backend-onnxruntime\`]`,
    );
  });

  test('an alias that nothing serves: why each engine does not', async () => {
    nowhere();
    await expect(device('webgpu')).rejects.toThrowErrorMatchingInlineSnapshot(`
      [BackendUnavailableError: device('webgpu'): no installed engine serves it.
      backend 'webgpu' is not installed: run \`npm install @fakkel/backend-webgpu\`
      backend 'onnxruntime' is not installed: run \`npm install @fakkel/backend-onnxruntime\`]
    `);
  });

  test('an engine that is installed and fails is not passed over', async () => {
    process.argv[1] = path.join(application, 'main.js');
    vi.resetModules(); // its devices are not those of the tests above
    const fresh = await import('./resolve.js');
    await expect(fresh.device('cpu')).rejects.toThrow('no library');
  });

  test.each(['cpu:fast', 'reference:float64'])("'%s': no such variant", async (name) => {
    await expect(device(name)).rejects.toThrow(/has no variants; write device\('(cpu|reference)'\)/);
  });

  test.each(['', './backend.js', '@me/other', 'a b', 'constructor/x'])("'%s' is no name", async (name) => {
    await expect(device(name)).rejects.toThrow(
      `device('${name}'): expected 'reference', an alias (cpu, cuda, webgpu), a backend (onnxruntime, onednn, webgpu), ` +
        `or a package named fakkel-backend-* or @scope/fakkel-backend-*`,
    );
  });
});

describe('plugins, from the node_modules of the application', () => {
  test('by short name, by package name, with a variant', async () => {
    expect(await inApplication('default')).toEqual({ device: 'default', backend: 'default', variant: undefined });
    expect(await inApplication('fakkel-backend-default')).toMatchObject({ backend: 'default', variant: undefined });
    expect(await inApplication('fakkel-backend-default:a:b')).toEqual({
      device: 'fakkel-backend-default:a:b',
      backend: 'default',
      variant: 'a:b',
    });
  });

  test('the same name gives the same device, another variant another', async () => {
    process.argv[1] = path.join(application, 'main.js');
    expect(await device('default')).toBe(await device('default'));
    expect(await device('default:x')).not.toBe(await device('default'));
  });

  test('with an `import` condition alone', async () => {
    expect(await inApplication('import')).toMatchObject({ backend: 'import' });
  });

  test('CommonJS', async () => {
    expect(await inApplication('cjs')).toMatchObject({ backend: 'cjs' });
  });

  test('scoped, with a named export', async () => {
    expect(await inApplication('@me/fakkel-backend-scoped')).toMatchObject({ backend: 'scoped' });
  });

  test('where the main file is a link, as an installed command is', async () => {
    const elsewhere = mkdtempSync(path.join(os.tmpdir(), 'fakkel-bin-'));
    try {
      symlinkSync(path.join(application, 'main.js'), path.join(elsewhere, 'command'));
      process.argv[1] = path.join(elsewhere, 'command');
      expect((await device('default:linked')).backend.name).toBe('default');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('where the main file is named by its folder', async () => {
    expect(await inApplication('default:folder', '.')).toMatchObject({ backend: 'default' });
  });

  test('not installed', async () => {
    await expect(inApplication('nothere')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendUnavailableError: backend 'nothere' is not installed: run \`npm install fakkel-backend-nothere\`]`,
    );
  });

  test('no backend in it', async () => {
    await expect(inApplication('empty')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendUnavailableError: fakkel-backend-empty exports no backend: its default export should be defineBackend({ name, create })]`,
    );
  });

  test('made for another version of the interface', async () => {
    await expect(inApplication('future')).rejects.toThrowErrorMatchingInlineSnapshot(
      `[BackendUnavailableError: backend 'future' is made for version 2 of the backend interface, this @fakkel/core has version 1: install versions of the two that belong together]`,
    );
  });

  test('installed and broken: its own error, not that it is missing', async () => {
    await expect(inApplication('broken')).rejects.not.toThrow(BackendUnavailableError);
    await expect(inApplication('broken')).rejects.toThrow('fakkel-backend-broken-native');
    await expect(inApplication('unbuilt')).rejects.toThrow(/Cannot find module '.*index\.js'/);
  });

  test('a failure is not remembered', async () => {
    await expect(inApplication('later')).rejects.toThrow('not installed');
    install('fakkel-backend-later', esm, { 'index.js': source('later') });
    expect(await inApplication('later')).toMatchObject({ backend: 'later' });
  });
});

describe('a definition', () => {
  const create = vi.fn(async () => createReferenceBackend());
  const definition = defineBackend({ name: 'mine', create });

  test('gives a device of its own each time', async () => {
    const [a, b] = [await device(definition), await device(definition)];
    expect(a.name).toBe('mine');
    expect(a).not.toBe(b);
    expect(create).toHaveBeenLastCalledWith({});
  });

  test('with a variant', async () => {
    expect((await device(definition, { variant: 'wasm' })).name).toBe('mine:wasm');
    expect(create).toHaveBeenLastCalledWith({ variant: 'wasm' });
    await expect(device('onnxruntime', { variant: 'wasm' })).rejects.toThrow(
      "a name says its variant itself: device('onnxruntime:wasm')",
    );
  });

  test('that is none', async () => {
    await expect(device({} as never)).rejects.toThrow('expected a name such as');
    await expect(device(undefined as never)).rejects.toThrow('expected a name such as');
    expect(() => defineBackend({ name: 'x' } as never)).toThrow('defineBackend: expected');
  });
});
