/**
 * Which format a file has, by its first bytes.
 */
import { CheckpointError } from '../errors.js';
import { type ByteSource, type CheckpointSource, openSource, readBytes } from '../io/source.js';
import { readArchive } from './archive.js';
import type { CheckpointFile } from './file.js';
import { readLegacy } from './legacy.js';
import { readSafetensors, readSharded } from './safetensors.js';

/** The magic number of the legacy format as the text of protocols 0 and 1; the others begin with a byte of their own. */
const MAGIC_TEXT = 'L119547037146038801333356L';

/** Opens a checkpoint and reads what describes its tensors, not the tensors. */
export async function openCheckpoint(fn: string, from: CheckpointSource, verify = false): Promise<CheckpointFile> {
  return openBytes(await openSource(fn, from), verify);
}

async function openBytes(source: ByteSource, verify: boolean): Promise<CheckpointFile> {
  try {
    const start = await readBytes(source, 0, Math.min(source.size, 512));
    const startsWith = (...bytes: number[]): boolean => bytes.every((byte, i) => start[i] === byte);
    if (source.size === 0) throw new CheckpointError(`${source.name}: the file is empty`);
    if (startsWith(0x50, 0x4b, 0x03, 0x04)) return await readArchive(source, verify);
    const text = new TextDecoder('latin1').decode(start);
    const mistaken = otherKind(text);
    if (mistaken) throw new CheckpointError(`${source.name}: ${mistaken}`);
    if (/^\s*\{/.test(text)) return await readSharded(source, openBytes, verify);
    // The length of safetensors' header, then the header.
    if (start.length > 8 && start[8] === 0x7b) return await readSafetensors(source);
    if (start[0] === 0x80 || text.startsWith(MAGIC_TEXT)) return await readLegacy(source);
    throw new CheckpointError(
      `${source.name}: neither a PyTorch checkpoint (zip or legacy) nor safetensors; it begins with ` +
        [...start.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
    );
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** What the file is, where it is something that is often mistaken for a checkpoint. */
function otherKind(start: string): string | undefined {
  if (start.slice(257, 262) === 'ustar') {
    return (
      'a tar archive, as PyTorch before 0.1.10 (2017) wrote, or a packed folder. Unpack it, or load it in Python and save it ' +
      'again with torch.save'
    );
  }
  if (start.startsWith('\x1f\x8b')) return 'a gzip file; unpack it first';
  if (start.startsWith('version https://git-lfs')) return 'a Git LFS pointer, not the file itself; run git lfs pull';
  if (/^\s*<(!doctype|html|\?xml)/i.test(start)) {
    return 'a web page: the download gave an error page or a login, not the file';
  }
  if (start.startsWith('\x89HDF')) return 'an HDF5 file (Keras); only PyTorch checkpoints and safetensors are read';
  if (start.startsWith('PK')) return 'an empty or split zip archive';
  return undefined;
}
