/** Gives equal things the same number, so that worlds compare, and results are found again, by a few short numbers. */
export class Interner {
  readonly #byText = new Map<string, number>();
  readonly #byObject = new WeakMap<object, number>();

  /** The number of a piece of plain data. */
  id(thing: object): number {
    const known = this.#byObject.get(thing);
    if (known !== undefined) return known;
    const text = JSON.stringify(thing);
    const id = this.#byText.get(text) ?? this.#byText.size;
    this.#byText.set(text, id);
    this.#byObject.set(thing, id);
    return id;
  }

  /** The numbers of several. */
  ids(things: readonly object[]): string {
    return things.map((thing) => this.id(thing)).join(' ');
  }
}
