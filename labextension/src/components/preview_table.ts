/** The text of an HTML table: what is in it is taken as text, so nothing of it can run. */

export interface TableText {
  caption: string;
  head: string[];
  rows: string[][];
}

const MOST_ROWS = 50;
const MOST_COLUMNS = 60;
const LONGEST = 200;

/** Null where there is no table. */
export function tableIn(html: string): TableText | null {
  const page = new DOMParser().parseFromString(html, 'text/html');
  const table = page.querySelector('table');
  if (table === null) {
    return null;
  }
  const lines = [...table.querySelectorAll('tr')].slice(0, MOST_ROWS).map(row => ({
    isHead: row.querySelector('td') === null,
    cells: [...row.querySelectorAll('th, td')]
      .slice(0, MOST_COLUMNS)
      .map(cell => (cell.textContent ?? '').slice(0, LONGEST))
  }));
  const head = lines[0]?.isHead ? lines[0].cells : [];
  return {
    caption: table.querySelector('caption')?.textContent ?? '',
    head,
    rows: lines.slice(head.length > 0 ? 1 : 0).map(line => line.cells)
  };
}
