/** Every figure of the documentation has a script, is small, is well-formed and is shown on a page. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { figures } from '../../docs/figures/all.js';
import { figure as activations } from '../../docs/figures/activations.js';
import { figure as normalizationAxes } from '../../docs/figures/normalization-axes.js';
import { figure as whitening } from '../../docs/figures/whitening.js';

const docs = join(import.meta.dirname, '../../docs');
const folder = join(docs, 'figures');
const pages = readdirSync(docs, { recursive: true })
  .map((name) => String(name))
  .filter((name) => name.endsWith('.md') && !name.startsWith('api/'));

/** The targets of a page's links and images, as paths in docs. */
function targets(page: string): string[] {
  const text = readFileSync(join(docs, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  return [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map((m) => m[1])
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => relative(docs, join(docs, dirname(page), target)));
}

test('each script has its SVG, and each SVG its script', () => {
  const pictures = readdirSync(folder).filter((name) => name.endsWith('.svg'));
  expect(pictures.map((name) => name.replace(/\.svg$/, '')).sort()).toEqual(figures());
});

describe.each(figures())('%s', (name) => {
  const path = join(folder, `${name}.svg`);

  test('is an SVG of at most 100 kB', () => {
    expect(statSync(path).size).toBeLessThanOrEqual(100_000);
    const svg = readFileSync(path, 'utf8');
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
    expect(svg.trimEnd()).toMatch(/<\/svg>$/);
    expect(svg).not.toMatch(/NaN|undefined|\[object/);
  });

  test('is shown on a page, with a text for who does not see it', () => {
    const shown = pages.filter((page) => targets(page).includes(`figures/${name}.svg`));
    expect(shown).not.toEqual([]);
    const page = readFileSync(join(docs, shown[0]), 'utf8');
    expect(page).toMatch(new RegExp(`!\\[[^\\]]{20,}\\]\\([./]*figures/${name}\\.svg\\)`));
  });
});

test('what the pages of docs link to exists', () => {
  const missing = pages.flatMap((page) =>
    targets(page)
      .filter((target) => !statSync(join(docs, target), { throwIfNoEntry: false }))
      .map((target) => `${page}: ${target}`),
  );
  expect(missing).toEqual([]);
});

// Those that train take minutes; these only compute.
test.each([
  ['activations', activations],
  ['normalization-axes', normalizationAxes],
  ['whitening', whitening],
])('%s.svg is what its script draws', async (name, figure) => {
  const drawn = readFileSync(join(folder, `${name}.svg`), 'utf8');
  expect(drawn === (await figure()), `run npm run docs:figures -- ${name}`).toBe(true);
});
