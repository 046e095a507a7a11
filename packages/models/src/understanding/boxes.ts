/**
 * The boxes of a network's picture: layers that keep the shape are told with the one before them, repeated blocks are one.
 */
import type { nn, Shape } from '@fakkel/core';
import { type ExplainedLayer, layersOf, number } from './layers.js';

/** One box of the picture. */
export interface Box {
  readonly kind: 'input' | 'convolution' | 'pooling' | 'dense' | 'block' | 'sum' | 'other';
  readonly shape: Shape;
  /** The first is its name. */
  readonly label: readonly string[];
  /** Boxes that it takes its inputs from. */
  readonly from: readonly number[];
}

/** As many boxes as are readable beside each other. */
const MOST = 22;

/** The boxes at a depth; without one, at the greatest that is still readable. */
export function boxesOf(model: nn.Module, input: nn.SummaryInput, depth?: number): Box[] {
  if (depth !== undefined) return boxesAt(model, input, depth);
  let best = boxesAt(model, input, 1);
  for (let d = 2; ; d++) {
    const deeper = boxesAt(model, input, d);
    if (deeper.length > MOST) return best;
    const before = best.length;
    best = deeper;
    if (!layersOf(model, input, d).some((layer) => layer.kind === 'block')) return best;
    if (d > 16 && deeper.length === before) return best;
  }
}

interface Draft {
  layers: ExplainedLayer[];
  from: number[];
  repeats: number;
}

function boxesAt(model: nn.Module, input: nn.SummaryInput, depth: number): Box[] {
  const layers = layersOf(model, input, depth);
  const readers = layers.map((_, i) => layers.filter((layer) => layer.from.includes(i)));
  const drafts: Draft[] = [];
  /** The box of each layer; the input is box 0. */
  const place = new Map<number, number>([[-1, 0]]);
  layers.forEach((layer, i) => {
    const [source] = layer.from;
    const at = place.get(source)!;
    const box = at > 0 ? drafts[at - 1] : undefined;
    if (box && layer.from.length === 1) {
      const alone = readers[source].filter(
        (other) => readers[layers.indexOf(other)].length > 0 || other === layers.at(-1),
      );
      // Nobody reads a dropout: in evaluation mode it makes nothing.
      const idle = readers[i].length === 0 && i < layers.length - 1;
      const only = alone.length === 1 && alone[0] === layer && box.layers.includes(layers[source]);
      if (idle || (only && (isPlain(layer) || isFlatten(layer)))) {
        box.layers.push(layer);
        place.set(i, at);
        return;
      }
      if (only && layer.kind === 'block' && isRepeat(box, layer)) {
        box.layers.push(layer);
        box.repeats++;
        place.set(i, at);
        return;
      }
    }
    drafts.push({ layers: [layer], from: [...new Set(layer.from.map((f) => place.get(f)!))], repeats: 1 });
    place.set(i, drafts.length);
  });
  const first: Box = { kind: 'input', shape: layers[0]?.inputShapes[0] ?? [], label: ['input'], from: [] };
  return [first, ...drafts.map(boxOf)];
}

const same = (a?: Shape, b?: Shape): boolean => String(a) === String(b);

/** Keeps the shape, and is not what a network is drawn for. */
const isPlain = (layer: ExplainedLayer): boolean =>
  layer.kind !== 'block' && layer.macs === 0 && !layer.windows && same(layer.inputShapes[0], layer.outputShapes[0]);

const isFlatten = (layer: ExplainedLayer): boolean =>
  (layer.type === 'reshape' || layer.type === 'Flatten') && layer.outputShapes[0].length === 2;

const isRepeat = ({ layers: [first] }: Draft, layer: ExplainedLayer): boolean =>
  first.kind === 'block' && first.type === layer.type && same(first.outputShapes[0], layer.outputShapes[0]);

function boxOf({ layers, from, repeats }: Draft): Box {
  const [first, ...others] = layers;
  const shape = first.outputShapes[0] ?? [];
  const parameters = layers.reduce((n, layer) => n + layer.parameters, 0);
  const kind = kindOf(first);
  const names = layers.filter((layer) => layer.kind === 'block').map((layer) => layer.name);
  const last = names.at(-1)?.split('.').at(-1);
  const more = others
    .filter((layer) => layer.kind !== 'block')
    .map((layer) => (layer.kind === 'operation' && isFlatten(layer) ? 'flatten' : layer.type));
  const label = [
    repeats > 1 ? `${first.name} … ${last}` : first.kind === 'operation' ? '' : first.name,
    repeats > 1 ? `${repeats} × ${first.type}` : kind === 'sum' ? 'sum' : first.type,
    ...(kind === 'sum' || first.kind === 'block' ? [] : lines(first.text.split(', '))),
    ...lines(more),
    ...(parameters > 0 ? [`${number(parameters)} par.`] : []),
  ];
  return { kind, shape, label: label.filter((line, i) => i === 0 || line !== ''), from };
}

function kindOf(layer: ExplainedLayer): Box['kind'] {
  if (layer.kind === 'block') return 'block';
  if (layer.type === 'add' && layer.inputShapes.length > 1) return 'sum';
  if (layer.windows) return layer.macs > 0 ? 'convolution' : 'pooling';
  return layer.macs > 0 ? 'dense' : 'other';
}

/** Words joined with commas as long as they are short. */
function lines(words: readonly string[]): string[] {
  const result: string[] = [];
  for (const word of words) {
    const joined = `${result.at(-1)}, ${word}`;
    if (result.length > 0 && joined.length <= 20) result[result.length - 1] = joined;
    else result.push(word);
  }
  return result;
}
