/**
 * Packages that are needed for pictures only, and loaded when one is asked for.
 */
import { FakkelError } from '@fakkel/core';
import type Sharp from 'sharp';
import { isNode } from '../node.js';

/** A package that is left to users to install is not there. */
export class MissingPackageError extends FakkelError {
  override name = 'MissingPackageError';
}

function missing(where: string, name: string, cause: unknown): MissingPackageError {
  return new MissingPackageError(`${where}: it needs the package '${name}'. Install it: npm install ${name}`, {
    cause,
  });
}

/** Renders an SVG at twice its size: by sharp in Node, by the page's own canvas in browsers. */
export function svgToPNG(where: string, svg: string): Promise<Uint8Array> {
  return isNode ? bySharp(where, svg) : byCanvas(where, svg);
}

async function bySharp(where: string, svg: string): Promise<Uint8Array> {
  // A variable, so that bundlers for browsers do not look for it.
  const name = 'sharp';
  let sharp;
  try {
    ({ default: sharp } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as {
      default: typeof Sharp;
    });
  } catch (cause) {
    throw missing(where, name, cause);
  }
  return sharp(new TextEncoder().encode(svg), { density: 144 }).png().toBuffer();
}

async function byCanvas(where: string, svg: string): Promise<Uint8Array> {
  if (typeof Image === 'undefined') {
    throw new FakkelError(
      `${where}: workers can't render SVG; post what toSVG() gives to the page, and call ${where} there`,
    );
  }
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  await image.decode().catch((cause: unknown) => {
    throw new FakkelError(
      `${where}: the page can't show the SVG; its content security policy must allow img-src data:`,
      { cause },
    );
  });
  const canvas = new OffscreenCanvas(2 * image.naturalWidth, 2 * image.naturalHeight);
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
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
