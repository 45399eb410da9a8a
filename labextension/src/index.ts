/** The plugins, in no particular order. */
import cells from './plugins/cells';
import files from './plugins/files';
import lineage from './plugins/lineage';
import panel from './plugins/panel';
import services from './plugins/services';
import status from './plugins/status';

export default [...services, cells, status, lineage, panel, files];
