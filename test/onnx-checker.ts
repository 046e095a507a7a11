/**
 * ONNX's own checker, for the tests of everything that writes ONNX files: `apt-get install python3-onnx`.
 *
 * It needs a Python that has onnx. Where there is none, `hasChecker` is false and `checkerNote` says so, to be put into
 * the name of the test that is skipped.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

// Looking for the package instead of importing it: Python's start with onnx takes a second.
const LOOK = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("onnx") is None)';
const python = ['python3', '/usr/bin/python3'].find((name) => spawnSync(name, ['-c', LOOK]).status === 0);

const CHECK = `
import json, sys
import onnx
results = []
for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(onnx.load(path), full_check=True)
        results.append(None)
    except Exception as error:
        results.append(f'{type(error).__name__}: {error}')
json.dump(results, sys.stdout)
`;

const PARSE = `
import json, sys
import onnx, onnx.parser
for path in sys.argv[1:]:
    model = onnx.parser.parse_model(open(path, encoding='utf-8').read())
    open(path, 'wb').write(model.SerializeToString())
`;

/** Whether there is a Python with onnx. */
export const hasChecker = python !== undefined;

/** Empty, or why a test is skipped. */
export const checkerNote = hasChecker ? '' : ' (skipped: no Python with onnx here; apt-get install python3-onnx)';

/**
 * What ONNX's checker, with shape inference, says about each model: undefined where all is well, else its error. One
 * Python process for all of them: give it many at once.
 */
export async function checkModels(models: readonly Uint8Array[]): Promise<(string | undefined)[]> {
  return inFolder(models, async (paths) => {
    const { stdout } = await runPython(CHECK, paths);
    return (JSON.parse(stdout) as (string | null)[]).map((error) => error ?? undefined);
  });
}

/** The files that ONNX's parser makes of models in its textual syntax. */
export async function parseModels(texts: readonly string[]): Promise<Uint8Array[]> {
  return inFolder(texts, async (paths) => {
    await runPython(PARSE, paths);
    return Promise.all(paths.map(async (path) => new Uint8Array(await readFile(path))));
  });
}

async function inFolder<T>(
  contents: readonly (Uint8Array | string)[],
  work: (paths: string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'fakkel-onnx-'));
  try {
    const paths = contents.map((_, i) => join(folder, `${i}.onnx`));
    await Promise.all(contents.map((content, i) => writeFile(paths[i], content)));
    return await work(paths);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runPython(program: string, paths: readonly string[]): Promise<{ stdout: string }> {
  if (python === undefined) throw new Error(`onnx-checker: no Python with onnx${checkerNote}`);
  return promisify(execFile)(python, ['-c', program, ...paths], { maxBuffer: 2 ** 28 });
}
