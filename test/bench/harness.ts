/** The value of each figure, by its name, as one round measured it. */
export type Sample<Name extends string = string> = Readonly<Record<Name, number>>;

/** One of the things that are compared, ready to be measured again and again. */
export interface Contender<Name extends string = string> {
  readonly name: string;
  measure(): Promise<Sample<Name>>;
}

/** A figure of a comparison: its name in the samples, in words, and its unit. */
export interface FigureKind<Name extends string = string> {
  readonly name: Name;
  readonly words: string;
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  /** The contender that the ratios are to. Default the first. */
  readonly baseline?: string;
}

/** Contenders that do the same job in the same run. */
export interface Comparison<Name extends string = string> {
  readonly title: string;
  readonly figures: readonly FigureKind<Name>[];
  readonly contenders: readonly Contender<Name>[];
  /** Where its figures stand in a plot of several comparisons, which differ by one number alone. */
  readonly plot?: { readonly subject: string; readonly at: number };
  /** Each measurement starts its own processes and warms them up: none has to be made for that. */
  readonly startsAfresh?: boolean;
}

export interface Limits {
  /** Rounds that count, at most. One more goes before them, for the compiler and the sockets, and is dropped. */
  readonly rounds: number;
  /** No round but the first is begun after so many ms in all. */
  readonly limitMs: number;
  readonly now?: () => number;
}

/** The middle of some values, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

/** What one contender reached in one figure. */
export interface Row {
  readonly contender: string;
  readonly value: Spread;
  /** To the baseline, round by round; undefined for the baseline itself. */
  readonly ratio: Spread | undefined;
}

/** One figure of one comparison. */
export interface Result {
  readonly comparison: string;
  readonly kind: FigureKind;
  readonly plot?: Comparison['plot'];
  readonly rounds: number;
  readonly rows: readonly Row[];
}

/**
 * Measures all contenders in turn, round after round. Every second round goes backwards, so that a machine which
 * becomes steadily slower favours nobody.
 * @throws RangeError when a figure names a baseline that is not there
 */
export async function compare(
  { title, figures, contenders, plot, startsAfresh = false }: Comparison,
  { rounds, limitMs, now = () => performance.now() }: Limits,
): Promise<readonly Result[]> {
  const startedAt = now();
  if (!startsAfresh) for (const contender of contenders) await contender.measure();
  const samples = await interleave(contenders, rounds, () => now() - startedAt < limitMs);
  return figures.map((kind) => {
    const valuesOf = (index: number) =>
      (samples[index] ?? []).map((sample) => sample[kind.name] ?? Number.NaN);
    const baseline = contenders.findIndex(({ name }) => name === (kind.baseline ?? name));
    if (baseline < 0) throw new RangeError(`${title}: nobody is called "${kind.baseline}"`);
    const rows = contenders.map(({ name: contender }, index): Row => {
      const values = valuesOf(index);
      const ratio = index === baseline ? undefined : spreadOf(ratiosOf(values, valuesOf(baseline)));
      return { contender, value: spreadOf(values), ratio };
    });
    return { comparison: title, kind, ...(plot && { plot }), rounds: valuesOf(baseline).length, rows };
  });
}

/** The samples of each contender, in the order of the contenders, one for each round. */
async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  isThereTime: () => boolean,
): Promise<readonly (readonly Sample[])[]> {
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round < rounds && (round === 0 || isThereTime()); round++) {
    const turns = [...contenders.entries()];
    if (round % 2 === 1) turns.reverse();
    for (const [index, contender] of turns) samples[index]?.push(await contender.measure());
  }
  return samples;
}

/** Pairs the values of each round, since what slows a machine down slows both of them. */
export function ratiosOf(values: readonly number[], baseline: readonly number[]): readonly number[] {
  return values.map((value, round) => value / (baseline[round] ?? Number.NaN));
}

/** @throws RangeError when there is no value */
export function spreadOf(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), lowest: Math.min(...values), highest: Math.max(...values) };
}

/**
 * The value below which a share of the values lies; between two of them, in proportion.
 * @throws RangeError when there is no value
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new RangeError('no values');
  return below + (above - below) * (place - Math.floor(place));
}
