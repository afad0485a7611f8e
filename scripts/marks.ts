/** The part of a document that is written by a script, between two marks. */
export interface Marks {
  /** For the error that says that they are missing. */
  readonly file: string;
  readonly begin: string;
  readonly end: string;
}

export function fillBetween(document: string, { file, begin, end }: Marks, text: string): string {
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) throw new Error(`${file} lacks the marks ${begin} and ${end}`);
  return `${document.slice(0, from)}${begin}\n\n${text}\n${document.slice(to)}`;
}
