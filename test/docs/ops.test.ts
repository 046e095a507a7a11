/** docs/architecture/ops.md is the contract with backends: it names every op there is, and no other. */
import { opTable } from '@fakkel/core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('the catalog names every op of the table, core and composite apart', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/architecture/ops.md'), 'utf8');
  const [core, composite] = page.split('## Composite ops') as [string, string];
  const names = (part: string): string[] =>
    part
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => [...line.split('|')[1].matchAll(/`(\w+)`/g)].map((m) => m[1]))
      .sort();
  // toDevice is the tape of a move between devices: no program holds it.
  const ops = [...opTable().values()].filter((op) => !op.name.includes('.') && op.name !== 'toDevice');
  const decomposed = (yes: boolean): string[] =>
    ops
      .filter((op) => (op.decompose !== undefined) === yes)
      .map((op) => op.name)
      .sort();
  expect(names(core)).toEqual(decomposed(false));
  expect(names(composite)).toEqual(decomposed(true));
});
