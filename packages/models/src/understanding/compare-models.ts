/**
 * Architectures beside each other: parameters, operations, memory, time, accuracy.
 */
import { type Device, getDefaultDevice, nn, OutOfRangeError, type Shape } from '@fakkel/core';
import { checkOptions } from '../options.js';
import { createModel } from '../registry.js';
import { listWeights } from '../weights/weights.js';
import { accuracyChart, type ComparisonChartOptions } from './accuracy-chart.js';
import { bytes, escapeHTML, markdown, number, text } from './comparison-tables.js';
import { measure } from './measure.js';
import { svgToPNG } from './peers.js';

/** A network to be compared, with what a name alone does not say. */
export interface ComparedModel {
  /** What it is called in table and figure; of the registry, where there is no `model`. */
  name: string;
  /** The network. Default: the one that the registry has by that name. */
  model?: nn.Module;
  /** The shape of its input with the batch. Default: that of {@link CompareModelsOptions}. */
  input?: Shape;
  /** Top-1 accuracy in per cent. Default: the published one. */
  acc1?: number;
  /** Top-5 accuracy in per cent. Default: the published one. */
  acc5?: number;
}

/** What {@link compareModels} takes. */
export interface CompareModelsOptions {
  /** The shape of the input with the batch. Default: one image of what each is for, `[1, 3, 224, 224]` as a rule. */
  input?: Shape;
  /** What is measured on the device: inference and training steps (true, the default), 'inference' alone, or nothing (false). */
  measure?: boolean | 'inference';
  /** Where. Default: the default device. */
  device?: Device;
  /** Rounds before those that count: engines compile in the first. Default 2. */
  warmup?: number;
  /** Rounds that count; the median of each network is taken. Default 5. */
  rounds?: number;
  /** Which published weights the accuracies are of. Default 'IMAGENET1K_V1': the recipes of the papers. */
  weights?: string;
}

const OPTIONS = ['input', 'measure', 'device', 'warmup', 'rounds', 'weights'] satisfies (keyof CompareModelsOptions)[];

/** One architecture. */
export interface ComparisonRow {
  readonly name: string;
  /** The class of the network: those of one class have one colour in figures. */
  readonly className: string;
  readonly input: Shape;
  /** In inference: without auxiliary classifiers that only training calls. */
  readonly parameters: number;
  /** Multiply-accumulates of one image. */
  readonly macs: number;
  /** Bytes of activations for the batch: see {@link nn.ActivationMemory}. */
  readonly activations: nn.ActivationMemory;
  /** Per cent; null where none is published. */
  readonly acc1: number | null;
  readonly acc5: number | null;
  /** Milliseconds an image; null where it was not measured. */
  readonly inferenceMs: number | null;
  /** Milliseconds an image for forward, backward and update. */
  readonly trainingMs: number | null;
}

/** Architectures beside each other. */
export interface ModelComparison {
  readonly rows: readonly ComparisonRow[];
  /** The device and how it was measured; null if nothing was. */
  readonly measured: { readonly device: string; readonly warmup: number; readonly rounds: number } | null;
  /** A table in plain text. */
  toString(): string;
  /** A table in Markdown. */
  toMarkdown(): string;
  /** Rows and how they were measured. */
  toJSON(): { rows: readonly ComparisonRow[]; measured: ModelComparison['measured'] };
  /** Accuracy over operations (or time): see {@link ComparisonChartOptions}. By Apache ECharts, which is loaded then. */
  toSVG(options?: ComparisonChartOptions): Promise<string>;
  /** The figure as PNG, by ECharts and, in Node, sharp. */
  toPNG(options?: ComparisonChartOptions): Promise<Uint8Array>;
  /** A page with the figure and the table. */
  toHTML(options?: ComparisonChartOptions): Promise<string>;
}

/**
 * Compares architectures: parameters, multiply-accumulates, memory of activations, time for inference and training on a
 * device, and published accuracies, as a table and as the figure of Canziani et al.: accuracy over operations, where the
 * area of a blob is the number of parameters.
 *
 * Times are medians over rounds that have each network once, of networks with initial weights and random images; a
 * training step is forward, backward and an update. Networks that are made by name are disposed of afterwards; without
 * measuring, their weights are not even drawn.
 *
 * Source: Canziani, Paszke, Culurciello, "An analysis of deep neural network models for practical applications", 2016,
 * figures 2 and following.
 *
 * @param models Names of the registry, or networks of your own with a name.
 * @param options See {@link CompareModelsOptions}: `input` (what each is for), `measure` (true), `device`, `warmup` (2),
 *   `rounds` (5), `weights` ('IMAGENET1K_V1').
 * @throws OutOfRangeError for options that are none, and for two networks of one name.
 * @example
 * import { compareModels } from '@fakkel/models';
 * const comparison = await compareModels(['alexnet', 'googlenet', 'resnet18'], { measure: false });
 * console.log(comparison.toString());
 * comparison.rows[2].macs; // 1814073344
 * comparison.rows[2].acc1; // 69.758
 */
export async function compareModels(
  models: readonly (string | ComparedModel)[],
  options: CompareModelsOptions = {},
): Promise<ModelComparison> {
  checkOptions('compareModels', options, OPTIONS);
  const { input, measure: what = true, warmup = 2, rounds = 5, weights = 'IMAGENET1K_V1' } = options;
  const device = options.device ?? getDefaultDevice();
  checkCount('warmup', warmup, 0);
  checkCount('rounds', rounds, 1);
  if (!Array.isArray(models)) {
    throw new TypeError("compareModels: expected a list of networks, compareModels(['alexnet', 'resnet18'])");
  }
  const items = (models as readonly (string | ComparedModel)[]).map((item) => compared(item));
  if (new Set(items.map((item) => item.name)).size < items.length) {
    throw new OutOfRangeError(
      `compareModels: each network needs its own name, got ${items.map((i) => i.name).join(', ')}`,
    );
  }
  const networks = items.map(({ name, model, ...item }) => ({
    model: model ?? (what === false ? nn.utils.skipInit(() => createModel(name)) : createModel(name)),
    own: model === undefined,
    input: item.input ?? input ?? usualInput(name),
  }));
  const modes = networks.map(({ model }) => model.training);
  try {
    const infer = what === false ? null : await measure(networks, { device, training: false, warmup, rounds });
    const train = what === true ? await measure(networks, { device, training: true, warmup, rounds }) : null;
    const rows = items.map((item, i): ComparisonRow => {
      const { model, input: shape } = networks[i];
      const published = listWeights(item.name).find((entry) => entry.name === weights);
      const { totals, rows: calls } = nn.summary(model, shape);
      const idle = calls.filter((row) => row.outputShape === null).reduce((n, row) => n + row.parameters, 0);
      const perImage = (ms: number | null | undefined): number | null => (ms == null ? null : ms / shape[0]);
      return {
        name: item.name,
        className: model.constructor.name,
        input: shape,
        parameters: totals.parameters - idle,
        macs: totals.macs / shape[0],
        activations: totals.activations,
        acc1: item.acc1 ?? published?.acc1 ?? null,
        acc5: item.acc5 ?? published?.acc5 ?? null,
        inferenceMs: perImage(infer?.[i]),
        trainingMs: perImage(train?.[i]),
      };
    });
    return comparisonOf(rows, what === false ? null : { device: device.name, warmup, rounds });
  } finally {
    networks.forEach(({ model, own }, i) => (own ? model.dispose() : model.train(modes[i])));
  }
}

/** A comparison of rows that are there: those of an earlier run, from `JSON.parse`. */
export function comparisonOf(rows: readonly ComparisonRow[], measured: ModelComparison['measured']): ModelComparison {
  const cells = table(rows);
  const toSVG = (options: ComparisonChartOptions = {}): Promise<string> => accuracyChart(rows, options);
  return {
    rows,
    measured,
    toString: () => text(cells),
    toMarkdown: () => markdown(cells),
    toJSON: () => ({ rows, measured }),
    toSVG,
    toPNG: async (options) => svgToPNG('toPNG', await toSVG(options)),
    toHTML: async (options = {}) => page(cells, await toSVG(options), measured),
  };
}

function compared(item: string | ComparedModel): ComparedModel {
  if (typeof item === 'string') return { name: item };
  checkOptions('compareModels', item, ['name', 'model', 'input', 'acc1', 'acc5']);
  if (typeof item.name !== 'string') {
    throw new TypeError(`compareModels: expected names, or { name, model }; got ${Object.keys(item).join(', ')}`);
  }
  return item;
}

/** An image of what a network of the registry is for; of ImageNet, if nothing else is known. */
function usualInput(name: string): Shape {
  if (name.startsWith('lenet5')) return [1, 1, 32, 32];
  if (name.startsWith('cifar')) return [1, 3, 32, 32];
  return name === 'alexnetOriginal' ? [1, 3, 227, 227] : [1, 3, 224, 224];
}

function checkCount(name: string, n: number, least: number): void {
  if (Number.isInteger(n) && n >= least) return;
  throw new OutOfRangeError(`compareModels: ${name} is a whole number from ${least} up, got ${String(n)}`);
}

/** Three digits, and no exponent. */
const milliseconds = (ms: number | null): string | null =>
  ms === null ? null : ms >= 100 ? number(Math.round(ms)) : ms.toPrecision(3);

function table(rows: readonly ComparisonRow[]): string[][] {
  const columns: [string, (row: ComparisonRow) => string | null][] = [
    ['Model', (row) => row.name],
    ['Parameters', (row) => number(row.parameters)],
    ['G-MACs', (row) => (row.macs / 1e9).toPrecision(4)],
    ['Activations, inference', (row) => bytes(row.activations.inference)],
    ['training', (row) => (row.activations.training === null ? null : bytes(row.activations.training))],
    ['Inference, ms an image', (row) => milliseconds(row.inferenceMs)],
    ['Training, ms an image', (row) => milliseconds(row.trainingMs)],
    ['Top-1 %', (row) => row.acc1?.toFixed(2) ?? null],
    ['Top-5 %', (row) => row.acc5?.toFixed(2) ?? null],
  ];
  // What no model has gets no column.
  const used = columns.filter(([, of]) => rows.some((row) => of(row) !== null));
  return [used.map(([title]) => title), ...rows.map((row) => used.map(([, of]) => of(row) ?? ''))];
}

function page(cells: readonly string[][], svg: string, measured: ModelComparison['measured']): string {
  const row = (line: readonly string[], tag: string): string =>
    `<tr>${line.map((cell) => `<${tag}>${escapeHTML(cell)}</${tag}>`).join('')}</tr>`;
  const how = measured
    ? `<p>Measured on ${escapeHTML(measured.device)}: medians of ${measured.rounds} rounds, after ${measured.warmup}.</p>`
    : '';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Comparison of models</title>
<style>body{font-family:system-ui,sans-serif;max-width:960px;margin:24px auto;color:#24292f}svg{max-width:100%;height:auto}table{border-collapse:collapse}td,th{padding:4px 10px;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{text-align:left}</style>
${svg}
<table>
${row(cells[0], 'th')}
${cells
  .slice(1)
  .map((line) => row(line, 'td'))
  .join('\n')}
</table>
${how}
</html>
`;
}
