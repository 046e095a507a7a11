/** Every example in the documentation runs: code blocks of the pages, and `@example`s of the sources. */
import * as checkpoint from '@fakkel/checkpoint';
import * as core from '@fakkel/core';
import * as data from '@fakkel/data';
import * as hub from '@fakkel/hub';
import * as models from '@fakkel/models';
import * as onnx from '@fakkel/onnx';
import * as optim from '@fakkel/optim';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
// Inside the repository, so that the workspace's packages are found; the name is in .gitignore.
const folder = join(import.meta.dirname, '.examples');
const packages = {
  '@fakkel/core': core,
  '@fakkel/optim': optim,
  '@fakkel/data': data,
  '@fakkel/models': models,
  '@fakkel/onnx': onnx,
  '@fakkel/checkpoint': checkpoint,
  '@fakkel/hub': hub,
};

afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  core.setDefaultDevice(core.referenceDevice());
  core.manualSeed(0);
  core.checkNumerics(false);
});

const packageFolders = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
const below = (path: string): string[] =>
  readdirSync(join(root, path), { recursive: true }).map((name) => `${path}/${String(name)}`);
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  // docs/api is written by typedoc.
  ...below('docs').filter((name) => name.endsWith('.md') && !name.startsWith('docs/api/')),
  ...packageFolders.map((name) => `${name}/README.md`),
].sort();
const sources = packageFolders
  .flatMap((name) => below(`${name}/src`))
  .filter((name) => name.endsWith('.ts') && !/\.test(-d)?\.ts$/.test(name))
  .sort();

let count = 0;

async function run(code: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `example-${count++}.ts`);
  writeFileSync(file, `${code}\nexport {};\n`);
  const { log } = console;
  console.log = () => undefined;
  try {
    await import(/* @vite-ignore */ file);
  } finally {
    console.log = log;
  }
}

/** The fenced TypeScript blocks of a page that import something of ours; the others are fragments. */
function blocks(page: string): string[] {
  return [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((m) => m[1]).filter((code) => code.includes("from '@fakkel/"));
}

/** The `@example`s of a source file. */
function examples(source: string): string[] {
  const found: string[] = [];
  for (const [, comment] of source.matchAll(/\/\*\*([\s\S]*?)\*\//g)) {
    const text = comment
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n');
    for (const [, body] of text.matchAll(/@example\n([\s\S]*?)(?=\n@\w|$)/g)) {
      const code = body.replace(/^```ts\n|```\s*$/gm, '').trim();
      if (code && !/^```(?!ts)/.test(body.trim())) found.push(code);
    }
  }
  return found;
}

/** An example of a docstring imports what it uses of our packages, and of its own file, by itself. */
function withImports(code: string, file: string): string {
  const names = new Set<string>();
  const source = ts.createSourceFile('e.ts', code, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node))
      names.add(node.text);
    if ((ts.isVariableDeclaration(node) || ts.isImportSpecifier(node)) && ts.isIdentifier(node.name))
      declared.add(node.name.text);
    if ((ts.isClassDeclaration(node) || ts.isFunctionDeclaration(node)) && node.name) declared.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  const declared = new Set<string>();
  visit(source);
  for (const name of declared) names.delete(name);
  const from = (exports: Iterable<string>, module: string): string[] => {
    const used = [...exports].filter((name) => names.delete(name));
    return used.length > 0 ? [`import { ${used.join(', ')} } from '${module}';`] : [];
  };
  const imports = Object.entries(packages).flatMap(([name, exports]) => from(Object.keys(exports), name));
  const own = [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^export (?:abstract )?(?:const|function|class|async function) (\w+)/gm,
    ),
  ];
  return [
    ...imports,
    ...from(
      own.map((m) => m[1]),
      `../../../${file}`,
    ),
    code,
  ].join('\n');
}

/** Examples that can't run here say why, in their first line. */
const notRun = (code: string): string | undefined => /^\/\/ not run: (.*)/.exec(code)?.[1];

function check(title: string, code: string, prepare: (code: string) => string): void {
  const reason = notRun(code);
  if (reason) test.skip(`${title}: ${reason}`, () => undefined);
  else test(title, { timeout: 60_000 }, async () => run(prepare(code)));
}

describe.each(pages)('%s', (page) => {
  const found = blocks(readFileSync(join(root, page), 'utf8'));
  found.forEach((code, i) => check(`block ${i + 1}`, code, (c) => c));
  if (found.length === 0) test('has no code that imports Fakkel', () => undefined);
});

describe.each(sources.filter((file) => examples(readFileSync(join(root, file), 'utf8')).length > 0))('%s', (file) => {
  examples(readFileSync(join(root, file), 'utf8')).forEach((code, i) =>
    check(`example ${i + 1}`, code, (c) => withImports(c, file)),
  );
});

test('there are examples: this file tests something', () => {
  const all = sources.flatMap((file) => examples(readFileSync(join(root, file), 'utf8')));
  expect(all.length).toBeGreaterThan(50);
});
