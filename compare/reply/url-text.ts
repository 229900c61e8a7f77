/** A part of a path, query or form as plain text; as it came if it is not encoded rightly. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}
