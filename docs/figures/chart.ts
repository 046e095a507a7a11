/**
 * What the figures share: panels of lines and points, drawn by Apache ECharts into SVG, and how a script writes its SVG.
 *
 * The same numbers give the same bytes, so that a figure changes in the history only when what it shows does.
 */
import { LineChart, type LineSeriesOption, ScatterChart, type ScatterSeriesOption } from 'echarts/charts';
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  TitleComponent,
  type TitleComponentOption,
} from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

use([LineChart, ScatterChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

type Option = ComposeOption<
  LineSeriesOption | ScatterSeriesOption | GridComponentOption | LegendComponentOption | TitleComponentOption
>;

export type Point = readonly [x: number, y: number];

/** Okabe and Ito's order of hues, darkened: told apart with any kind of colour vision. */
export const COLORS = ['#2f6fb3', '#d9730d', '#1b8f6a', '#8e5bb5', '#b8336a', '#6b7280', '#a67c00', '#3aa6c9'] as const;
const INK = '#24292f';
const PALE = '#57606a';
const FONT = 'system-ui, sans-serif';

export interface Series {
  /** In the legend, unless it is empty; series of one name in several panels share an entry, and should share a colour. */
  readonly name: string;
  readonly color: string;
  /** NaN interrupts a line. Points are drawn in the order given. */
  readonly data: readonly Point[];
  /** Default `line`. `histogram` fills the area under steps, `points` draws no line, `marked` a line with points on it. */
  readonly kind?: 'line' | 'dashed' | 'histogram' | 'points' | 'marked' | 'step';
  /** Of the line, or of the points' diameter. */
  readonly width?: number;
  readonly opacity?: number;
}

export interface Axis {
  readonly name?: string;
  readonly type?: 'value' | 'log' | 'category';
  readonly min?: number;
  readonly max?: number;
  readonly interval?: number;
  /** Of a `category` axis. */
  readonly labels?: readonly string[];
  readonly format?: (value: number) => string;
  /** false: neither line, ticks nor labels. */
  readonly show?: boolean;
}

export interface Panel {
  readonly title?: string;
  /** Below the title, smaller. */
  readonly note?: string;
  readonly x?: Axis;
  readonly y?: Axis;
  readonly series: readonly Series[];
}

export interface ChartOptions {
  readonly panels: readonly Panel[];
  /** Panels in a row. Default: all. */
  readonly columns?: number;
  /** Of one panel with its labels, in pixels. Default 420 by 320. */
  readonly size?: readonly [width: number, height: number];
  /** Room beside each panel for axes and names: left, top, right, bottom. */
  readonly margin?: readonly [left: number, top: number, right: number, bottom: number];
  /** Above all panels; false for none. Default true. */
  readonly legend?: boolean;
  /** Said before each row of panels. */
  readonly rows?: readonly string[];
}

/** The panels as one SVG. */
export function chart(options: ChartOptions): string {
  const { panels, columns = panels.length, size = [420, 320], legend = true, rows } = options;
  const [left, top, right, bottom] = options.margin ?? [66, 42, 18, 54];
  const [above, rowTitle] = [legend ? 40 : 8, rows ? 30 : 0];
  const [width, height] = size;
  const at = (i: number): Point => [
    (i % columns) * width,
    above + Math.floor(i / columns) * (height + rowTitle) + rowTitle,
  ];
  return draw(columns * width, above + Math.ceil(panels.length / columns) * (height + rowTitle) + 4, {
    legend: {
      show: legend,
      top: 6,
      left: 'center',
      itemGap: 30, // the width of text is an estimate: there is no browser here
      itemWidth: 26,
      textStyle: { fontSize: 14, color: INK },
      data: entries(panels),
    },
    title: [
      ...panels.map(({ title, note }, i) => ({
        text: title ?? '',
        subtext: note ?? '',
        left: at(i)[0] + left + (width - left - right) / 2,
        top: at(i)[1] + (note ? 2 : 12),
        textAlign: 'center' as const,
        itemGap: 3,
        padding: 0,
        textStyle: { fontSize: 14, fontWeight: 600, color: INK, lineHeight: 18 },
        subtextStyle: { fontSize: 12, color: PALE, lineHeight: 15 },
      })),
      ...(rows ?? []).map((text, row) => ({
        text,
        left: 12,
        top: at(row * columns)[1] - rowTitle + 8,
        padding: 0,
        textStyle: { fontSize: 15, fontWeight: 600, color: INK },
      })),
    ],
    grid: panels.map((_, i) => ({
      left: at(i)[0] + left,
      top: at(i)[1] + top,
      width: width - left - right,
      height: height - top - bottom,
    })),
    xAxis: panels.map(({ x = {} }, i) => axis(x, i, 30)),
    yAxis: panels.map(({ y = {} }, i) => axis(y, i, left - 20)),
    series: panels.flatMap(({ series }, i) => series.map((s) => seriesOption(s, i))),
  });
}

/** One entry a name. A dot only where the series has dots, a patch of colour for a histogram. */
function entries(panels: readonly Panel[]): object[] {
  const unique = new Map(panels.flatMap(({ series }) => series.map((s) => [s.name, s.kind ?? 'line'])));
  unique.delete('');
  return Array.from(unique, ([name, kind]) => ({
    name,
    ...(kind === 'histogram' && { icon: 'roundRect' }),
    itemStyle: { opacity: ['points', 'marked', 'histogram'].includes(kind) ? 1 : 0 },
  }));
}

function axis(of: Axis, gridIndex: number, nameGap: number): object {
  const { type = 'value', show = true, labels, format } = of;
  return {
    type,
    gridIndex,
    show,
    name: of.name,
    min: of.min,
    max: of.max,
    interval: of.interval,
    ...(labels && { data: [...labels] }),
    nameLocation: 'middle',
    nameGap,
    nameTextStyle: { color: INK, fontSize: 13 },
    axisLabel: { color: INK, fontSize: 12, hideOverlap: true, ...(format && { formatter: format }) },
    axisLine: { show: true, onZero: false, lineStyle: { color: '#9aa1ad' } },
    axisTick: { show: true, lineStyle: { color: '#9aa1ad' } },
    splitLine: { show: type !== 'category', lineStyle: { color: '#e6e8ec' } },
  };
}

function seriesOption(of: Series, panel: number): LineSeriesOption | ScatterSeriesOption {
  const { name, color, kind = 'line', opacity = 1 } = of;
  const shared = {
    name,
    color,
    data: of.data.map(([x, y]): [number, number] => [x, y]),
    xAxisIndex: panel,
    yAxisIndex: panel,
    animation: false,
    silent: true,
  };
  if (kind === 'points')
    return { ...shared, type: 'scatter', symbolSize: of.width ?? 4, itemStyle: { color, opacity } };
  const stepped = kind === 'histogram' || kind === 'step';
  return {
    ...shared,
    type: 'line',
    symbol: kind === 'marked' ? 'circle' : 'none',
    symbolSize: 6,
    clip: true,
    ...(stepped && { step: 'end' as const }),
    lineStyle: {
      width: of.width ?? (kind === 'histogram' ? 1 : 2.2),
      type: kind === 'dashed' ? [6, 4] : 'solid',
      opacity,
      color,
    },
    ...(kind === 'histogram' && { areaStyle: { color, opacity: 0.45 * opacity } }),
  };
}

function draw(width: number, height: number, option: Option): string {
  const instance = init(null, null, { renderer: 'svg', ssr: true, width, height });
  instance.setOption({ animation: false, backgroundColor: '#fff', textStyle: { fontFamily: FONT }, ...option });
  const svg = instance.renderToSVGString();
  instance.dispose();
  // Ids count the charts of the process; the classes and events are for a pointer, which an image does not have.
  return `${svg.replace(/ (class|pointer-events|ecmeta_\w+)="[^"]*"|<style[\s\S]*<\/style>\n/g, '').replace(/zr\d+-/g, 'zr-')}\n`;
}

/** Decades as powers of ten: 0.01, 0.1, 1, 10; the others as 1e-5. */
export const decade = (value: number): string =>
  value >= 1e-3 && value < 1e4 ? String(Number(value.toPrecision(1))) : value.toExponential(0);

/**
 * Writes the figure beside its script, with the script's name, if the script was started; says how long it took.
 *
 * @param url - `import.meta.url` of the script.
 */
export async function writeFigure(url: string, figure: () => string | Promise<string>): Promise<void> {
  const script = fileURLToPath(url);
  if (process.argv[1] !== script) return;
  const path = script.replace(/\.ts$/, '.svg');
  const started = performance.now();
  const svg = await figure();
  writeFileSync(path, svg);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${path}: ${(svg.length / 1000).toFixed(0)} kB, ${seconds} s`);
}
