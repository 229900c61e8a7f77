// Preloaded into a process whose clock shall be wrong by CLOCK_SKEW milliseconds.
const skew = Number(process.env.CLOCK_SKEW);
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) {
    if (given.length) super(...given);
    else super(Real.now() + skew);
  }

  static now() {
    return Real.now() + skew;
  }
};
