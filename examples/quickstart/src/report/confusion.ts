/**
 * Who was taken for whom: the confusion matrix and what follows from it for each class.
 */
import { count, percent } from '../format.js';
import type { Prediction } from '../history.js';
import { html, type Html } from './html.js';

/** Counts of predictions: rows are true classes, columns predicted ones. */
export function confusionMatrix(predictions: readonly Prediction[], classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { label, predicted } of predictions) matrix[label][predicted]++;
  return matrix;
}

/** For each class: its images, how many of them were recognized, and how many of its predictions are right. */
export function classTable(matrix: readonly (readonly number[])[], classes: readonly string[]): Html {
  const rows = classes.map((name, i) => {
    const images = sum(matrix[i]);
    const predictions = sum(matrix.map((row) => row[i]));
    const correct = matrix[i][i];
    return html`<tr>
      <th scope="row">${name}</th>
      <td>${count(images)}</td>
      <td>${share(correct, images)}</td>
      <td>${share(correct, predictions)}</td>
    </tr>`;
  });
  return html`<table class="numbers">
    <thead>
      <tr>
        <th scope="col">class</th>
        <th scope="col">images</th>
        <th scope="col">recall</th>
        <th scope="col">precision</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const share = (part: number, whole: number): string => (whole === 0 ? '–' : percent(part / whole));
