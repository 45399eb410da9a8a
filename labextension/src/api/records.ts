/** Runs, artifacts and schedules as `mlstack ... --json` has them; only what is shown is named. */
import type { State } from '../components/states';
import type { Json } from './types';

export interface RunSummary {
  id: string;
  pipeline: string;
  stack: string;
  mode: string;
  state: State;
  started_at: string | null;
  ended_at: string | null;
  duration_s: number | null;
  step_counts: Partial<Record<State, number>>;
}

export interface Failure {
  type: string;
  message: string;
  traceback?: string;
}

export interface StepRecord {
  step: string;
  state: State;
  started_at: string | null;
  duration_s: number | null;
  saved_s: number | null;
  attempt: number;
  parameters: Record<string, string>;
  outputs: Record<string, { name: string; type: string; size_bytes: number | null }>;
  failure: Failure | null;
  reason: string | null;
}

export interface RunRecord extends RunSummary {
  parameters: Record<string, Json>;
  steps: StepRecord[];
  /** Why a run failed that has no steps. */
  failure?: Failure | { what: string; hint: string } | null;
}

export interface ArtifactVersion {
  version: number;
  created_at: string;
  run_id?: string;
  size_bytes?: number | null;
}

export interface ArtifactUse {
  run: string;
  pipeline: string;
  step: string;
  output?: string;
  input?: string;
  state?: State;
}

export interface ArtifactRecord {
  name: string;
  version: number;
  type: string;
  kind: string;
  size_bytes: number | null;
  digest: string;
  created_at: string;
  inline: string | null;
  metadata: Record<string, Json>;
  preview: Record<string, string> | null;
  made_by: ArtifactUse;
  read_by: ArtifactUse[];
  versions: ArtifactVersion[];
}

export interface Difference {
  kind: string;
  name: string;
  text: string;
  diff: string;
}

export interface RunDifferences {
  before: string;
  after: string;
  general: Difference[];
  steps: Record<string, Difference[]>;
}

export interface ScheduleRecord {
  name: string;
  target: string;
  stack: string | null;
  cron: string | null;
  zone: string;
  words: string;
  next: string[];
  paused_at: string | null;
  last: { state: State; run_id?: string | null; moment?: string } | null;
  note: string;
}

export interface Schedules {
  /** The process that starts them; null when nobody does. */
  scheduler: { host: string; pid: number } | null;
  schedules: ScheduleRecord[];
}
