from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import mlstack_nb
from mlstack_nb.cli import main, output
from mlstack_nb.cli.groups import LazyGroup

HEAVY = {"IPython", "alembic", "asyncio", "pandas", "pydantic", "sqlalchemy", "yaml"}
COMMAND = [sys.executable, "-c", "from mlstack_nb.cli.main import main; main()"]
REPORT = """
import json, sys, time
from mlstack_nb.cli.main import run
run(sys.argv[1:])
print(json.dumps([time.process_time(), sorted(sys.modules)]), file=sys.stderr)
"""


def mlstack(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], check=False, capture_output=True, text=True, **options)


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    found = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = every_command(command, (*path, name)) if isinstance(command, click.Group) else []
        found += [((*path, name), command), *inner]
    return found


@pytest.mark.parametrize("words", [("--help",), ("stack", "--help"), ("component", "register", "--help")])
def test_help_is_cheap_and_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    # the budget is 150 ms; twice that here, because the machine that tests may be slow or busy
    def measured() -> tuple[float, set[str]]:
        done = subprocess.run([sys.executable, "-c", REPORT, *words], check=True, capture_output=True, text=True)
        seconds, modules = json.loads(done.stderr)
        return seconds, set(modules)

    several = [measured() for _ in range(3)]
    assert several[0][1] & HEAVY == set()
    assert min(seconds for seconds, _ in several) < 0.300


def test_every_command_teaches_by_an_example() -> None:
    without = [
        path
        for path, command in every_command(main.root)
        if not isinstance(command, click.Group) and f"Example: mlstack {' '.join(path)}" not in (command.help or "")
    ]
    assert without == []


def test_every_group_shows_examples() -> None:
    groups = [main.root, *(command for _, command in every_command(main.root) if isinstance(command, click.Group))]
    assert [group.name for group in groups if "Examples:" not in (group.epilog or "")] == []


def test_every_listing_prints_json() -> None:
    listings = {"list", "describe", "get", "show", "steps", "versions", "flavors", "doctor"}
    commands = {path: command for path, command in every_command(main.root) if path[-1] in listings}
    assert [p for p, command in commands.items() if all(o.name != "as_json" for o in command.params)] == []
    assert len(commands) >= 12


def test_the_table_of_commands_is_sorted_and_loads() -> None:
    assert list(main.COMMANDS) == sorted(main.COMMANDS)
    assert isinstance(main.root, LazyGroup)
    assert {path[0] for path, _ in every_command(main.root)} == set(main.COMMANDS)


def test_a_group_without_a_command_shows_its_help(mlstack: Any) -> None:
    done = mlstack("stack")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Usage: mlstack stack ")


def test_the_version_is_the_packages() -> None:
    assert mlstack("--version").stdout == f"mlstack-nb, version {mlstack_nb.__version__}\n"


@pytest.mark.parametrize(
    ("words", "what", "hint"),
    [
        (["stak"], "mlstack has no command 'stak'.", "Did you mean: mlstack stack"),
        (["stack", "lst"], "mlstack stack has no command 'lst'.", "Did you mean: mlstack stack list"),
        (["zzz"], "mlstack has no command 'zzz'.", "Run: mlstack --help"),
        (["stack", "list", "--jsn"], "mlstack stack list has no option --jsn.", "Did you mean --json?"),
        (["stack", "list", "--zzz"], "mlstack stack list has no option --zzz.", "Run: mlstack stack list --help"),
        (["stack", "set"], "Missing argument 'NAME'.", "Run: mlstack stack set --help"),
        (["runs", "list", "--limit", "0"], "Invalid value for '--limit': 0 is not in the range x>=1.", "Run: mlstack"),
        (["component", "list", "orchestra"], "No kind is called 'orchestra'.", "Did you mean 'orchestrator'?"),
    ],
)
def test_a_wrong_command_line_is_one_error_with_the_next_thing_to_type(
    mlstack: Any, words: list[str], what: str, hint: str
) -> None:
    done = mlstack(*words)
    first, second = done.err.splitlines()
    assert (first, done.out) == (f"Error: {what}", "")
    assert second.startswith(f"  -> {hint}")
    assert done.code == (1 if words[0] == "component" else 2)


def test_errors_reach_the_shell_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / ".mlstack").mkdir()
    done = mlstack("stack", "set", "defalt", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: No stack is called 'defalt'.\n  -> Did you mean 'default'?\n"


def test_a_file_that_can_not_be_written_is_an_error(mlstack: Any, workspace: Path) -> None:
    done = mlstack("stack", "export", "default", workspace / "absent" / "x.yaml")
    assert done.code == 1
    assert done.err.startswith("Error: No such file or directory: ")


def test_a_reader_that_leaves_early_gets_no_complaint(tmp_path: Path) -> None:
    (tmp_path / ".mlstack").mkdir()
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "stack", "list"], check=False, stdout=write, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_output_for_programs_has_no_colours(mlstack: Any, ran: Any) -> None:
    ran()
    assert "\x1b" not in mlstack("runs", "list").out


def on_a_terminal(*words: str, **environment: str) -> str:
    """What a command writes to a terminal."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen([*COMMAND, *words], stdout=theirs, env={**os.environ, "TERM": "xterm", **environment})
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 4096):
            written += chunk
    except OSError:
        pass  # Linux says so when the other end is closed
    os.close(ours)
    process.wait()
    return written.decode()


def test_states_are_coloured_on_a_terminal_unless_told_not_to(workspace: Path, ran: Any) -> None:
    ran()
    assert "\x1b[32mcompleted" in on_a_terminal("runs", "list")
    assert "\x1b" not in on_a_terminal("runs", "list", NO_COLOR="1")


def test_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table([{"a": "x", "b": 1}, {"a": "long", "b": None}], {"one": "a", "two": "b"}, empty="")
    assert capsys.readouterr().out == "ONE   TWO\nx     1\nlong\n"
