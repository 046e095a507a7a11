import { findDevices, loadInWorkers, saveAndLoad, trainLeNet, workersWithoutFactory } from './train.js';

/** What the page can do, called by the test through `window.page`. */
const page = { trainLeNet, saveAndLoad, findDevices, loadInWorkers, workersWithoutFactory };
export type Page = typeof page;

declare global {
  interface Window {
    page?: Page;
  }
}
window.page = page;
