/** The lint configuration that docs/from-pytorch.md recommends catches what it says. */
import { ESLint } from 'eslint';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Inside the repository, so that its node_modules are found; the name is in .gitignore.
const folder = join(import.meta.dirname, '.lint-fixture');

beforeAll(() => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/from-pytorch.md'), 'utf8');
  const config = /```js\n([\s\S]*?)```/.exec(page)![1];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'eslint.config.mjs'), config);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.base.json', include: ['*.ts'], compilerOptions: { noEmit: true } }),
  );
  writeFileSync(
    join(folder, 'code.ts'),
    `import { nn, tensor } from '@fakkel/core';
import { SGD } from '@fakkel/optim';
const x = tensor([1]);
if (x) console.log('always');
const optimizer = new SGD(new nn.Linear(1, 1).parameters(), { lr: 1 });
optimizer.step();
await x;
await optimizer.step();
export const y = (await x.item()) > 0 ? 1 : 2;
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  'if (tensor), a floating step() and await tensor are reported, right code is not',
  { timeout: 60_000 },
  async () => {
    const eslint = new ESLint({ cwd: folder, overrideConfigFile: join(folder, 'eslint.config.mjs') });
    const [result] = await eslint.lintFiles(['code.ts']);
    expect(result.messages.map(({ line, ruleId }) => `${line} ${ruleId}`)).toEqual([
      '4 @typescript-eslint/no-unnecessary-condition',
      '6 @typescript-eslint/no-floating-promises',
      '7 @typescript-eslint/await-thenable',
    ]);
  },
);
