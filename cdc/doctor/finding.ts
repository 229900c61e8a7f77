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
