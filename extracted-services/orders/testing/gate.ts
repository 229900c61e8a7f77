import { request } from 'node:http';
import { listen } from '../http/listen.ts';

/** What the gate does with a request: lets it pass, loses or keeps back its answer, or breaks before it arrives. */
export type Fate = 'pass' | 'lose-answer' | 'keep-answer' | 'break';

/** A network that fails on command between the service and the monolith. */
export interface Gate {
  url: string;
  /** Decides the fate of every request from now on. */
  decide(fate: (path: string) => Fate): void;
  /** Resolves when an answer has been lost or kept back since: the monolith has done what it was asked. */
  answered(): Promise<void>;
  stop(): Promise<void>;
}

export const startGate = async (target: string): Promise<Gate> => {
  let fateOf: (path: string) => Fate = () => 'pass';
  let answer = Promise.withResolvers<void>();
  const { url, stop } = await listen(
    (incoming, outgoing) => {
      const fate = fateOf(incoming.url!);
      if (fate === 'break') return void incoming.socket.destroy();
      const { method, headers } = incoming;
      const onward = request(new URL(incoming.url!, target), { method: method!, headers }, (reply) => {
        if (fate === 'pass') {
          outgoing.writeHead(reply.statusCode!, reply.headers);
          return void reply.pipe(outgoing);
        }
        reply.resume().once('end', () => {
          answer.resolve();
          if (fate === 'lose-answer') incoming.socket.destroy();
        });
      });
      onward.once('error', () => incoming.socket.destroy());
      incoming.pipe(onward);
    },
    0,
    '127.0.0.1',
  );
  return {
    url,
    decide: (fate) => {
      fateOf = fate;
      answer = Promise.withResolvers();
    },
    answered: () => answer.promise,
    stop,
  };
};
