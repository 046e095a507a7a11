import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const packages = ['core', 'optim', 'data', 'models'];
let temporary: string;
let tarballs: string[];

async function run(command: string, args: string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, shell: process.platform === 'win32' });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}${stderr}`, { cause: error });
  }
}

/** Without npm's variables, which would make the child npm believe that it runs inside this workspace. */
for (const name of Object.keys(process.env)) if (/^npm_(package|lifecycle)_/.test(name)) delete process.env[name];

beforeAll(async () => {
  temporary = await mkdtemp(path.join(os.tmpdir(), 'fakkel-e2e-'));
  const folders = packages.map((name) => path.join(root, 'packages', name));
  await mkdir(path.join(temporary, 'tarballs'));
  await run('npm', ['pack', '--pack-destination', path.join(temporary, 'tarballs'), ...folders], temporary);
  tarballs = (await readdir(path.join(temporary, 'tarballs'))).map((file) => path.join(temporary, 'tarballs', file));
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

describe('packed packages, installed into an empty project', () => {
  let project: string;

  beforeAll(async () => {
    project = path.join(temporary, 'project');
    await mkdir(project);
    await writeFile(path.join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await copyFile(path.join(root, 'e2e/fixtures/two-steps.ts'), path.join(project, 'two-steps.ts'));
    const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...flags, ...tarballs], project);
  });

  test('contain built files and sources, and no tests', async () => {
    expect(tarballs).toHaveLength(packages.length);
    for (const name of packages) {
      const folder = path.join(project, 'node_modules/@fakkel', name);
      const files = await readdir(folder, { recursive: true });
      expect(files).toEqual(
        expect.arrayContaining(['LICENSE', 'README.md', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']),
      );
      expect(files.filter((file) => /\.test(-d)?\./.test(file) || file.startsWith('test/'))).toEqual([]);
    }
  });

  test('need nothing else', async () => {
    const lock = JSON.parse(await readFile(path.join(project, 'package-lock.json'), 'utf8')) as { packages: object };
    const installed = Object.keys(lock.packages).filter((name) => name !== '');
    expect(installed.sort()).toEqual(packages.map((name) => `node_modules/@fakkel/${name}`).sort());
  });

  // Node's own resolution, and that of bundlers; declarations are checked too, without Node's types.
  test.each([
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])('type-check a user program (module %s, resolution %s)', async (module, moduleResolution) => {
    const compilerOptions = {
      target: 'ES2022',
      lib: ['ES2022', 'ESNext.Disposable', 'DOM'],
      module,
      moduleResolution,
      strict: true,
      skipLibCheck: false,
      types: [],
      outDir: 'out',
    };
    await writeFile(path.join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc')], project);
  });

  test('train two steps', async () => {
    const { losses } = JSON.parse(await run(process.execPath, ['out/two-steps.js'], project)) as { losses: number[] };
    expect(losses).toHaveLength(2);
    expect(losses[1]).toBeLessThan(losses[0]);
  });
});
