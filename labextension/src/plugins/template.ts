/** The notebook that a pipeline begins with. */

interface CellContent {
  cell_type: 'code' | 'markdown';
  id: string;
  metadata: Record<string, unknown>;
  source: string;
}

/** In the notebook format 4.5, for a kernel of Python. */
export function pipelineNotebook(name: string): Record<string, unknown> {
  const pipeline =
    name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'pipeline';
  const cells: CellContent[] = [
    markdown(
      'about',
      `# ${name}\n\nEach cell with \`%%step\` is a step. It reads the names it uses; what it makes stands after the arrow.`
    ),
    code('setup', `%load_ext mlstack_nb\n%pipeline name ${pipeline}`),
    code('parameters', 'rows = 1000', ['parameters']),
    code('imports', 'import random'),
    code('load', '%%step load -> numbers\nnumbers = [random.Random(index).random() for index in range(rows)]'),
    code(
      'summarize',
      '%%step summarize -> summary\nsummary = {"rows": len(numbers), "mean": sum(numbers) / len(numbers)}'
    ),
    code('report', "%%step report\nprint(f\"{summary['rows']} rows with a mean of {summary['mean']:.3f}\")")
  ];
  return {
    cells: cells.map(cell => (cell.cell_type === 'code' ? { ...cell, outputs: [], execution_count: null } : cell)),
    metadata: {
      kernelspec: { display_name: 'Python 3 (ipykernel)', language: 'python', name: 'python3' },
      language_info: { name: 'python' }
    },
    nbformat: 4,
    nbformat_minor: 5
  };
}

function markdown(id: string, source: string): CellContent {
  return { cell_type: 'markdown', id, metadata: {}, source };
}

function code(id: string, source: string, tags: string[] = []): CellContent {
  return { cell_type: 'code', id, metadata: tags.length > 0 ? { tags } : {}, source };
}
