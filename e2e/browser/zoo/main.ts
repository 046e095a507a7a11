import * as zoo from './zoo.js';

/** What the page can do, called by the test through `window.zoo`. */
const page = {
  ...zoo,
  /** The files that were chosen with the page's input. */
  chosen: (): File[] => [...document.querySelector('input')!.files!],
};
export type Page = typeof page;

declare global {
  interface Window {
    zoo?: Page;
  }
}
window.zoo = page;
