/** Values as short texts for people. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** One line of at most `length` characters, without characters that hide or reorder text. */
export function shortened(text: string, length: number): string {
  const line = [...text.slice(0, 4 * length + 80).replace(INVISIBLE, ' ')];
  const clean = line.join('').replace(/\s+/g, ' ').trim();
  const letters = [...clean];
  return letters.length <= length
    ? clean
    : `${letters
        .slice(0, length - 1)
        .join('')
        .trimEnd()}…`;
}

/** Seconds, as app/wording.py writes them: `4.2 ms`, `43 ms`, `1.2 s`, `2 min 5 s`, `1 h 3 min`; nothing for none. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) {
    return '';
  }
  if (seconds < 0.00995) {
    return `${(Math.max(seconds, 0) * 1000).toFixed(1)} ms`;
  }
  if (seconds < 0.9995) {
    return `${(seconds * 1000).toFixed(0)} ms`;
  }
  if (seconds < 59.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  const minutes = Math.round(seconds / 60);
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bytes, in steps of a thousand as in file browsers. */
export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined || !Number.isFinite(size)) {
    return '';
  }
  let [value, unit] = [size, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    [value, unit] = [value / 1000, unit + 1];
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** The last part of a dotted path of a type: `DataFrame` of `pandas.DataFrame`. */
export function typeName(dotted: string | null | undefined): string {
  return dotted?.split('.').pop() ?? '';
}

/** The last part of an artifact's name: `table` of `fraud-detection::load::table`. */
export function artifactLabel(name: string): string {
  return name.split('::').pop() || name;
}

/** A moment as local date and time, with the zone's offset left out when it is the reader's own. */
export function moment(iso: string | null | undefined): string {
  const date = new Date(iso ?? '');
  if (Number.isNaN(date.getTime())) {
    return '';
  }
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** How long ago, or in how long: `just now`, `5 min ago`, `in 2 h`. */
export function ago(iso: string | null | undefined, now: number = Date.now()): string {
  const then = new Date(iso ?? '').getTime();
  if (Number.isNaN(then)) {
    return '';
  }
  const seconds = Math.abs(now - then) / 1000;
  const [amount, unit] =
    seconds < 45
      ? [0, '']
      : seconds < 3570
        ? [Math.round(seconds / 60), 'min']
        : seconds < 84600
          ? [Math.round(seconds / 3600), 'h']
          : [Math.round(seconds / 86400), 'd'];
  return amount === 0 ? 'just now' : then > now ? `in ${amount} ${unit}` : `${amount} ${unit} ago`;
}

/** A count with its noun: `1 step`, `5 steps`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A value of any kind as indented JSON, cut where it gets too long to read. */
export function json(value: unknown, limit = 20_000): string {
  const text = JSON.stringify(value, null, 2) ?? String(value);
  return text.length <= limit ? text : `${text.slice(0, limit)}\n… ${counted(text.length - limit, 'more character')}`;
}
