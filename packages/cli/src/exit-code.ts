/** How a command ends, as its exit code says it. */
export const ExitCode = {
  done: 0,
  failed: 1,
  /** The command line itself was wrong; nothing was tried. */
  usage: 2,
  /** The work is done, except for some rows. */
  partly: 3,
  /** Ctrl-C. */
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
