/** Writes a text into the page. */
export function show(id: string, text: string): void {
  document.getElementById(id)!.textContent = text;
}

const WIDTH = 600;
const HEIGHT = 200;
const losses: number[] = [];

/** Adds a point to the curve: the whole width is all steps until now, the height the largest loss. */
export function showLoss(loss: number): void {
  losses.push(loss);
  const top = Math.max(...losses);
  const points = losses.map((y, x) => `${(x / losses.length) * WIDTH},${HEIGHT * (1 - y / top)}`);
  document.querySelector('#curve polyline')!.setAttribute('points', points.join(' '));
}
