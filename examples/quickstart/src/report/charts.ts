/**
 * The charts of the report, drawn by Apache ECharts into SVG: text that scales, prints and needs no script.
 */
import { HeatmapChart, type HeatmapSeriesOption, LineChart, type LineSeriesOption } from 'echarts/charts';
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  VisualMapComponent,
  type VisualMapComponentOption,
} from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import type { History } from '../history.js';

// Only what is used, so that the quickstart starts fast.
use([LineChart, HeatmapChart, GridComponent, LegendComponent, VisualMapComponent, SVGRenderer]);

type Option = ComposeOption<
  LineSeriesOption | HeatmapSeriesOption | GridComponentOption | LegendComponentOption | VisualMapComponentOption
>;
type Point = [x: number, y: number];

/** Blue and orange can be told apart with any kind of colour vision. */
export const COLORS = { train: '#2f6fb3', validation: '#d9730d', step: '#bcd3ea', ink: '#3d4450', grid: '#e6e8ec' };
const FONT = 'system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif';

/** The cross-entropy of training and validation after each epoch, over that of each single step. */
export function lossChart({ steps, epochs }: History): string {
  const perEpoch = steps.length / Math.max(epochs.length, 1);
  const means = epochs.flatMap(({ train, validation }) => [train.loss, validation.loss]);
  // Single steps go far below their mean; showing all of that would squeeze the curves.
  const bottom = 10 ** Math.floor(Math.log10(Math.max(Math.min(...means), 1e-4)));
  return lineChart({
    yAxis: {
      // Cross-entropy falls by factors: on a linear axis all but the first epochs would be one flat line.
      type: 'log',
      name: 'cross-entropy (log scale)',
      min: bottom,
      axisLabel: { formatter: (value: number) => String(Number(value.toPrecision(1))) },
    },
    epochs: epochs.length,
    series: [
      {
        name: 'each training step',
        color: COLORS.step,
        data: steps.map((loss, i) => [(i + 1) / perEpoch, Math.max(loss, bottom)]),
        lineStyle: { width: 1 },
        showSymbol: false,
        sampling: 'lttb', // some hundreds of points, however many steps there are
      },
      ...curves(
        epochs.map(({ train, validation }) => [Math.max(train.loss, bottom), Math.max(validation.loss, bottom)]),
      ),
    ],
  });
}

/** The share of correct answers in training and validation after each epoch. */
export function accuracyChart({ epochs }: History): string {
  const values = epochs.map(({ train, validation }): [number, number] => [
    train.accuracy * 100,
    validation.accuracy * 100,
  ]);
  const min = Math.floor(Math.min(...values.flat(), 99) / 20) * 20;
  return lineChart({
    // Five labels, whatever the range: 5, 10, 15, 20 or 25 apart.
    yAxis: { type: 'value', name: 'correct (%)', min, max: 100, interval: (100 - min) / 4 },
    epochs: epochs.length,
    series: curves(values),
  });
}

function curves(values: readonly [train: number, validation: number][]): LineSeriesOption[] {
  const points = (of: 0 | 1): Point[] => values.map((pair, i) => [i + 1, pair[of]]);
  const symbolSize = values.length > 40 ? 0 : 6;
  return [
    { name: 'training', color: COLORS.train, data: points(0), symbol: 'circle', symbolSize },
    { name: 'validation', color: COLORS.validation, data: points(1), symbol: 'circle', symbolSize },
  ];
}

function lineChart(chart: { yAxis: object; epochs: number; series: LineSeriesOption[] }): string {
  const axis = {
    nameTextStyle: { color: COLORS.ink, fontSize: 13 },
    axisLabel: { color: COLORS.ink, fontSize: 13, hideOverlap: true },
    axisLine: { lineStyle: { color: '#9aa1ad' } },
    splitLine: { lineStyle: { color: COLORS.grid } },
  };
  const yAxis = chart.yAxis as { axisLabel?: object };
  return draw(560, 360, {
    legend: {
      top: 0,
      right: 24,
      itemGap: 32, // the width of text is an estimate: there is no browser here
      icon: 'roundRect',
      itemHeight: 4,
      itemWidth: 20,
      textStyle: { fontSize: 13, color: COLORS.ink },
    },
    grid: { left: 62, right: 16, top: 46, bottom: 46 },
    xAxis: {
      ...axis,
      type: 'value',
      name: 'epoch',
      nameLocation: 'middle',
      nameGap: 28,
      min: 0,
      max: Math.max(chart.epochs, 1),
      minInterval: 1,
      splitLine: { show: false },
    },
    yAxis: {
      ...axis,
      ...yAxis,
      axisLabel: { ...axis.axisLabel, ...yAxis.axisLabel },
      nameLocation: 'middle',
      nameGap: 44,
    },
    series: chart.series.map((series) => ({ type: 'line', lineStyle: { width: 2.5 }, z: 3, ...series })),
  });
}

/**
 * How often each class was taken for each other one. Correct answers and errors have their own colours: on one scale a
 * single error would be as pale as none.
 *
 * @param matrix rows are true classes, columns predicted ones.
 */
export function confusionChart(matrix: readonly (readonly number[])[], classes: readonly string[]): string {
  const cells = matrix.flatMap((row, label) => row.map((n, predicted) => [predicted, label, n] as const));
  const correct = cells.filter(([predicted, label]) => predicted === label);
  const errors = cells.filter(([predicted, label, n]) => predicted !== label && n > 0);
  const none = cells.filter(([predicted, label, n]) => predicted !== label && n === 0);
  const largest = (list: readonly (readonly [number, number, number])[]): number =>
    Math.max(1, ...list.map(([, , n]) => n));
  const long = Math.max(...classes.map((name) => name.length));
  const rotated = long > 2;
  const margin = 44 + long * 6.5; // for the labels, and the name of the axis beyond them
  const above = rotated ? 44 + long * 4.8 : 54;
  const axis = {
    type: 'category' as const,
    data: [...classes],
    nameLocation: 'middle' as const,
    nameTextStyle: { color: COLORS.ink, fontSize: 13 },
    axisTick: { show: false },
    axisLine: { show: false },
  };
  const label = { color: COLORS.ink, fontSize: 13, interval: 0 };
  return draw(500 + margin + (rotated ? 32 : 6), 500 + above, {
    grid: { left: margin, right: rotated ? 32 : 6, top: above, bottom: 6 },
    xAxis: {
      ...axis,
      position: 'top',
      name: 'predicted',
      nameGap: above - 20,
      axisLabel: { ...label, rotate: rotated ? -45 : 0 },
    },
    yAxis: { ...axis, inverse: true, name: 'true', nameGap: margin - 22, axisLabel: label },
    visualMap: [
      { show: false, seriesIndex: 0, min: 0, max: largest(correct), inRange: { color: ['#eef4fb', '#2f6fb3'] } },
      { show: false, seriesIndex: 1, min: 0, max: largest(errors), inRange: { color: ['#fde9d2', '#d9730d'] } },
      { show: false, seriesIndex: 2, min: 0, max: 1, inRange: { color: ['#f4f5f7', '#f4f5f7'] } },
    ],
    series: [correct, errors, none].map((data) => ({
      type: 'heatmap',
      data: data.map((cell) => ({
        value: [...cell],
        // White on the dark half of the scale.
        label: { color: cell[2] > 0.55 * largest(data) ? '#fff' : COLORS.ink },
      })),
      label: { show: data !== none, fontSize: 14 },
      itemStyle: { borderColor: '#fff', borderWidth: 2 },
    })),
  });
}

/** One chart as SVG for an HTML page, at most `width` pixels wide. */
function draw(width: number, height: number, option: Option): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ animation: false, textStyle: { fontFamily: FONT }, ...option });
    return (
      chart
        .renderToSVGString({ useViewBox: true })
        // What only a script in the page would use, and the namespaces, which HTML implies.
        .replace(/ ecmeta_\w+="[^"]*"| xmlns(:\w+)?="[^"]*"/g, '')
        .replace(/<style ?>.*?<\/style>/gs, '')
        .replace('<svg ', `<svg style="max-width:${width}px" aria-hidden="true" `)
    );
  } finally {
    chart.dispose(); // or its timers keep the process alive
  }
}
