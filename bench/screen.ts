/** Progress, for the person watching; figures alone go to standard output. */
export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};
