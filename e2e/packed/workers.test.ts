/** Worker threads of the packed packages: they find the user's modules, compiled or not. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compile, dependenciesOf, makeProject, pack, root, run, strict } from './install.js';

let temporary: string;
let project: string;

beforeAll(async () => {
  temporary = await mkdtemp(path.join(os.tmpdir(), 'fakkel-workers-'));
  const folders = ['core', 'data', 'hub'].map((name) => path.join(root, 'packages', name));
  const tarballs = await pack(folders, path.join(temporary, 'tarballs'));
  project = path.join(temporary, 'project');
  const dependencies = await pack(await dependenciesOf(folders), path.join(temporary, 'dependencies'));
  await makeProject(project, [...tarballs.values(), ...dependencies.values()]);
  await cp(path.join(root, 'e2e/fixtures/workers'), path.join(project, 'src'), { recursive: true });
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

/** Two batches from the program's thread, and the same from workers. */
function expectTheSame(output: string): void {
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines.slice(2)).toEqual(lines.slice(0, 2));
}

test('a program in JavaScript', async () => {
  await compile(project, { ...strict, module: 'NodeNext', outDir: 'out' }, ['src']);
  expectTheSame(await run(process.execPath, ['out/main.js'], project));
});

test.each([
  ['node --import tsx', ['--import', pathToFileURL(path.join(root, 'node_modules/tsx/dist/loader.mjs')).href]],
  ['tsx', [path.join(root, 'node_modules/tsx/dist/cli.mjs')]],
])('a program in TypeScript, run by %s', async (_, args) => {
  expectTheSame(await run(process.execPath, [...args, 'src/main.ts'], project));
});

test('a program on the command line', async () => {
  const program =
    `import { DataLoader, TensorDataset } from '@fakkel/data';` +
    `for await (const [x] of new DataLoader(new TensorDataset(Float32Array.of(5)), { numWorkers: 1 })) ` +
    `console.log(await x.toArray());`;
  expect(await run(process.execPath, ['--input-type=module', '-e', program], project)).toBe('[ 5 ]\n');
});
