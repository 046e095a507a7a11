/** What becomes of worker threads, and of the process that has them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';

// Each starts a process and several threads, which compile their sources.
vi.setConfig({ testTimeout: 60_000 });

const children = new Set<ChildProcess>();
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

async function run(scenario: string, flags: string[] = [], signalAfter?: [NodeJS.Signals, string]): Promise<Ended> {
  const file = fileURLToPath(new URL('./workers/scenarios.ts', import.meta.url));
  const args = [...flags, '--conditions=@fakkel/source', '--import', 'tsx', file, scenario];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let output = '';
  let signalled = false;
  const read = (text: Buffer): void => {
    output += text.toString();
    if (!signalAfter || signalled || !output.includes(signalAfter[1])) return;
    signalled = child.kill(signalAfter[0]);
  };
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  children.delete(child);
  return { code, signal, output };
}

const LINUX = existsSync('/proc/self/task');

describe('threads end with the loop', () => {
  test.runIf(LINUX)('no thread is left', async () => {
    const { code, output } = await run('no thread is left');
    expect(output).toMatchInlineSnapshot(`
      "with workers: true after break: 0
      after Error: of the loop 0
      after an epoch: 0
      WorkerError: DataLoader: sample 5 of accident (datasets.ts), in worker ? of 2: the file is damaged
      after an error: 0
      kept: true
      after close: 0
      "
    `);
    expect(code).toBe(0);
  });

  test.runIf(LINUX)('loops and loaders that are forgotten', async () => {
    expect(await run('loops and loaders that are forgotten', ['--expose-gc'])).toEqual({
      code: 0,
      signal: null,
      output: 'true\n0\n',
    });
  });
});

describe('the process', () => {
  test('ends, though a loop is not finished', async () => {
    expect(await run('a loop that is not finished')).toEqual({ code: 0, signal: null, output: 'end of main\n' });
  });

  test('does not end while a batch is awaited', async () => {
    expect(await run('an awaited batch holds the process')).toEqual({
      code: 0,
      signal: null,
      output: 'batch\nbatch\nend of epoch\n',
    });
  });

  test('ends at once when it is interrupted', async () => {
    const { code, signal, output } = await run('interrupted', [], ['SIGINT', 'batch']);
    expect([code, signal]).toEqual([null, 'SIGINT']);
    expect(output).toMatch(/^(batch\n)+$/);
  });

  test.runIf(LINUX)('with a handler can leave the loop, and takes no thread along', async () => {
    const { code, output } = await run('interrupted, with a handler', [], ['SIGINT', 'batch']);
    expect(code).toBe(0);
    expect(output).toMatch(/^(batch\n)+threads left: 0\n$/);
  });

  test('exits with its own code', async () => {
    expect(await run('process.exit in a loop')).toEqual({ code: 7, signal: null, output: '' });
  });

  test('outlives a worker that has no memory left', async () => {
    const { code, output } = await run('out of memory', ['--max-old-space-size=120']);
    expect(output.replace(/^(?!batch|WorkerError).*\n/gm, '')).toMatchInlineSnapshot(`
      "batch
      WorkerError: DataLoader: worker 0 of 1 failed: Worker terminated due to reaching memory limit: JS heap out of memory; it was at sample 5 of accident (datasets.ts)
      "
    `);
    expect(code).toBe(0);
  });

  test('stays responsive while workers work', async () => {
    expect(await run('the event loop stays free')).toEqual({ code: 0, signal: null, output: 'true\n' });
  });
});
