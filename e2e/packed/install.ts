import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export const root = path.resolve(import.meta.dirname, '../..');

/** Without npm's variables, which would make the child npm believe that it runs inside this workspace. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_(package|lifecycle)_|NODE_OPTIONS$)/.test(name)),
);

/** Runs a command to its end and gives its output; a failure is an error with all that it wrote. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env, shell: process.platform === 'win32' });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}${stderr}`, { cause: error });
  }
}

/** The folders of all packages that are published. */
export async function publishedPackages(): Promise<string[]> {
  const folders = (await readdir(path.join(root, 'packages'))).map((name) => path.join(root, 'packages', name));
  const manifests = await Promise.all(
    folders.map(
      async (folder) =>
        JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as { private?: boolean; name: string },
    ),
  );
  return folders.filter((_, i) => !manifests[i].private).sort();
}

/** Packs folders into tarballs; gives their paths by the name of the package. */
export async function pack(folders: readonly string[], destination: string): Promise<Map<string, string>> {
  await mkdir(destination, { recursive: true });
  const flags = ['--json', '--ignore-scripts', '--pack-destination', destination];
  const packed = JSON.parse(await run('npm', ['pack', ...flags, ...folders], destination)) as {
    name: string;
    filename: string;
  }[];
  // npm 9 and older write '@scope/name' where the file has 'scope-name'.
  return new Map(
    packed.map(({ name, filename }) => [name, path.join(destination, filename.replace(/^@/, '').replace('/', '-'))]),
  );
}

/** Folders of what packages depend on, and of what that depends on, as they are installed here; not our own. */
export async function dependenciesOf(folders: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    for (const name of Object.keys(manifest.dependencies ?? {})) {
      const dependency = path.join(root, 'node_modules', name);
      if (name.startsWith('@fakkel/') || found.has(dependency)) continue;
      found.add(dependency);
      await visit(dependency);
    }
  };
  for (const folder of folders) await visit(folder);
  return [...found].sort();
}

/** Makes an empty ESM project, and installs tarballs into it from the disk alone. */
export async function makeProject(folder: string, tarballs: readonly string[], manifest: object = {}): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', ...manifest }));
  await install(folder, tarballs);
}

export async function install(folder: string, tarballs: readonly string[], extra: readonly string[] = []) {
  await run(
    'npm',
    ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...extra, ...tarballs],
    folder,
  );
}

/** The options of a user's strict project, declarations of dependencies checked too, without Node's types. */
export const strict = {
  target: 'ES2022',
  lib: ['ES2022', 'ESNext.Disposable', 'DOM'],
  strict: true,
  skipLibCheck: false,
  types: [],
};

/** Compiles a project with these options. */
export async function compile(folder: string, compilerOptions: object, include: readonly string[]): Promise<void> {
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }));
  await run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc')], folder);
}
