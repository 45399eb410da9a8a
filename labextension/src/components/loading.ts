/** Data that has to be fetched, as React state: the last answer to the last question. */
import { useCallback, useEffect, useState } from 'react';

export interface Trouble {
  what: string;
  hint: string;
}

export interface Loaded<T> {
  /** Stays while the same question is asked again; null before the first answer. */
  value: T | null;
  trouble: Trouble | null;
  isLoading: boolean;
  again: () => void;
}

/** Asks when `key` changes, and on `again`; an answer that comes after the next question is dropped. */
export function useLoaded<T>(key: string, ask: () => Promise<T>): Loaded<T> {
  const [answer, setAnswer] = useState<{ key: string; value: T | null; trouble: Trouble | null } | null>(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    ask().then(
      value => isCurrent && setAnswer({ key, value, trouble: null }),
      error =>
        isCurrent &&
        setAnswer(last => ({ key, value: last?.key === key ? last.value : null, trouble: troubleOf(error) }))
    );
    return () => {
      isCurrent = false;
    };
  }, [key, turn]);
  const again = useCallback(() => setTurn(last => last + 1), []);
  const known = answer?.key === key ? answer : null;
  return { value: known?.value ?? null, trouble: known?.trouble ?? null, isLoading: known === null, again };
}

/** Any thrown value as what happened and what to do. */
export function troubleOf(error: unknown): Trouble {
  const { what, hint, message } = (error ?? {}) as { what?: unknown; hint?: unknown; message?: unknown };
  if (typeof what === 'string') {
    return { what, hint: typeof hint === 'string' ? hint : '' };
  }
  return { what: typeof message === 'string' ? message : String(error), hint: '' };
}
