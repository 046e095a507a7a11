/**
 * The engines that are compared, and how each is started here.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { EngineCommand } from './process.js';

export const ENGINE_NAMES = ['fakkel', 'reference', 'pytorch', 'tfjs'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export const ENGINE_TITLES: Readonly<Record<EngineName, string>> = {
  fakkel: 'Fakkel',
  reference: 'Fakkel, reference',
  pytorch: 'PyTorch',
  tfjs: 'TF.js wasm',
};

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Node as it runs this file: on TypeScript, on Fakkel's sources. */
const node = (path: string, ...args: string[]): EngineCommand => ({
  command: process.execPath,
  args: [...process.execArgv, '--expose-gc', file(path), ...args],
});

/** Why PyTorch can't be had is said once. */
let python: EngineCommand | string | undefined;

function pytorch(script: string): EngineCommand | string {
  for (const command of ['/usr/bin/python3', 'python3']) {
    if (spawnSync(command, ['-c', 'import torch, torchvision']).status !== 0) continue;
    const threads = String(availableParallelism());
    return {
      command,
      args: [file(script)],
      env: { OMP_NUM_THREADS: threads, PYTHONDONTWRITEBYTECODE: '1' },
    };
  }
  return 'PyTorch is left out: no python3 here has torch and torchvision (Debian: apt-get install python3-torchvision)';
}

/** How the engine is started, or why it can't be. */
export function commandOf(name: EngineName): EngineCommand | string {
  switch (name) {
    case 'fakkel':
      return node('fakkel/main.ts', 'onnxruntime');
    case 'reference':
      return node('fakkel/main.ts', 'reference');
    case 'tfjs':
      return node('tfjs/main.ts');
    case 'pytorch':
      return (python ??= pytorch('pytorch/main.py'));
    default:
      return name satisfies never;
  }
}

/** How a loader of images is started, or why it can't be. */
export function loaderCommandOf(name: 'fakkel' | 'pytorch'): EngineCommand | string {
  return name === 'fakkel' ? node('../data/fakkel.ts') : pytorch('../data/pytorch.py');
}
