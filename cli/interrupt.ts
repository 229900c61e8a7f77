/** A signal that is aborted by Ctrl-C or SIGTERM, and the function that gives both back their usual meaning. */
export function onInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  process.on('SIGINT', abort).on('SIGTERM', abort);
  return { signal: controller.signal, release: () => process.off('SIGINT', abort).off('SIGTERM', abort) };
}
