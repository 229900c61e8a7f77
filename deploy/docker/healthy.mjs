// Exit code 0 if the address given answers 2xx within two seconds: the health check of our containers.
const answer = await fetch(process.argv[2], { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
