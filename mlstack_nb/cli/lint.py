"""`mlstack lint`: what will not travel, not come out the same twice, or not be cached rightly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlstack_nb.app.workspace import Workspace
from mlstack_nb.cli.output import json_option, print_json
from mlstack_nb.errors import UsageError

if TYPE_CHECKING:
    from mlstack_nb.app.lint.linting import Linted

_several = "An id, the beginning of one, or a name; several with commas."


@click.command()
@click.argument("targets", nargs=-1, metavar="TARGET...")
@click.option("--select", multiple=True, metavar="RULES", help=f"Only these rules. {_several}")
@click.option("--ignore", multiple=True, metavar="RULES", help="All but these rules.")
@click.option("--fix", is_flag=True, help="Mend what is safe to mend, in the files.")
@click.option("--rules", is_flag=True, help="Print the rules, and check nothing.")
@json_option
def lint(
    *, targets: tuple[str, ...], select: tuple[str, ...], ignore: tuple[str, ...], fix: bool, rules: bool, as_json: bool
) -> int:
    """Check notebooks and Python files, each a TARGET; nothing of them is executed.

    The exit code is 1 when something is found and not mended. A comment `# noqa: MLS201` switches a rule off for its
    line.

    \b
    Example: mlstack lint train.ipynb
             mlstack lint train.ipynb steps.py --select MLS1,MLS2 --fix
    """  # noqa: D301 - click reads the \b
    from mlstack_nb.app.lint import linting

    if rules:
        _print_rules(_words(select), _words(ignore), as_json=as_json)
        return 0
    if not targets:
        raise UsageError("No file is given.", "Name a notebook or a Python file: mlstack lint train.ipynb")
    workspace = Workspace.find() if fix else None
    done = linting.lint(targets, select=_words(select), ignore=_words(ignore), fix=fix, workspace=workspace)
    count = sum(len(one.findings) for one in done)
    if as_json:
        print_json({"files": [one.to_json() for one in done], "count": count})
    else:
        for one in done:
            _print(one)
        click.echo(_summary(done))
    return 1 if count else 0


def _words(given: tuple[str, ...]) -> list[str]:
    return [word for one in given for word in one.replace(",", " ").split()]


def _print(linted: Linted) -> None:
    for one in linted.fixed:
        click.echo(f"{_where(linted.path, one.where)}: {click.style('mended', fg='green')} {one.rule} {one.message}")
    for one in linted.findings:
        click.echo(f"{_where(linted.path, one.where)}: {click.style(one.rule, fg='red')} {one.message}")
        click.echo(f"  -> {one.hint}")


def _where(path: str, place: str) -> str:
    return ": ".join(filter(None, (click.style(path, bold=True), place)))


def _summary(done: list[Linted]) -> str:
    found, fixed = sum(len(one.findings) for one in done), sum(len(one.fixed) for one in done)
    fixable = sum(1 for linted in done for one in linted.findings if one.edits)
    told = "Nothing found" if not found else "1 finding" if found == 1 else f"{found} findings"
    more = f"; --fix mends {fixable} of them" if fixable and not fixed else ""
    return f"{told}{f', {fixed} mended' if fixed else ''}{more}."


def _print_rules(select: list[str], ignore: list[str], *, as_json: bool) -> None:
    from mlstack_nb.source.lint.rules import RULES, chosen

    wanted = chosen(select, ignore)
    known = [rule for rule in RULES.values() if rule.id in wanted]
    if as_json:
        print_json([rule.to_json() for rule in known])
        return
    for rule in known:
        click.echo(
            f"{click.style(rule.id, bold=True)} {rule.name} ({rule.family}{', --fix' if rule.is_fixable else ''})"
        )
        click.echo(f"  finds {rule.finds}\n  {rule.why}\n  -> {rule.fix}")
