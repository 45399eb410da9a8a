/** What went wrong with a call, and what to do about it. */

export class ApiError extends Error {
  constructor(
    readonly what: string,
    readonly hint: string,
    /** The HTTP status; 0 when no answer came. */
    readonly status: number
  ) {
    super(hint ? `${what} ${hint}` : what);
    this.name = 'ApiError';
  }

  /** Whether the server has no such routes at all, so that asking again is of no use. */
  get isMissing(): boolean {
    return this.status === 404 && this.what === MISSING;
  }

  /** Whether no answer came at all: what was known before may no longer be so. */
  get isUnreachable(): boolean {
    return this.status === 0 && this.what === UNREACHABLE;
  }

  static unreachable(): ApiError {
    return new ApiError(UNREACHABLE, 'Check that it is running.', 0);
  }
}

const UNREACHABLE = 'The Jupyter server does not answer.';

const MISSING = 'The Jupyter server has no mlstack_nb.';
const ENABLE = 'Install mlstack-nb where the server runs, then start the server again.';

/** The error that a response with this status and text stands for. */
export function problemIn(status: number, text: string): ApiError {
  const found = said(text);
  if (typeof found?.what === 'string') {
    return new ApiError(found.what, typeof found.hint === 'string' ? found.hint : '', status);
  }
  if (status === 404) {
    return new ApiError(MISSING, ENABLE, status);
  }
  if (status === 401 || status === 403) {
    return new ApiError('The Jupyter server does not let you do that.', 'Log in again.', status);
  }
  const message = typeof found?.message === 'string' && found.message ? `: ${found.message}` : '';
  return new ApiError(`The Jupyter server answered ${status}${message}.`, 'Its log says more.', status);
}

/** Any thrown value as something to show. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError(String(error), '', 0);
}

function said(text: string): Record<string, unknown> | null {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
