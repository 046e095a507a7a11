/**
 * The walk through a network that one does by hand: sizes, kernels and parameters, layer by layer.
 */
import { type nn, OutOfRangeError, type Shape } from '@fakkel/core';
import { checkOptions } from '../options.js';
import { type ExplainedLayer, layersOf, number, shapeText } from './layers.js';
import { networkPicture } from './network-picture.js';
import { svgToPNG } from './peers.js';

/** What {@link explainShapes} takes. */
export interface ExplainShapesOptions {
  /** Calls nested deeper than this are shown as one block: 1 shows the network's children. Default: all layers. */
  depth?: number;
  /** Where the channels stand in the shapes that are printed: 28×28×6 ('last', as in the lecture) or 6×28×28. Default 'last'. */
  channels?: 'first' | 'last';
}

/** How a network is drawn. */
export interface NetworkPictureOptions {
  /** As in {@link ExplainShapesOptions}. Default: as deep as some twenty boxes allow. */
  depth?: number;
  /** Above the picture. Default: the class of the network. */
  title?: string;
}

/** A network, layer by layer. */
export interface ShapeExplanation {
  /** In the order of the calls. */
  readonly layers: readonly ExplainedLayer[];
  readonly parameters: number;
  readonly macs: number;
  /** A table in plain text. */
  toString(): string;
  /** A picture: boxes as high and wide as feature maps and as deep as channels, in the direction of the data. */
  toSVG(options?: NetworkPictureOptions): string;
  /** The picture as PNG: in Node by sharp (MissingPackageError where it is not installed), in browsers by the page's canvas. */
  toPNG(options?: NetworkPictureOptions): Promise<Uint8Array>;
}

/**
 * Walks through a network for a given input, without computing anything: for each layer its input and output shape and
 * how the one follows from the other, kernel, stride, padding, the parameters as a product, multiply-accumulates, and the
 * receptive field. What happens between layers is there too: residual additions, concatenations, flattening. Works for
 * any module.
 *
 * @param model The network.
 * @param input The shape of its input with the batch; or what {@link nn.summary} takes.
 * @param options `depth` (all layers), `channels` ('last').
 * @throws ShapeError if the network does not take such an input; OutOfRangeError for options that are none.
 * @example
 * import { explainShapes, lenet5Original } from '@fakkel/models';
 * const walk = explainShapes(lenet5Original(), [1, 1, 32, 32]);
 * walk.layers[0].parameterFormula; // '6·(5·5·1) + 6 = 156'
 * walk.layers[0].sizeFormula; // '⌊(32 + 2·0 − 5)/1⌋ + 1 = 28'
 * walk.toSVG().startsWith('<svg'); // true
 */
export function explainShapes(
  model: nn.Module,
  input: nn.SummaryInput,
  options: ExplainShapesOptions = {},
): ShapeExplanation {
  checkOptions('explainShapes', options, ['depth', 'channels']);
  const { depth = Infinity, channels = 'last' } = options;
  checkDepth('explainShapes', depth);
  if (channels !== 'first' && channels !== 'last') {
    throw new OutOfRangeError(`explainShapes: channels is 'first' or 'last', got '${String(channels)}'`);
  }
  const layers = layersOf(model, input, depth, channels);
  const total = (of: 'parameters' | 'macs'): number => layers.reduce((n, layer) => n + layer[of], 0);
  const totals = { parameters: total('parameters'), macs: total('macs') };
  const toSVG = (picture: NetworkPictureOptions = {}): string => {
    checkOptions('toSVG', picture, ['depth', 'title']);
    if (picture.depth !== undefined) checkDepth('toSVG', picture.depth);
    const title = model.constructor.name;
    return networkPicture(model, input, { title, ...(options.depth && { depth }), ...picture });
  };
  return {
    layers,
    ...totals,
    toString: () => table(layers, totals, channels),
    toSVG,
    toPNG: (picture) => svgToPNG('toPNG', toSVG(picture)),
  };
}

function checkDepth(where: string, depth: unknown): void {
  if (depth === Infinity || (Number.isInteger(depth) && (depth as number) >= 1)) return;
  throw new OutOfRangeError(`${where}: depth is a whole number from 1 up, got ${String(depth)}`);
}

function table(
  layers: readonly ExplainedLayer[],
  totals: { parameters: number; macs: number },
  channels: 'first' | 'last',
): string {
  const shapes = (list: readonly Shape[]): string => [...new Set(list.map((s) => shapeText(s, channels)))].join(', ');
  const rows = layers.map((layer) => [
    `${layer.name && `${layer.name}: `}${layer.type}`,
    shapes(layer.inputShapes),
    layer.text,
    layer.sizeFormula,
    shapes(layer.outputShapes),
    layer.parameterFormula || (layer.parameters > 0 ? number(layer.parameters) : ''),
    layer.macs > 0 ? number(layer.macs) : '',
    layer.receptiveField?.join('×') ?? '',
  ]);
  const head = ['Layer', 'Input', 'What', 'Size', 'Output', 'Parameters', 'MACs', 'Sees'];
  const foot = ['Total', '', '', '', '', number(totals.parameters), number(totals.macs), ''];
  // What no layer has gets no column.
  const columns = head.map((_, i) => i).filter((i) => i < 1 || rows.some((row) => row[i] !== ''));
  const lines = [head, ...rows, foot].map((line) => columns.map((i) => line[i]));
  const right = new Set(columns.flatMap((i, at) => (head[i] === 'MACs' || head[i] === 'Sees' ? [at] : [])));
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const text = lines.map((line) =>
    line
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('  ')
      .trimEnd(),
  );
  const rule = '-'.repeat(widths.reduce((a, b) => a + b, 0) + 2 * (widths.length - 1));
  return [text[0], rule, ...text.slice(1, -1), rule, text.at(-1)!].join('\n');
}
