/**
 * Packages that are needed for pictures only, and loaded when one is asked for.
 */
import { FakkelError } from '@fakkel/core';

/** A package that is left to users to install is not there. */
export class MissingPackageError extends FakkelError {
  override name = 'MissingPackageError';
}

function missing(where: string, name: string, cause: unknown): MissingPackageError {
  return new MissingPackageError(`${where}: it needs the package '${name}'. Install it: npm install ${name}`, {
    cause,
  });
}

/** Renders an SVG at twice its size. */
export async function svgToPNG(where: string, svg: string): Promise<Uint8Array> {
  let sharp;
  try {
    ({ default: sharp } = await import('sharp'));
  } catch (cause) {
    throw missing(where, 'sharp', cause);
  }
  return sharp(new TextEncoder().encode(svg), { density: 144 }).png().toBuffer();
}

/** Apache ECharts with what the charts here need. */
export async function loadECharts(where: string) {
  try {
    const [core, charts, components, renderers] = await Promise.all([
      import('echarts/core'),
      import('echarts/charts'),
      import('echarts/components'),
      import('echarts/renderers'),
    ]);
    core.use([
      charts.ScatterChart,
      components.GridComponent,
      components.TitleComponent,
      components.GraphicComponent,
      renderers.SVGRenderer,
    ]);
    return core;
  } catch (cause) {
    throw missing(where, 'echarts', cause);
  }
}
