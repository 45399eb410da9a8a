/** One version of an artifact: preview, facts, metadata, versions, who made it and who reads it. */
import React, { useMemo } from 'react';

import type { ArtifactRecord, ArtifactUse } from '../api/records';
import { ago, bytes, json, moment, typeName } from './formatters';
import { Facts, StateMark } from './parts';
import { tableIn, TableText } from './preview_table';

export interface ArtifactViewProps {
  artifact: ArtifactRecord;
  onVersion: (version: number) => void;
  onRun: (run: string) => void;
  onStep: (step: string) => void;
}

export function ArtifactView(props: ArtifactViewProps): JSX.Element {
  const { artifact, onVersion } = props;
  const versions = artifact.versions ?? [];
  return (
    <section className="mlstack-artifact" aria-label={`Artifact ${artifact.name}`}>
      <div className="mlstack-line">
        <span className="mlstack-badge">{typeName(artifact.type)}</span>
        <label className="mlstack-version">
          <span className="mlstack-unseen">Version</span>
          <select value={artifact.version} onChange={event => onVersion(Number(event.target.value))}>
            {(versions.length > 0 ? versions : [artifact]).map(one => (
              <option key={one.version} value={one.version}>
                {`version ${one.version} · ${moment(one.created_at)}`}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Preview artifact={artifact} />
      <Facts
        facts={{
          Size: bytes(artifact.size_bytes),
          Made: <span title={moment(artifact.created_at)}>{ago(artifact.created_at)}</span>,
          By: <Use {...props} use={artifact.made_by} />,
          Digest: <code title={artifact.digest}>{artifact.digest.slice(0, 12)}</code>
        }}
      />
      <Readers {...props} />
      {Object.keys(artifact.metadata ?? {}).length > 0 && (
        <details className="mlstack-more">
          <summary>Metadata</summary>
          <pre>{json(artifact.metadata)}</pre>
        </details>
      )}
    </section>
  );
}

function Readers(props: ArtifactViewProps): JSX.Element {
  const { read_by: readers } = props.artifact;
  const latest = useMemo(() => {
    const byStep = new Map<string, ArtifactUse>();
    readers.forEach(use => byStep.has(use.step) || byStep.set(use.step, use));
    return [...byStep.values()];
  }, [readers]);
  return (
    <div className="mlstack-readers">
      <h4>Read by</h4>
      {latest.length === 0 && <p className="mlstack-empty">No step has read it.</p>}
      <ul>
        {latest.map(use => (
          <li key={use.step}>
            <Use {...props} use={use} />
            {use.state && <StateMark state={use.state} />}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Use(props: ArtifactViewProps & { use: ArtifactUse }): JSX.Element {
  const { use, onStep, onRun } = props;
  return (
    <span>
      <button type="button" className="mlstack-link" onClick={() => onStep(use.step)}>
        {use.step}
      </button>{' '}
      in{' '}
      <button type="button" className="mlstack-link" onClick={() => onRun(use.run)}>
        {use.run}
      </button>
    </span>
  );
}

function Preview(props: { artifact: ArtifactRecord }): JSX.Element {
  const { preview, inline, name } = props.artifact;
  const html = preview?.['text/html'];
  const table = useMemo(() => (html ? tableIn(html) : null), [html]);
  const png = preview?.['image/png'];
  if (png && /^[A-Za-z0-9+/=\s]+$/.test(png)) {
    return (
      <img className="mlstack-picture" alt={preview?.['text/plain'] ?? name} src={`data:image/png;base64,${png}`} />
    );
  }
  if (table !== null) {
    return <TablePreview table={table} />;
  }
  if (inline !== null && inline !== undefined) {
    return <pre className="mlstack-preview">{pretty(inline)}</pre>;
  }
  const text = preview?.['text/plain'];
  return text ? (
    <pre className="mlstack-preview">{text}</pre>
  ) : (
    <p className="mlstack-empty">No preview of this type.</p>
  );
}

function TablePreview(props: { table: TableText }): JSX.Element {
  const { caption, head, rows } = props.table;
  return (
    <div className="mlstack-scrolled" tabIndex={0} role="region" aria-label={caption || 'Table'}>
      <table className="mlstack-data">
        {caption && <caption>{caption}</caption>}
        <thead>
          <tr>
            {head.map((cell, column) => (
              <th key={column} scope="col">
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** JSON with indents; any other text as it is. */
export function pretty(text: string): string {
  try {
    return json(JSON.parse(text));
  } catch {
    return text.slice(0, 20_000);
  }
}
