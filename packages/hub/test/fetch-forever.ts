/**
 * A process that downloads: node fetch-forever.ts URL FOLDER. Says how much it has, and the path at the end.
 */
import { download } from '@fakkel/hub';

const [url, folder] = process.argv.slice(2);
const file = await download(url, {
  folder,
  onProgress: ({ loaded }) => process.stdout.write(`${loaded}\n`),
});
process.stdout.write(`${file.path}\n`);
