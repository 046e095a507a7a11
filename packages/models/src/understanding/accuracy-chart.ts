/**
 * The figure of Canziani et al.: accuracy over operations, a blob's area its parameters.
 */
import { FakkelError, OutOfRangeError } from '@fakkel/core';
import { checkOptions } from '../options.js';
import type { ComparisonRow } from './compare-models.js';
import { labels } from './blob-labels.js';
import { loadECharts } from './peers.js';

/** How the figure is drawn. */
export interface ComparisonChartOptions {
  /** What accuracy is shown over: 'macs' (default), 'inference' or 'training' time, or 'parameters'. */
  x?: 'macs' | 'inference' | 'training' | 'parameters';
  /** Which accuracy. Default 'acc1'. */
  y?: 'acc1' | 'acc5';
  /** Above the figure. Default none. */
  title?: string;
  /** In pixels. Default 860 by 560. */
  size?: readonly [width: number, height: number];
}

const X = {
  macs: {
    name: 'operations, in billions of multiply–accumulates an image',
    of: (row: ComparisonRow) => row.macs / 1e9,
  },
  inference: { name: 'inference, in milliseconds an image', of: (row: ComparisonRow) => row.inferenceMs },
  training: { name: 'training step, in milliseconds an image', of: (row: ComparisonRow) => row.trainingMs },
  parameters: { name: 'parameters, in millions', of: (row: ComparisonRow) => row.parameters / 1e6 },
};
const Y = { acc1: 'top-1 accuracy, in per cent', acc5: 'top-5 accuracy, in per cent' };

/** Of the legend of blobs, in millions of parameters: those of the paper. */
const LEGEND = [5, 35, 65, 95, 125, 155];
/** The diameter of the largest of these, in pixels. */
const LARGEST = 76;
const diameter = (millions: number): number => LARGEST * Math.sqrt(millions / LEGEND.at(-1)!);

/** Okabe and Ito's order of hues, darkened: told apart with any kind of colour vision. */
const COLORS = ['#2f6fb3', '#d9730d', '#1b8f6a', '#8e5bb5', '#b8336a', '#6b7280', '#a67c00', '#3aa6c9'];
const [INK, LINE] = ['#24292f', '#9aa1ad'];

/** The figure as SVG. The same numbers give the same bytes. */
export async function accuracyChart(
  rows: readonly ComparisonRow[],
  options: ComparisonChartOptions = {},
): Promise<string> {
  checkOptions('toSVG', options, ['x', 'y', 'title', 'size']);
  const { x = 'macs', y = 'acc1', title = '', size = [860, 560] } = options;
  if (!Object.hasOwn(X, x)) throw new OutOfRangeError(`toSVG: x is one of ${Object.keys(X).join(', ')}; got '${x}'`);
  if (!Object.hasOwn(Y, y)) throw new OutOfRangeError(`toSVG: y is one of ${Object.keys(Y).join(', ')}; got '${y}'`);
  const shown = rows.flatMap((row) => {
    const [at, height] = [X[x].of(row), row[y]];
    return at === null || height === null ? [] : [{ row, at, height }];
  });
  if (shown.length === 0) {
    throw new FakkelError(
      `toSVG: no model has both an accuracy and ${x === 'macs' || x === 'parameters' ? 'operations' : `a measured ${x} time`}. ` +
        `Give { name, model, acc1 } for networks of your own, and measure.`,
    );
  }
  const { init } = await loadECharts('toSVG');
  const [width, height] = size;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  const classes = [...new Set(rows.map((row) => row.className))];
  const axis = {
    type: 'value' as const,
    nameLocation: 'middle' as const,
    nameTextStyle: { color: INK, fontSize: 13 },
    axisLabel: { color: INK, fontSize: 12 },
    axisLine: { show: true, onZero: false, lineStyle: { color: LINE } },
    axisTick: { show: true, lineStyle: { color: LINE } },
    splitLine: { lineStyle: { color: '#e6e8ec' } },
  };
  const heights = shown.map((item) => item.height);
  const reach = Math.max(...shown.map((item) => item.at));
  const step = 10 ** Math.floor(Math.log10(reach));
  const plot = { left: 62, top: title ? 44 : 16, right: width - 24, bottom: height - 154 };
  const right = Math.ceil((reach * 1.08) / (step / 2)) * (step / 2);
  const [low, high] = [
    Math.floor((Math.min(...heights) - 2.5) / 5) * 5,
    Math.ceil((Math.max(...heights) + 1.5) / 5) * 5,
  ];
  const marks = shown.map(({ row, at, height: accuracy }) => ({
    name: row.name,
    x: plot.left + (at / right) * (plot.right - plot.left),
    y: plot.bottom - ((accuracy - low) / (high - low)) * (plot.bottom - plot.top),
    r: diameter(row.parameters / 1e6) / 2,
  }));
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    textStyle: { fontFamily: 'system-ui, sans-serif' },
    title: { text: title, left: 'center', top: 10, textStyle: { fontSize: 15, fontWeight: 600, color: INK } },
    grid: { left: plot.left, top: plot.top, right: width - plot.right, bottom: height - plot.bottom },
    xAxis: { ...axis, name: X[x].name, nameGap: 30, min: 0, max: right },
    yAxis: {
      ...axis,
      name: Y[y],
      nameGap: 38,
      min: low,
      max: high,
    },
    series: shown.map(({ row, at, height: accuracy }) => {
      const color = COLORS[classes.indexOf(row.className) % COLORS.length];
      return {
        type: 'scatter' as const,
        data: [[at, accuracy]],
        symbolSize: diameter(row.parameters / 1e6),
        itemStyle: { color, opacity: 0.55, borderColor: color, borderWidth: 1 },
        silent: true,
      };
    }),
    graphic: [...labels(marks, plot), ...blobs(width, height)],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Ids count the charts of the process; the classes and events are for a pointer, which an image does not have.
  return `${svg.replace(/ (class|pointer-events|ecmeta_\w+)="[^"]*"|<style[\s\S]*<\/style>\n/g, '').replace(/zr\d+-/g, 'zr-')}\n`;
}

/** The legend: blobs of known parameters below the axes. */
function blobs(width: number, height: number): object[] {
  const [gap, middle] = [30, height - 62];
  const total = LEGEND.reduce((sum, n) => sum + diameter(n) + gap, -gap);
  let left = (width - total) / 2;
  const note = (x: number, y: number, value: string): object => ({
    type: 'text',
    x,
    y,
    style: { text: value, fill: INK, fontSize: 12, align: 'center', verticalAlign: 'middle' },
    silent: true,
  });
  return LEGEND.flatMap((millions) => {
    const r = diameter(millions) / 2;
    const cx = left + r;
    left += 2 * r + gap;
    return [
      {
        type: 'circle',
        shape: { cx, cy: middle, r },
        style: { fill: '#8b93a0', opacity: 0.35, stroke: '#8b93a0' },
        silent: true,
      },
      note(cx, middle + LARGEST / 2 + 10, `${millions}M`),
    ];
  }).concat([note(width / 2 - total / 2 - 62, middle, 'parameters')]);
}
