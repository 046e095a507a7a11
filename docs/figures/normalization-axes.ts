/**
 * Which elements each normalization averages over: docs/figures/normalization-axes.svg, after figure 2 of Wu and He,
 * "Group normalization", 2018.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/normalization-axes.ts
 *
 * Nothing here says what to colour: each layer normalizes a random tensor, and the cells are those to which the gradient
 * of one result, the one with the dot, is not zero.
 */
import { grad, manualSeed, nn, randn, type Tensor } from '@fakkel/core';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Samples, channels, positions; the dot is in the first sample, this channel, the first position. */
const [N, C, S, CHANNEL] = [5, 6, 6, 2];

interface Panel {
  readonly title: string;
  readonly averages: string;
  readonly each: string;
  readonly layer: (x: Tensor) => Tensor;
}

const PANELS: readonly Panel[] = [
  { title: 'Batch norm', averages: 'over N, H, W', each: 'for each channel', layer: new nn.BatchNorm1d(C) },
  { title: 'Layer norm', averages: 'over C, H, W', each: 'for each sample', layer: new nn.LayerNorm([C, S]) },
  { title: 'Instance norm', averages: 'over H, W', each: 'for each sample, channel', layer: new nn.InstanceNorm1d(C) },
  {
    title: 'Group norm',
    averages: 'over H, W, some channels',
    each: 'for each sample, group',
    layer: new nn.GroupNorm(2, C),
  },
  {
    title: 'Local response norm',
    averages: 'over a few channels',
    each: 'for each sample, position',
    layer: new nn.LocalResponseNorm(3, { alpha: 1 }),
  },
];

type Cell = readonly [n: number, c: number, s: number];

/** Whether the result with the dot depends on a cell. */
async function dependence(layer: Panel['layer']): Promise<(cell: Cell) => boolean> {
  manualSeed(0);
  const x = randn([N, C, S], { requiresGrad: true });
  const result = layer(x)
    .flatten()
    .select(0, CHANNEL * S);
  const [dx] = grad(result, [x]);
  const gradient = await dx!.data();
  return ([n, c, s]) => gradient[(n * C + c) * S + s] !== 0;
}

/** Sides of a cell; what lies behind is drawn up and to the right. */
const [SIDE, RIGHT, UP] = [17, 9, 7];
const PANEL = { width: 196, left: 36, top: 74, height: 244 };

type Corner = readonly [c: number, n: number, s: number];

/** Where a corner is drawn: channels to the right, samples into the depth, positions downwards. */
const at = ([c, n, s]: Corner): string => `${c * SIDE + n * RIGHT},${s * SIDE - n * UP}`;

const face = (isColoured: boolean, ...corners: readonly Corner[]): string =>
  `<polygon class="${isColoured ? 'on' : 'off'}" points="${corners.map(at).join(' ')}"/>`;

/** The three faces of the cube that one sees: the first sample, the first position, the last channel. */
function cube(isColoured: (cell: Cell) => boolean): string[] {
  const faces: string[] = [];
  const each = (a: number, b: number, draw: (i: number, j: number) => string): void => {
    for (let i = 0; i < a; i++) for (let j = 0; j < b; j++) faces.push(draw(i, j));
  };
  each(C, S, (c, s) => face(isColoured([0, c, s]), [c, 0, s], [c + 1, 0, s], [c + 1, 0, s + 1], [c, 0, s + 1]));
  each(C, N, (c, n) => face(isColoured([n, c, 0]), [c, n, 0], [c + 1, n, 0], [c + 1, n + 1, 0], [c, n + 1, 0]));
  each(N, S, (n, s) => face(isColoured([n, C - 1, s]), [C, n, s], [C, n + 1, s], [C, n + 1, s + 1], [C, n, s + 1]));
  return faces;
}

const text = (x: number, y: number, content: string, attributes = ''): string =>
  `<text x="${x}" y="${y}"${attributes}>${content}</text>`;

async function panel({ title, averages, each, layer }: Panel, index: number): Promise<string> {
  const [middle, below] = [(C * SIDE + N * RIGHT) / 2, S * SIDE];
  const [x, y] = at([CHANNEL + 0.5, 0, 0.5]).split(',');
  return [
    `<g transform="translate(${PANEL.left + index * PANEL.width} ${PANEL.top})">`,
    text(middle, -N * UP - 18, title, ' class="title"'),
    ...cube(await dependence(layer)),
    `<circle cx="${x}" cy="${y}" r="3.5"/>`,
    text((C * SIDE) / 2, below + 17, 'C'),
    text(C * SIDE + (N * RIGHT) / 2 + 10, below - (N * UP) / 2 + 12, 'N'),
    text(-10, below / 2, 'H, W', ` transform="rotate(-90 -10 ${below / 2})"`),
    text(middle, below + 40, averages, ' class="caption"'),
    text(middle, below + 57, each, ' class="caption"'),
    '</g>',
  ].join('\n');
}

/** The picture as SVG. */
export async function figure(): Promise<string> {
  const panels: string[] = [];
  for (const [i, p] of PANELS.entries()) panels.push(await panel(p, i));
  const [width, height] = [PANELS.length * PANEL.width + 16, PANEL.height];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    '<title>Which elements are normalized together, by batch, layer, instance, group and local response normalization</title>',
    '<style>',
    'text { font: 13px system-ui, sans-serif; fill: #24292f; text-anchor: middle }',
    '.title { font-size: 15px; font-weight: 600 }',
    '.caption { fill: #57606a }',
    'polygon { stroke: #57606a; stroke-width: 0.7; stroke-linejoin: round }',
    '.on { fill: #54a0e8 } .off { fill: #fff } circle { fill: #0b2e59 }',
    '</style>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] === here) writeFileSync(here.replace(/\.ts$/, '.svg'), await figure());
