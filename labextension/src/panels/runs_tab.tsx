/** The runs of this pipeline, and what was opened of them. */
import React from 'react';

import { Problem } from '../components/parts';
import { RunList } from '../components/run_list';
import { DetailView } from './details';
import type { TabProps } from './panel';

export function RunsTab(props: TabProps): JSX.Element {
  const { model } = props;
  const { detail } = model;
  return (
    <div className="mlstack-page">
      {model.runsError && <Problem trouble={model.runsError} onAgain={() => void model.refresh()} />}
      {detail ? (
        <DetailView {...props} detail={detail} />
      ) : (
        <RunList
          runs={model.runs}
          onOpen={run => model.open({ what: 'run', run })}
          onCompare={(before, after) => model.open({ what: 'diff', before, after })}
        />
      )}
    </div>
  );
}
