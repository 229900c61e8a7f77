const WIDE = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u;
const NOTHING = /\p{Mn}|\p{Me}|\p{Cf}/u;

/** Text that came from elsewhere, on one line and without anything a terminal would obey. */
export const inert = (text: string): string => text.replace(/\p{Cc}+/gu, ' ').replace(/\p{Cf}/gu, '');

/** Lines of which parts came from elsewhere. */
export const inertLines = (text: string): string => text.split('\n').map(inert).join('\n');

/** Prints lines of which parts came from elsewhere. */
export const print = (text: string): void => console.log(inertLines(text));

const columnsOf = (character: string): number => (NOTHING.test(character) ? 0 : WIDE.test(character) ? 2 : 1);

/** Columns a text without colours takes in a terminal. */
export const widthOf = (text: string): number => [...text].reduce((sum, character) => sum + columnsOf(character), 0);

/** At most so many columns; what is cut off is shown by `…`. */
export function clip(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 1;
  for (const character of text) {
    used += columnsOf(character);
    if (used > width) break;
    kept += character;
  }
  return `${kept.trimEnd()}…`;
}

/** Breaks a text between words into lines of at most so many columns. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line].map((one) => clip(one, width));
}

/** `1 request`, `2 requests`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
