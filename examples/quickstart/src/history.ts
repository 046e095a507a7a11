/** What a run has measured so far: what the report draws, and what a checkpoint keeps. Plain JSON. */
export interface History {
  /** The loss of each training step, in order. */
  readonly steps: number[];
  readonly epochs: EpochRecord[];
}

export interface EpochRecord {
  /** From 1 up. */
  readonly epoch: number;
  /** The learning rate of the epoch's last step. */
  readonly lr: number;
  /** Mean over the epoch, while the weights were changing. */
  readonly train: Score;
  /** With the weights at the end of the epoch. */
  readonly validation: Score;
  /** Time spent on training, without validation. */
  readonly seconds: number;
  /** Median time of a training step with its images, in ms: what else the machine does moves it less than the sum. */
  readonly msPerStep: number;
}

export interface Score {
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Share of correct answers, 0 to 1. */
  readonly accuracy: number;
}

/** One test image and what the network makes of it. */
export interface Prediction {
  /** Which image of the data set it is. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** What the network gives the predicted class, 0 to 1. */
  readonly probability: number;
  /** What it gives the true class. */
  readonly labelProbability: number;
}
