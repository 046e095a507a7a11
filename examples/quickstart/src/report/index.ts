/**
 * The report of a run: one HTML file that holds everything it shows, so that it can be mailed, opened offline, printed.
 */
import type { HostArray } from '@fakkel/data';
import { count, counted, duration, lossText, percent } from '../format.js';
import type { History, Prediction, Score } from '../history.js';
import { accuracyChart, confusionChart, lossChart } from './charts.js';
import { classTable, confusionMatrix } from './confusion.js';
import { html, Html } from './html.js';
import { pictureGrid } from './pictures.js';
import { STYLE } from './style.js';

export interface Report {
  readonly title: string;
  readonly classes: readonly string[];
  /** Number of images in each part. */
  readonly sizes: { readonly train: number; readonly validation: number; readonly test: number };
  readonly history: History;
  readonly test: Score & { readonly predictions: readonly Prediction[] };
  /** The test image of a prediction's index, `[1, H, W]` from 0 to 1. */
  readonly imageOf: (index: number) => Promise<HostArray>;
  /** The network, printed. */
  readonly model: string;
  readonly parameters: number;
  /** Rows of the settings table. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** Rows of the timing table. */
  readonly timing: Readonly<Record<string, string | number>>;
  /** What to type to get the same run again. */
  readonly command: string;
  readonly date: Date;
}

/** More pictures than this make the page long and say nothing new. */
const MOST_PICTURES = 60;

export async function reportPage(report: Report): Promise<string> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${report.title}</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <main>
          ${header(report)} ${curves(report)} ${confusion(report)} ${await pictures(report)} ${facts(report)}
          <footer>
            <p>Written by Fakkel on ${report.date.toISOString().slice(0, 16).replace('T', ' ')} UTC.</p>
          </footer>
        </main>
      </body>
    </html> `;
  return page.text;
}

function header({ title, sizes, history, test, parameters }: Report): Html {
  const seconds = history.epochs.reduce((total, epoch) => total + epoch.seconds, 0);
  const last = history.epochs.at(-1);
  const correct = test.predictions.filter(({ label, predicted }) => label === predicted).length;
  return html`<h1>${title}</h1>
    <p class="lead">
      Trained on ${count(sizes.train)} images for ${counted(history.epochs.length, 'epoch')}, validated on
      ${count(sizes.validation)} after each, tested once at the end on ${count(sizes.test)} that it had never seen.
    </p>
    <div class="headline">
      <div>
        <small>Test accuracy</small><b>${percent(test.accuracy)}</b
        ><small>${count(correct)} of ${count(sizes.test)} correct</small>
      </div>
      <div><small>Test loss</small><b>${lossText(test.loss)}</b><small>mean cross-entropy</small></div>
      <div>
        <small>Validation accuracy</small><b>${last ? percent(last.validation.accuracy) : '–'}</b
        ><small>after the last epoch</small>
      </div>
      <div>
        <small>Training time</small><b>${duration(seconds)}</b
        ><small>${count((sizes.train * history.epochs.length) / Math.max(seconds, 1e-3))} images/s</small>
      </div>
      <div><small>Parameters</small><b>${count(parameters)}</b><small>weights and biases</small></div>
    </div>`;
}

function curves({ history }: Report): Html {
  const described = history.epochs.map(
    ({ epoch, train, validation }) =>
      html`<tr>
        <th scope="row">${epoch}</th>
        <td>${lossText(train.loss)}</td>
        <td>${lossText(validation.loss)}</td>
        <td>${percent(train.accuracy)}</td>
        <td>${percent(validation.accuracy)}</td>
      </tr>`,
  );
  return html`<section>
    <h2>Learning curves</h2>
    <p class="note">
      Training is averaged over an epoch while the weights improve; validation is measured after it, with the weights
      reached. A validation loss that rises while training falls on is overfitting.
    </p>
    <div class="columns">
      <figure role="img" aria-label="Loss of training and validation by epoch">${new Html(lossChart(history))}</figure>
      <figure role="img" aria-label="Accuracy of training and validation by epoch">
        ${new Html(accuracyChart(history))}
      </figure>
    </div>
    <details>
      <summary>The numbers</summary>
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">epoch</th>
            <th scope="col">training loss</th>
            <th scope="col">validation loss</th>
            <th scope="col">training accuracy</th>
            <th scope="col">validation accuracy</th>
          </tr>
        </thead>
        <tbody>
          ${described}
        </tbody>
      </table>
    </details>
  </section>`;
}

function confusion({ test, classes }: Report): Html {
  const matrix = confusionMatrix(test.predictions, classes.length);
  return html`<section>
    <h2>Confusion matrix</h2>
    <p class="note">
      Each row holds the test images of one true class, by what the network took them for: correct answers in blue, on
      the diagonal, errors in orange. <em>Recall</em> is the share of a class that was recognized,
      <em>precision</em> the share of the answers with its name that are right.
    </p>
    <div class="matrix">
      <figure role="img" aria-label="Confusion matrix of ${classes.length} classes">
        ${new Html(confusionChart(matrix, classes))}
      </figure>
      ${classTable(matrix, classes)}
    </div>
  </section>`;
}

async function pictures({ test, classes, imageOf }: Report): Promise<Html> {
  const certainty = (a: Prediction, b: Prediction): number => b.probability - a.probability;
  const wrong = test.predictions.filter(({ label, predicted }) => label !== predicted).sort(certainty);
  const hardest = test.predictions
    .filter(({ label, predicted }) => label === predicted)
    .sort(certainty)
    .slice(-12)
    .reverse();
  const shown = wrong.slice(0, MOST_PICTURES);
  const all = shown.length === wrong.length ? '' : ` The ${MOST_PICTURES} most certain ones are shown.`;
  return html`<section>
    <h2>Misclassified images</h2>
    ${
      wrong.length === 0
        ? html`<p class="note">None: all test images were recognized.</p>`
        : html`<p class="note">
              ${counted(wrong.length, 'test image')} of ${count(test.predictions.length)}, the most certain error first,
              with the probability that the network gave its answer and the true class.${all}
            </p>
            ${await pictureGrid(shown, imageOf, classes)}`
    }
    ${
      // Few errors say little: the close calls show what the network finds hard.
      wrong.length < 12 &&
      html`<h3>Recognized, but least certain</h3>
        ${await pictureGrid(hardest, imageOf, classes)}`
    }
  </section>`;
}

function facts({ settings, timing, model, command }: Report): Html {
  return html`<section>
    <div class="columns">
      <div>
        <h2>Settings</h2>
        ${rows(settings)}
      </div>
      <div>
        <h2>Timing</h2>
        ${rows(timing)}
      </div>
    </div>
    <h3>The model</h3>
    <pre>${model}</pre>
    <h3>The same run again</h3>
    <pre>${command}</pre>
  </section>`;
}

function rows(table: Readonly<Record<string, string | number>>): Html {
  const lines = Object.entries(table).map(
    ([name, value]) =>
      html`<tr>
        <th scope="row">${name}</th>
        <td>${value}</td>
      </tr>`,
  );
  return html`<table>
    <tbody>
      ${lines}
    </tbody>
  </table>`;
}
