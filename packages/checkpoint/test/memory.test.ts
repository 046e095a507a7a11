/** Weights are in memory once, however large one of them is: a child process loads a file, and counts its peak. */
import { nn } from '@fakkel/core';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { save, saveSharded } from '../src/index.js';

// 180 MB, of which one tensor is 168 MB: as in VGG16, whose first linear layer is 411 of 553 MB.
const WIDTHS = [10_000, 4200, 700];
const MOST = 1.2;

const folder = mkdtempSync(join(tmpdir(), 'fakkel-memory-'));
const child = fileURLToPath(new URL('./memory-child.ts', import.meta.url));
const hasProc = existsSync('/proc/self/clear_refs');

function load(file: string, backend: string): { ratio: number; sum: number; size: number; events: number } {
  const flags = ['--expose-gc', '--conditions=@fakkel/source', '--import', 'tsx'];
  const run = spawnSync(process.execPath, [...flags, child, file, backend, WIDTHS.join(',')], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  return JSON.parse(run.stdout);
}

describe.skipIf(!hasProc)('a file of 180 MB (skipped where there is no /proc to read the peak from)', () => {
  const [zip, safetensors] = [join(folder, 'net.pth'), join(folder, 'model.safetensors')];
  beforeAll(async () => {
    const net = new nn.Sequential(...WIDTHS.slice(1).map((size, i) => new nn.Linear(WIDTHS[i], size)));
    for (const p of net.parameters()) nn.init.constant_(p, 0.5);
    await save(net, zip);
    await saveSharded(net, folder);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['reference', 'PyTorch’s format', zip],
    ['onnxruntime', 'PyTorch’s format', zip],
    ['reference', 'safetensors', safetensors],
  ])(
    'on %s, from %s: at most 1.2 times its size',
    (backend, _, file) => {
      const { ratio, sum, size, events } = load(file, backend);
      expect(size).toBe(statSync(file).size);
      expect(sum).toBe(350);
      expect(ratio).toBeGreaterThan(0.9); // it did load
      expect(ratio).toBeLessThanOrEqual(MOST);
      expect(events).toBeGreaterThan(size / (8 * 2 ** 20));
    },
    120_000,
  );
});
