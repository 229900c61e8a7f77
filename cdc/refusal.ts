/** What was asked cannot be done, or not now; nothing has changed. Says why and what to do instead. */
export class Refusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Refusal';
  }
}
