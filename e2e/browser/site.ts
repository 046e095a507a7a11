import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { build, preview, type InlineConfig, type PreviewServer } from 'vite';

/** A page, built once, that can be served with different headers. */
export class Site {
  private readonly servers: PreviewServer[] = [];

  private constructor(
    private readonly config: InlineConfig,
    readonly folder: string,
  ) {}

  static async build(config: InlineConfig): Promise<Site> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'fakkel-site-'));
    const all: InlineConfig = {
      logLevel: 'warn',
      ...config,
      build: { outDir: folder, emptyOutDir: true, chunkSizeWarningLimit: 2000 },
    };
    await build(all);
    return new Site(all, folder);
  }

  /** The URL that it is served from. */
  async serve(headers: Record<string, string> = {}): Promise<string> {
    const server = await preview({ ...this.config, preview: { host: '127.0.0.1', port: 0, headers } });
    this.servers.push(server);
    return server.resolvedUrls!.local[0];
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
    await rm(this.folder, { recursive: true, force: true });
  }
}
