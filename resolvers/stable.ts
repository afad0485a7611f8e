/**
 * What follows from an object alone, whoever asks and whenever: it is written once for as long as the object is kept (doors/compiled/text.ts).
 * A field that depends on the caller, on the time or on anything that can change does not belong here.
 */

/** A work request as it was observed once; `errors` and `logs` are asked for, and what can be canceled is a matter of the caller. */
const unstable: ReadonlySet<string> = new Set(['errors', 'logs', 'canCancel']);

const types: ReadonlySet<string> = new Set(['WorkRequest', 'WorkRequestResource', 'Service']);

export const stability = {
  types: new Set(['WorkRequest']),
  isStable: (typeName: string, fieldName: string): boolean =>
    types.has(typeName) && !(typeName === 'WorkRequest' && unstable.has(fieldName)),
} as const;
