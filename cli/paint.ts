import { styleText } from 'node:util';

/** What a piece of text means; a terminal shows it as a colour. */
export type Tone = 'title' | 'good' | 'bad' | 'care' | 'quiet';
export type Paint = (tone: Tone, text: string) => string;

const FORMATS = { title: 'bold', good: 'green', bad: 'red', care: 'yellow', quiet: 'dim' } as const;

/** No colours: for files, pipes and tests. */
export const plain: Paint = (_, text) => text;

/** Colours if the stream is a terminal and NO_COLOR is not set. */
export const paintFor = (stream: NodeJS.WriteStream): Paint =>
  stream.isTTY && !process.env.NO_COLOR
    ? (tone, text) => styleText(FORMATS[tone], text, { validateStream: false })
    : plain;
