/** Where two values differ, one sentence for each place; empty where they are equal. */
export const differences = (official: unknown, ours: unknown, at = ''): readonly string[] => {
  if (Object.is(official, ours)) return [];
  if (isContainer(official) && isContainer(ours) && Array.isArray(official) === Array.isArray(ours)) {
    const keys = new Set([...Object.keys(official), ...Object.keys(ours)]);
    return [...keys].flatMap((key) =>
      differences(official[key], ours[key], at === '' ? key : `${at}.${key}`),
    );
  }
  return [`${at || 'answer'}: official ${show(official)}, ours ${show(ours)}`];
};

const isContainer = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const show = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};
