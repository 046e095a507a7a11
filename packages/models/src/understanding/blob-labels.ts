/**
 * Where the names of blobs stand: beside them, and not on each other.
 */

/** A blob, in pixels. */
interface Mark {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly r: number;
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const [FONT_SIZE, CHARACTER, LINE] = [12, 6.6, 14];

/** A text for each mark, as elements of ECharts' `graphic`. Each goes where it covers least of what is there already. */
export function labels(marks: readonly Mark[], plot: Rectangle): object[] {
  const placed: Rectangle[] = [];
  // Small blobs first: their names have few places that are near enough.
  const order = [...marks].sort((a, b) => a.r - b.r || a.x - b.x);
  return order.map((mark) => {
    const cost = (place: Rectangle): number =>
      placed.reduce((sum, other) => sum + 100 * overlap(place, other), 0) +
      marks.reduce((sum, other) => sum + (other === mark ? 0 : overlap(place, boundsOf(other))), 0) +
      100 * (sizeOf(place) - overlap(place, plot));
    const places = candidates(mark);
    const costs = places.map(cost);
    const best = places[costs.indexOf(Math.min(...costs))];
    placed.push(best);
    const style = { text: mark.name, fill: '#24292f', fontSize: FONT_SIZE, verticalAlign: 'middle', align: 'center' };
    return { type: 'text', x: (best.left + best.right) / 2, y: (best.top + best.bottom) / 2, style, silent: true };
  });
}

/** Right, left, above and below, the nearest first. */
function candidates({ name, x, y, r }: Mark): Rectangle[] {
  const width = CHARACTER * name.length;
  const at = (left: number, middle: number): Rectangle => ({
    left,
    right: left + width,
    top: middle - LINE / 2,
    bottom: middle + LINE / 2,
  });
  const shifts = [0, -9, 9, -18, 18].filter((shift) => Math.abs(shift) <= r + LINE);
  return [
    ...shifts.map((shift) => at(x + r + 4, y + shift)),
    ...shifts.map((shift) => at(x - r - 4 - width, y + shift)),
    at(x - width / 2, y - r - 8),
    at(x - width / 2, y + r + 8),
  ];
}

const boundsOf = ({ x, y, r }: Mark): Rectangle => ({ left: x - r, right: x + r, top: y - r, bottom: y + r });
const sizeOf = (a: Rectangle): number => (a.right - a.left) * (a.bottom - a.top);
const overlap = (a: Rectangle, b: Rectangle): number =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
  Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));
