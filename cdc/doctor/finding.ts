/** Something that breaks the sync (`error`) or weakens it (`warning`): where, what, why, and the command that fixes it. */
export type Finding = {
  readonly level: 'error' | 'warning';
  readonly where: string;
  readonly what: string;
  readonly why: string;
  readonly fix: string;
};

/** Takes findings as they come. */
export type ReportFinding = (finding: Finding) => void;

/** A reason why a table cannot be carried that ends in the statement, or the line of the Plan, which changes that: what is wrong, and the statement. */
export function splitReason(reason: string): Pick<Finding, 'what' | 'fix'> | undefined {
  const [, what, fix] = /^(.*?)[:.] ((?:ALTER TABLE|DROP INDEX|CREATE UNIQUE INDEX|refers:) .*)$/s.exec(reason) ?? [];
  return what === undefined ? undefined : { what, fix: fix! };
}
