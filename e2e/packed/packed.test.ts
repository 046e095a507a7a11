import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build, createLogger } from 'vite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  compile,
  dependenciesOf,
  install,
  makeProject,
  pack,
  publishedPackages,
  root,
  run,
  strict,
} from './install.js';

const fixtures = path.join(root, 'e2e/fixtures');
const parts = ['checkpoint', 'core', 'data', 'hub', 'models', 'optim'];
const folders = parts.map((name) => path.join(root, 'packages', name));
const installed = parts.map((name) => `@fakkel/${name}`);
let temporary: string;
let tarballs: Map<string, string>;
let dependencies: Map<string, string>;
let project: string;

const tarballsOf = (names: readonly string[]) => names.map((name) => tarballs.get(name)!);
const node = (program: string) => run(process.execPath, [path.join('out', program)], project);

beforeAll(async () => {
  temporary = await mkdtemp(path.join(os.tmpdir(), 'fakkel-e2e-'));
  tarballs = await pack(await publishedPackages(), path.join(temporary, 'tarballs'));
  // What they depend on is packed as it is installed here: there is no registry offline.
  dependencies = await pack(await dependenciesOf(folders), path.join(temporary, 'dependencies'));
  project = path.join(temporary, 'project');
  await makeProject(project, [...tarballsOf(installed), ...dependencies.values()]);
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

describe('packed packages, installed offline into an empty project', () => {
  test('all that are published are packed', () => {
    expect([...tarballs.keys()].sort()).toEqual(
      ['@fakkel/backend-onnxruntime', '@fakkel/backend-testkit', '@fakkel/onnx', ...installed].sort(),
    );
  });

  test('contain built files and sources, and no tests', async () => {
    const unpacked = path.join(temporary, 'unpacked');
    for (const [name, tarball] of tarballs) {
      const folder = path.join(unpacked, name);
      await mkdir(folder, { recursive: true });
      await run('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'], temporary);
      const files = await readdir(folder, { recursive: true });
      expect(files).toEqual(
        expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']),
      );
      expect(files.filter((file) => /\.test(-d)?\./.test(file) || file.startsWith('test/'))).toEqual([]);
    }
  });

  test('need nothing but what they say', async () => {
    const lock = JSON.parse(await readFile(path.join(project, 'package-lock.json'), 'utf8')) as { packages: object };
    const names = Object.keys(lock.packages).filter((name) => name !== '');
    expect(names.sort()).toEqual([...installed, ...dependencies.keys()].map((name) => `node_modules/${name}`));
  });

  // Node's own resolution last: its output runs below.
  test.each([
    ['ESNext', 'Bundler'],
    ['NodeNext', 'NodeNext'],
  ])('type-check a user program (module %s, resolution %s)', async (module, moduleResolution) => {
    await cp(path.join(fixtures, 'two-steps.ts'), path.join(project, 'two-steps.ts'));
    await compile(project, { ...strict, module, moduleResolution, outDir: 'out' }, ['two-steps.ts']);
  });

  test("train two steps, with PyTorch's losses", async () => {
    const { losses } = JSON.parse(await node('two-steps.js')) as { losses: number[] };
    const golden = JSON.parse(await readFile(path.join(fixtures, 'goldens/two-steps.json'), 'utf8')) as {
      losses: number[];
    };
    expect(losses).toHaveLength(golden.losses.length);
    for (const [step, loss] of golden.losses.entries()) expect(Math.abs(losses[step] / loss - 1)).toBeLessThan(1e-6);
    expect(losses[1]).toBeLessThan(losses[0]);
  });
});

test('a bundler takes them for a page without a word, and without the packages that are optional', async () => {
  const page = path.join(project, 'page');
  await mkdir(page);
  await writeFile(
    path.join(page, 'main.js'),
    `import { compareModels } from '@fakkel/models';
     const comparison = await compareModels(['alexnet'], { measure: false });
     await comparison.toSVG().catch((error) => console.log(String(error)));`,
  );
  const warnings: string[] = [];
  const customLogger = createLogger('warn');
  customLogger.warn = customLogger.warnOnce = (message) => void warnings.push(message);
  // As a library: what Vite adds to load a page's parts needs a page.
  const lib = { entry: 'main.js', formats: ['es' as const], fileName: 'main' };
  await build({ root: page, configFile: false, customLogger, build: { target: 'es2022', lib } });
  expect(warnings).toEqual([]);
  expect(await run(process.execPath, [path.join(page, 'dist/main.js')], project)).toBe(
    "MissingPackageError: toSVG: it needs the package 'echarts'. Install it: npm install echarts\n",
  );
});

describe('a packed plugin', () => {
  beforeAll(async () => {
    // Built as its author builds it, against the packed core.
    const plugin = path.join(temporary, 'plugin');
    await cp(path.join(fixtures, 'plugin'), plugin, { recursive: true });
    await install(plugin, tarballsOf(['@fakkel/core']), ['--no-save']);
    const options = { ...strict, module: 'NodeNext', declaration: true, outDir: 'dist' };
    await compile(plugin, options, ['index.ts']);
    const packed = await pack([plugin], path.join(temporary, 'plugin-tarball'));
    await install(project, [...packed.values()]);

    await cp(path.join(fixtures, 'use-plugin.ts'), path.join(project, 'use-plugin.ts'));
    await compile(project, { ...strict, module: 'NodeNext', outDir: 'out' }, ['use-plugin.ts']);
  });

  test('is found by its name from the application, computes, and says what it lacks', async () => {
    const answer = { ...(JSON.parse(await node('use-plugin.js')) as Record<string, unknown>) };
    expect(answer).toMatchInlineSnapshot(`
      {
        "cpu": "reference",
        "kernels": {
          "add": 1,
          "mul": 1,
        },
        "missing": "BackendUnavailableError: backend 'nothere' is not installed: run \`npm install fakkel-backend-nothere\`",
        "missingKnown": "BackendUnavailableError: backend 'onnxruntime' is not installed: run \`npm install @fakkel/backend-onnxruntime\`",
        "name": "device('echo')",
        "same": true,
        "unsupported": "BackendError: exp: the backend 'echo' can't run it on float32[3]: echo knows add, sub, mul only",
        "values": [
          3,
          5,
          7,
        ],
        "variants": [
          "plain",
          "loud",
        ],
        "wrongVariant": "BackendUnavailableError: echo has the variants plain, loud, not 'silent'",
      }
    `);
  });

  test('is found wherever the program is started', async () => {
    const elsewhere = await run(process.execPath, [path.join(project, 'out/use-plugin.js')], os.tmpdir());
    expect(JSON.parse(elsewhere)).toMatchObject({ name: "device('echo')", values: [3, 5, 7] });
  });

  test('names core as a peer: there is one copy', async () => {
    const found = await readdir(path.join(project, 'node_modules/fakkel-backend-echo'), { recursive: true });
    expect(found.sort()).toEqual(['dist', 'dist/index.d.ts', 'dist/index.js', 'package.json']);
  });
});

test('a library with a copy of core of its own: an error that says so', async () => {
  // As npm installs it, when a library's version of core excludes the application's.
  const library = path.join(project, 'node_modules/brings-its-own-core');
  await cp(path.join(project, 'node_modules/@fakkel/core'), path.join(library, 'node_modules/@fakkel/core'), {
    recursive: true,
  });
  const manifest = { name: 'brings-its-own-core', version: '1.0.0', type: 'module', exports: './index.js' };
  await writeFile(path.join(library, 'package.json'), JSON.stringify(manifest));
  await writeFile(
    path.join(library, 'index.js'),
    `import { add } from '@fakkel/core';\nexport const double = (x) => add(x, x);\n`,
  );
  await mkdir(path.join(project, 'out'), { recursive: true });
  await cp(path.join(fixtures, 'second-copy.js'), path.join(project, 'out/second-copy.js'));
  expect(await node('second-copy.js')).toMatchInlineSnapshot(`
    "FakkelError: this tensor comes from a second copy of @fakkel/core in this process. Install one version: \`npm ls @fakkel/core\` shows who brings the other, \`npm dedupe\` usually mends it (backends and plugins name core as a peer dependency).
    "
  `);
});
