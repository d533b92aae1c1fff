/**
 * A refusal as a thing to compare: whether a call and the `ping` after it were refused in the same way. What servers
 * say of a session that they lost has many words; that they say the same to both is the sign.
 */
export interface Refusal {
  /** Of HTTP; 200 where the refusal was a JSON-RPC error in a good answer. */
  readonly status: number;
  /** In words for a person, its status or its code included. */
  readonly words: string;
}

/** What differs from one refusal to the next though the reason is the same: ids, numbers, names, methods. */
const PARTICULARS =
  /"[^"]*"|'[^']*'|`[^`]*`|\b[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}\b|\b(?=[\w-]*\d)[\w-]{8,}|\b\w+\/[\w/]+|\bping\b|(?<![\w-])\d+/gi;

/** The same for every refusal of one kind, whatever request and whatever ids it names. */
export function refusalKind({ status, words }: Refusal): string {
  const code = /^\s*(-\d+):/.exec(words)?.[1] ?? '';
  return `${status} ${code} ${words.toLowerCase().replace(PARTICULARS, '').replace(/\W+/g, ' ').trim()}`;
}

export type Likeness = 'same' | 'alike' | 'different';

/**
 * Whether two requests were refused in the same way: `same` in the same words, `alike` by the same status in others.
 * Under 200 every error of a server has the same status, so that there only the words say anything.
 */
export function likeness(one: Refusal, other: Refusal): Likeness {
  if (one.status !== other.status) return 'different';
  if (refusalKind(one) === refusalKind(other)) return 'same';
  return one.status === 200 ? 'different' : 'alike';
}
