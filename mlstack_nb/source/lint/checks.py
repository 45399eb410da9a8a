"""Every rule that looks at the code of one step, and the comments that switch rules off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mlstack_nb.source.lint.data_files import undeclared_data
from mlstack_nb.source.lint.findings import Finding
from mlstack_nb.source.lint.heavy import heavy_preludes
from mlstack_nb.source.lint.machine_paths import machine_paths
from mlstack_nb.source.lint.outside import network_reads, wall_clock
from mlstack_nb.source.lint.passages import StepCode
from mlstack_nb.source.lint.randomness import unseeded_randomness
from mlstack_nb.source.lint.rules import matches
from mlstack_nb.source.lint.usage import Usage
from mlstack_nb.source.lint.usage_walk import usage_of
from mlstack_nb.source.lint.vendors import vendor_addresses, vendor_sdks, vendor_settings

_NOQA = re.compile(r"#\s*noqa(?P<codes>\s*:\s*[A-Za-z][\w-]*(?:[\s,]+[A-Za-z]+\d+)*)?", re.IGNORECASE)

CHECKS: Mapping[str, Callable[[Usage], Iterator[Finding]]] = {
    "MLS101": vendor_sdks,
    "MLS102": vendor_settings,
    "MLS103": machine_paths,
    "MLS104": vendor_addresses,
    "MLS201": unseeded_randomness,
    "MLS202": wall_clock,
    "MLS203": network_reads,
    "MLS301": undeclared_data,
    "MLS302": heavy_preludes,
}


def check_code(code: StepCode) -> Iterator[Finding]:
    """What the rules find in the code of a step."""
    usage = usage_of(code)
    for check in CHECKS.values():
        for finding in check(usage):
            yield replace(finding, steps=() if code.is_whole else (code.name,))


def is_silenced(finding: Finding, text: str) -> bool:
    """Whether a comment `# noqa` or `# noqa: MLS201` on one of its lines says so. `text` is all of the cell or file."""
    lines = text.splitlines()
    last = max(finding.line, finding.last_line)
    return any(_silences(line, finding.rule) for line in lines[max(finding.line - 1, 0) : last])


def _silences(line: str, rule: str) -> bool:
    for found in _NOQA.finditer(line):
        codes = found["codes"]
        if codes is None or any(matches(word, rule) for word in re.split(r"[\s,]+", codes.lstrip(" :"))):
            return True
    return False
