/**
 * A network as boxes, as the lecture draws them: as high and wide as feature maps, as deep as channels.
 */
import type { nn, Shape } from '@fakkel/core';
import { type Box, boxesOf } from './boxes.js';
import { number } from './layers.js';

const FILL: Record<Box['kind'], string> = {
  input: '#c9ced6',
  convolution: '#6d9fd1',
  pooling: '#e3a15e',
  dense: '#62b497',
  block: '#b192ce',
  sum: '#ffffff',
  other: '#c9ced6',
};
const LEGEND: readonly [Box['kind'], string][] = [
  ['convolution', 'convolution'],
  ['pooling', 'pooling'],
  ['dense', 'fully connected'],
  ['block', 'block of layers'],
  ['other', 'other'],
];
const [INK, PALE, LINE] = ['#24292f', '#57606a', '#8b93a0'];
const [FONT_SIZE, LINE_HEIGHT, CHARACTER, GAP] = [12, 15, 6.6, 26];
/** Of the largest map: its height, and how far its depth goes to the side; of the most channels: the width. */
const [HEIGHT, SLANT, WIDTH] = [120, 42, 64];

interface Placed extends Box {
  readonly height: number;
  readonly width: number;
  readonly slant: number;
  column: number;
  lane: number;
  /** The left edge of its column. */
  start: number;
  x: number;
  y: number;
}

/** The picture as SVG. */
export function networkPicture(
  model: nn.Module,
  input: nn.SummaryInput,
  { title, depth }: { title: string; depth?: number },
): string {
  const boxes = placed(boxesOf(model, input, depth));
  const widthOf = (box: Placed): number =>
    Math.max(box.width + box.slant, CHARACTER * Math.max(...linesOf(box).map((line) => line.length)));
  // Columns are as wide as their widest box.
  const columns = Math.max(...boxes.map((box) => box.column)) + 1;
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...boxes.filter((box) => box.column === i).map(widthOf), 0),
  );
  const lanes = [...new Set(boxes.map((box) => box.lane))].sort((a, b) => a - b);
  const tall = Math.max(...boxes.map((box) => box.height + box.slant));
  const rowHeight = tall + 22 + LINE_HEIGHT * Math.max(...boxes.map((box) => linesOf(box).length));
  const skips = boxes.some((box) => box.from.some((f) => box.column - boxes[f].column > 1)) ? 26 : 0;
  const top = 44 + skips;
  for (const box of boxes) {
    box.start = 20 + widths.slice(0, box.column).reduce((sum, w) => sum + w + GAP, 0);
    box.x = box.start + (widths[box.column] - box.width - box.slant) / 2;
    box.y = top + (box.lane - lanes[0]) * rowHeight + tall / 2;
  }
  const width = 40 + widths.reduce((sum, w) => sum + w + GAP, -GAP);
  const height = Math.max(...boxes.map(bottomOf)) + 40;
  const parameters = model.parameters().reduce((n, p) => n + p.numel(), 0);
  const heading = `${title}: ${number(parameters)} parameters`;
  const used = LEGEND.filter(([kind]) => boxes.some((box) => box.kind === kind));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}" role="img">`,
    `<title>${escape(heading)}</title>`,
    `<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.8 7.5 4 0 7.2z" fill="${LINE}"/></marker></defs>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="20" y="24" font-size="15" font-weight="600" fill="${INK}">${escape(heading)}</text>`,
    ...boxes.flatMap((box) => box.from.map((f) => edge(boxes[f], box, boxes))),
    ...boxes.map((box) => (box.kind === 'sum' ? circle(box) : cuboid(box))),
    ...boxes.map((box) => labelOf(box, widths[box.column])),
    ...legend(used, height - 14),
    '</svg>\n',
  ];
  return parts.join('\n');
}

/** Sizes by square roots, so that small maps are still seen; columns by the way from the input, lanes by branch. */
function placed(boxes: readonly Box[]): Placed[] {
  const maps = boxes.filter((box) => box.shape.length > 2);
  const most = (of: (shape: Shape) => number): number => Math.max(1, ...maps.map((box) => of(box.shape)));
  const [maxHeight, maxChannels] = [most((s) => s[2]), most((s) => s[1])];
  const maxFeatures = Math.max(1, ...boxes.filter((box) => box.shape.length === 2).map((box) => box.shape[1]));
  const root = (n: number, max: number, size: number, least: number): number =>
    Math.max(least, size * Math.sqrt(n / max));
  const result: Placed[] = [];
  const taken = new Set<string>();
  boxes.forEach((box, i) => {
    const [, channels = 1, ...cells] = box.shape;
    const flat = cells.length === 0;
    const size =
      box.kind === 'sum'
        ? { height: 24, width: 24, slant: 0 }
        : flat
          ? { height: root(channels, maxFeatures, HEIGHT, 12), width: 12, slant: 6 }
          : {
              height: root(cells[0], maxHeight, HEIGHT, 6),
              width: root(channels, maxChannels, WIDTH, 4),
              slant: root(cells.at(-1)!, maxHeight, SLANT, 2),
            };
    const sources = box.from.map((f) => result[f]);
    const column = sources.length === 0 ? 0 : 1 + Math.max(...sources.map((s) => s.column));
    let lane = 0;
    if (sources.length > 1) lane = sources.reduce((sum, s) => sum + s.lane, 0) / sources.length;
    else if (sources.length === 1) {
      // The heads of branches share the room around the lane that they come from.
      const heads = boxes.flatMap((b, at) => (b.from.length === 1 && b.from[0] === box.from[0] ? [at] : []));
      lane = sources[0].lane + heads.indexOf(i) - (heads.length - 1) / 2;
    }
    while (taken.has(`${column} ${lane}`)) lane += 0.5;
    taken.add(`${column} ${lane}`);
    result.push({ ...box, ...size, column, lane, start: 0, x: 0, y: 0 });
  });
  return result;
}

const round = (n: number): number => Math.round(n * 10) / 10;
const escape = (text: string): string => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** Front, top and side; the front's left edge stands at x, the middle of the whole at y. */
function cuboid({ x, y, width, height, slant, kind }: Placed): string {
  const [left, upper] = [x, y - (height - slant) / 2];
  const face = (points: readonly (readonly [number, number])[], shade: number): string =>
    `<path d="M${points.map(([px, py]) => `${round(px)} ${round(py)}`).join('L')}Z" fill="${FILL[kind]}" stroke="#fff" stroke-width="0.8"/>` +
    (shade > 0
      ? `<path d="M${points.map(([px, py]) => `${round(px)} ${round(py)}`).join('L')}Z" fill="#000" fill-opacity="${shade}"/>`
      : '');
  const [right, lower] = [left + width, upper + height];
  return [
    face([[left, upper], [right, upper], [right, lower], [left, lower]], 0), // prettier-ignore
    face([[left, upper], [left + slant, upper - slant], [right + slant, upper - slant], [right, upper]], 0.08), // prettier-ignore
    face([[right, upper], [right + slant, upper - slant], [right + slant, lower - slant], [right, lower]], 0.2), // prettier-ignore
  ].join('');
}

function circle({ x, y, width }: Placed): string {
  const r = width / 2;
  const [cx, cy] = [round(x + r), round(y)];
  return (
    `<circle cx="${cx}" cy="${cy}" r="${r}" fill="#fff" stroke="${INK}"/>` +
    `<path d="M${cx - 6} ${cy}h12M${cx} ${cy - 6}v12" stroke="${INK}" stroke-width="1.5"/>`
  );
}

function edge(from: Placed, to: Placed, boxes: readonly Placed[]): string {
  const [x1, y1, x2, y2] = [from.x + from.width + from.slant + 2, from.y, to.x - 3, to.y].map(round);
  const line = (path: string): string =>
    `<path d="${path}" fill="none" stroke="${LINE}" stroke-width="1.4" marker-end="url(#arrow)"/>`;
  if (to.column - from.column > 1 && to.lane === from.lane) {
    // Over what lies between: a shortcut.
    const between = boxes.filter((b) => b.lane === from.lane && b.column > from.column && b.column < to.column);
    if (between.length > 0) {
      const above = round(Math.min(...between.map((b) => b.y - (b.height + b.slant) / 2)) - 14);
      return line(`M${x1} ${y1}C${x1 + 16} ${y1} ${x1 + 4} ${above} ${x1 + 30} ${above}H${x2 - 34}C${x2 - 4} ${above} ${round(to.x + to.width / 2)} ${above} ${round(to.x + to.width / 2)} ${round(to.y - to.height / 2 - 3)}`); // prettier-ignore
    }
  }
  if (y1 === y2) return line(`M${x1} ${y1}H${x2}`);
  // Straight as far as there are columns between, then to the other lane in the gap before the target's column.
  const [bend, end] = [round(Math.max(x1, to.start - GAP)), round(to.start - 2)];
  const middle = round((bend + end) / 2);
  return line(`M${x1} ${y1}H${bend}C${middle} ${y1} ${middle} ${y2} ${end} ${y2}H${x2}`);
}

const bottomOf = (box: Placed): number => box.y + (box.height + box.slant) / 2 + 4 + LINE_HEIGHT * linesOf(box).length;

function linesOf({ label, shape }: Placed): string[] {
  const [, channels, ...cells] = shape;
  const [name, ...rest] = label;
  return [...(name ? [name] : []), [...cells, channels].join('×'), ...rest];
}

function labelOf(box: Placed, width: number): string {
  const middle = round(box.x - (width - box.width - box.slant) / 2 + width / 2);
  const first = box.y + (box.height + box.slant) / 2 + 16;
  const bold = box.label[0] ? 1 : 0;
  return linesOf(box)
    .map((line, i) => {
      const style = i < bold ? `font-weight="600" fill="${INK}"` : `fill="${i === bold ? INK : PALE}"`;
      return `<text x="${middle}" y="${round(first + i * LINE_HEIGHT)}" text-anchor="middle" ${style}>${escape(line)}</text>`;
    })
    .join('');
}

function legend(kinds: readonly (readonly [Box['kind'], string])[], y: number): string[] {
  let x = 20;
  return kinds.map(([kind, text]) => {
    const at = x;
    x += 36 + CHARACTER * text.length;
    return `<rect x="${at}" y="${round(y - 9)}" width="11" height="11" fill="${FILL[kind]}"/><text x="${at + 16}" y="${round(y + 1)}" fill="${PALE}">${text}</text>`;
  });
}
