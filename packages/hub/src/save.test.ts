import { expect, test } from 'vitest';
import { explained } from './save.js';

/** Errors that a test can't bring about where it runs as root, or without a disk of its own to fill. */
test('a full disk, and a folder that is not ours, are told in words', () => {
  const tell = (code: string) => {
    const { message, remedy } = explained('/cache/net.bin', code, new Error(`${code}: in the system’s words`));
    return `${message}. ${remedy}`;
  };
  expect(['ENOSPC', 'EACCES', 'EROFS', 'EIO'].map(tell)).toMatchInlineSnapshot(`
    [
      "/cache/net.bin can't be written: the disk is full. Make room, or choose another folder: $FAKKEL_HOME is where downloads go. It goes on where it stopped.",
      "/cache/net.bin can't be written: this process may not write there. Choose another folder: $FAKKEL_HOME is where downloads go.",
      "/cache/net.bin can't be written: the file system is read-only. Choose another folder: $FAKKEL_HOME is where downloads go.",
      "/cache/net.bin can't be written: EIO: in the system’s words. Choose another folder: $FAKKEL_HOME is where downloads go.",
    ]
  `);
});
