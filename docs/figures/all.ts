/**
 * Makes all figures again: `npm run docs:figures`, or some of them: `npm run docs:figures -- batch-norm whitening`.
 *
 * A figure is the SVG with the name of its script, and such a script exports `figure`; the other files here are what
 * the scripts share. Each runs in a process of its own, so that none depends on what ran before it.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The names of the figures, without `.ts` or `.svg`. */
export function figures(): string[] {
  return readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => /^export (async )?function figure\(/m.test(readFileSync(join(import.meta.dirname, file), 'utf8')))
    .map((file) => file.replace(/\.ts$/, ''))
    .sort();
}

if (process.argv[1] === import.meta.filename) {
  const wanted = process.argv.slice(2);
  const unknown = wanted.filter((name) => !figures().includes(name));
  if (unknown.length > 0) throw new Error(`no figure ${unknown.join(', ')}; there are ${figures().join(', ')}`);
  for (const name of wanted.length > 0 ? wanted : figures()) {
    const script = join(import.meta.dirname, `${name}.ts`);
    const args = ['--conditions=@fakkel/source', '--import', 'tsx', script];
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`${script} failed`);
  }
}
