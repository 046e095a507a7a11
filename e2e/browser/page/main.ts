import { findDevices, saveAndLoad, trainLeNet } from './train.js';

/** What the page can do, called by the test through `window.page`. */
const page = { trainLeNet, saveAndLoad, findDevices };
export type Page = typeof page;

declare global {
  interface Window {
    page?: Page;
  }
}
window.page = page;
