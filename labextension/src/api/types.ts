/** The JSON that the server part answers with. Names are those of the wire. */
import type { State } from '../components/states';

export type Kind = string;
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export interface StackSummary {
  name: string;
  active: boolean;
  components: Record<Kind, string>;
}

export interface Stacks {
  active: string;
  active_by: string;
  /** The folder of the workspace; events have it, too. */
  workspace?: string;
  stacks: StackSummary[];
}

export interface ComponentInStack {
  flavor: string;
  name: string;
  configuration: Record<string, Json>;
}

export interface Stack {
  name: string;
  active: boolean;
  components: Record<Kind, ComponentInStack>;
}

export interface ComponentHealth {
  kind: Kind;
  name: string;
  flavor: string;
  ok: boolean;
  what: string;
  hint: string;
  seconds: number;
}

export interface Health {
  stack: string;
  components: ComponentHealth[];
}

export interface Flavor {
  kind: Kind;
  flavor: string;
  summary: string;
  installed: boolean;
  install: string;
  schema: Record<string, Json>;
}

export interface Component {
  kind: Kind;
  name: string;
  flavor: string;
  configuration: Record<string, Json>;
}

export interface Problem {
  what: string;
  hint: string;
}

export interface GraphOutput {
  name: string;
  artifact?: string;
  type?: string;
  size_bytes?: number;
}

export interface GraphNode {
  name: string;
  label: string;
  cell_index: number | null;
  cell_id: string | null;
  state: State;
  stale: boolean;
  /** Parameters, as text, that it had when it ran last and that are others in the notebook now. */
  ran_with?: Record<string, string>;
  duration_s: number | null;
  saved_s: number | null;
  outputs: GraphOutput[];
  parameters: Record<string, Json>;
  run_id: string | null;
}

export interface GraphEdge {
  source: string;
  target: string;
  outputs: string[];
}

export interface PipelineParameter {
  name: string;
  value: Json;
  type: string;
  annotation: string;
  comment: string;
  label: string;
}

export interface Graph {
  pipeline: string;
  path: string;
  notices: string[];
  error: Problem | null;
  parameters: PipelineParameter[];
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface Finding {
  rule: string;
  cell: string;
  line: number;
  message: string;
  fix: string | null;
}

export interface RunRequest {
  target: string;
  parameters?: Record<string, Json>;
  stack?: string;
  first?: string;
  only?: string;
  until?: string;
  use_cache?: boolean;
  whole?: boolean;
  fail_fast?: boolean;
}

export interface ScheduleRequest {
  target: string;
  cron?: string;
  every?: string;
  tz?: string;
  parameters?: Record<string, Json>;
  stack?: string;
  name?: string;
  overlap?: string;
  catch_up?: string;
  grace?: string;
}

export interface SchedulePreview {
  words: string;
  next: string[];
}

/** As `mlstack ... --json` prints it; readers look for what they need. */
export type Row = Record<string, Json>;
