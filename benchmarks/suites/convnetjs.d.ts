declare module 'convnetjs' {
  interface Vol {
    w: Float64Array;
  }
  const convnetjs: {
    Net: new () => { makeLayers(layers: object[]): void };
    Vol: new (sx: number, sy: number, depth: number, value: number) => Vol;
    Trainer: new (net: object, options: object) => { train(x: Vol, label: number): void };
  };
  export default convnetjs;
}
