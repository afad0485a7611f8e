/** Secrets that are like no other text, and where they turn up. */
import { randomBytes } from 'node:crypto';

export const createCanary = (name: string): string => `canary/${name}+${randomBytes(12).toString('hex')}`;

/** A secret as it is, and as it may be written where somebody thought that this hides it. */
export const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret);
  // The same bytes have three looks in base64, by where they begin; what depends on their neighbours is cut off.
  const base64 = [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return text.slice(Math.ceil((offset * 4) / 3), -2);
  });
  const forms = [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    bytes.toString('hex'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(forms)].map((form) => form.toLowerCase());
};

/** Which secrets stand in a text, by their names. */
export const findCanaries = (text: string, secrets: Readonly<Record<string, string>>): readonly string[] => {
  const lower = text.toLowerCase();
  return Object.entries(secrets)
    .filter(([, secret]) => formsOf(secret).some((form) => lower.includes(form)))
    .map(([name]) => name);
};
