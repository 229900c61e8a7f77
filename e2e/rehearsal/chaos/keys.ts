const CTRL_C = '\x03';

/** Listens to single keys of the terminal; Ctrl-C is `interrupt`. Gives its stop, safe to call twice. */
export function listenToKeys(pressed: (key: string) => void, interrupt: () => void): () => void {
  const { stdin } = process;
  const hear = (keys: string) => {
    for (const key of keys) key === CTRL_C ? interrupt() : pressed(key);
  };
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', hear);
  stdin.resume();
  return () => {
    stdin.off('data', hear);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
