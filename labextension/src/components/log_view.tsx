/** What a step has printed; while it runs, the end stays in sight unless the reader has scrolled up. */
import React, { useLayoutEffect, useMemo, useRef } from 'react';

import { counted } from './formatters';

const SHOWN = 200_000;
// eslint-disable-next-line no-control-regex
const COLOURS = /\u001b\[[0-9;?]*[A-Za-z]/g;

/** Without colour codes, with the last state of lines that were written over, and only the end of what is long. */
export function readable(text: string): { text: string; hidden: number } {
  const plain = text
    .replace(COLOURS, '')
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map(line => line.slice(line.lastIndexOf('\r', line.length - 2) + 1).replace(/\r$/, ''))
    .join('\n');
  const hidden = Math.max(plain.length - SHOWN, 0);
  return { text: plain.slice(hidden), hidden };
}

export function LogView(props: { text: string; label: string }): JSX.Element {
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  const shown = useMemo(() => readable(props.text), [props.text]);
  useLayoutEffect(() => {
    if (box.current && isAtEnd.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [shown.text]);
  if (props.text === '') {
    return <p className="mlstack-empty">Nothing was printed.</p>;
  }
  return (
    <>
      {shown.hidden > 0 && (
        <p className="mlstack-empty">{`${counted(shown.hidden, 'character')} before this are not shown.`}</p>
      )}
      <pre
        ref={box}
        className="mlstack-log"
        tabIndex={0}
        role="log"
        aria-label={props.label}
        onScroll={event => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          isAtEnd.current = scrollTop + clientHeight > scrollHeight - 8;
        }}
      >
        {shown.text}
      </pre>
    </>
  );
}
