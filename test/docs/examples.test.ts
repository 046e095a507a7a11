/** Every example in the documentation runs: code blocks of the pages, and `@example`s of the sources. */
import * as core from '@fakkel/core';
import * as data from '@fakkel/data';
import * as models from '@fakkel/models';
import * as optim from '@fakkel/optim';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
// Inside the repository, so that the workspace's packages are found; the name is in .gitignore.
const folder = join(import.meta.dirname, '.examples');
const packages = { '@fakkel/core': core, '@fakkel/optim': optim, '@fakkel/data': data, '@fakkel/models': models };

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
  ...below('docs').filter((name) => name.endsWith('.md')),
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
  return [...page.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map((m) => m[1]!)
    .filter((code) => code.includes("from '@fakkel/"));
}

/** The `@example`s of a source file. */
function examples(source: string): string[] {
  const found: string[] = [];
  for (const [, comment] of source.matchAll(/\/\*\*([\s\S]*?)\*\//g)) {
    const text = comment!
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n');
    for (const [, body] of text.matchAll(/@example\n([\s\S]*?)(?=\n@\w|$)/g)) {
      const code = body!.replace(/^```ts\n|```\s*$/gm, '').trim();
      if (code && !/^```(?!ts)/.test(body!.trim())) found.push(code);
    }
  }
  return found;
}

/** An example of a docstring imports what it uses of our packages by itself. */
function withImports(code: string): string {
  const names = new Set<string>();
  const source = ts.createSourceFile('e.ts', code, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const bindings = statement.importClause?.namedBindings;
      if (bindings && ts.isNamedImports(bindings)) bindings.elements.forEach((e) => names.delete(e.name.text));
    }
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) if (ts.isIdentifier(name)) names.delete(name.text);
    }
    if ((ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement)) && statement.name)
      names.delete(statement.name.text);
  }
  const imports = Object.entries(packages).flatMap(([name, exports]) => {
    const used = [...names].filter((n) => n in exports && n !== 'default');
    used.forEach((n) => names.delete(n));
    return used.length > 0 ? [`import { ${used.join(', ')} } from '${name}';`] : [];
  });
  return [...imports, code].join('\n');
}

describe.each(pages)('%s', (page) => {
  const found = blocks(readFileSync(join(root, page), 'utf8'));
  test.each(found.map((code, i) => [i + 1, code] as const))('block %i', { timeout: 60_000 }, async (_, code) =>
    run(code),
  );
  if (found.length === 0) test.skip('has no code to run', () => undefined);
});

describe.each(sources)('%s', (file) => {
  const found = examples(readFileSync(join(root, file), 'utf8'));
  test.each(found.map((code, i) => [i + 1, code] as const))('example %i', { timeout: 60_000 }, async (_, code) =>
    run(withImports(code)),
  );
});

test('there are examples: this file tests something', () => {
  const all = sources.flatMap((file) => examples(readFileSync(join(root, file), 'utf8')));
  expect(all.length).toBeGreaterThan(50);
});
