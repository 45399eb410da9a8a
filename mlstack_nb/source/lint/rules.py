"""The table of rules: the one place that says which there are. docs/lint.md has an example of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mlstack_nb.errors import UsageError, nearest

FAMILIES = MappingProxyType({"MLS1": "portability", "MLS2": "reproducibility", "MLS3": "caching", "MLS4": "structure"})


@dataclass(frozen=True, slots=True)
class Rule:
    """`finds` completes "This rule finds ..."; `why` and `fix` are sentences. `is_fixable`: `--fix` mends some."""

    id: str
    name: str
    finds: str
    why: str
    fix: str
    is_fixable: bool = False

    @property
    def family(self) -> str:
        return FAMILIES[self.id[:4]]

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "name": self.name,
            "family": self.family,
            "finds": self.finds,
            "why": self.why,
            "fix": self.fix,
            "is_fixable": self.is_fixable,
        }


_ALL = (
    Rule(
        "MLS101",
        "vendor-sdk",
        "a vendor's SDK used in a step: boto3, google.cloud, azure, s3fs and their like",
        "The step runs only where that vendor's service and credentials are; the stack is what says where things are.",
        "Give the data to the step as an input, or take it as an output: the stack's artifact store keeps it.",
    ),
    Rule(
        "MLS102",
        "vendor-setting",
        "an address or a credential of a service set in a step: mlflow.set_tracking_uri, os.environ['AWS_...']",
        "It wins over the stack, so the step goes to the same place on every stack.",
        "Configure a component of the stack, or name the variable with --env or --secret.",
    ),
    Rule(
        "MLS103",
        "machine-path",
        "a path that only one machine has: /home/..., C:\\..., ~/..., an absolute path given to a reader or writer",
        "On any other machine the file is not there.",
        "Make it a parameter, with a path that starts at the notebook's folder.",
        is_fixable=True,
    ),
    Rule(
        "MLS104",
        "vendor-address",
        "an address in a vendor's storage written into a step: s3://, gs://, abfss://, dbfs:/",
        "The step reads or writes there on every stack, and the cache does not see what is there.",
        "Put the address into a cell tagged parameters, or let a step give the data as its output.",
    ),
    Rule(
        "MLS201",
        "unseeded-randomness",
        "random numbers without a seed: numpy, random, torch, tensorflow, and scikit-learn without random_state",
        "Two runs of the same code give different results, so nobody can tell what an edit changed.",
        "Give a seed: random_state=0, default_rng(0), or a seed() call in the step.",
        is_fixable=True,
    ),
    Rule(
        "MLS202",
        "wall-clock",
        "the time of day read in a step: datetime.now, time.time, date.today; differences of two times are fine",
        "The cache does not see the clock: a step from the cache has the time of its first run.",
        "Make the time a parameter, or say how long a result is good: --expires 12h.",
    ),
    Rule(
        "MLS203",
        "network-read",
        "a read from the network or a database in a step: requests, urllib, pd.read_csv('https://...'), pd.read_sql",
        "The cache does not see what is out there: a step from the cache has what it read first.",
        "Say how long a result is good with --expires 12h, or name the version of the data with --salt.",
    ),
    Rule(
        "MLS301",
        "undeclared-data",
        "a file read by a path that is plain text, so no Path or DataFile parameter",
        "The cache counts the text and not the file: with other content the old result comes back.",
        "Write the path in an ordinary cell as Path('...') or as Annotated[str, DataFile()], or name it with --files.",
        is_fixable=True,
    ),
    Rule(
        "MLS302",
        "heavy-prelude",
        "an ordinary cell that travels with a step and reads data, fits, draws, or loops over data",
        "It is executed again for each step that needs it, and before the cache can be asked.",
        "Make the cell a step: its result is stored once.",
    ),
    Rule(
        "MLS401",
        "syntax-error",
        "a cell or file that is no Python",
        "It can not run, and what it may define is unknown.",
        "Correct it, or tag the cell skip.",
    ),
    Rule(
        "MLS402",
        "does-not-compile",
        "what makes the notebook no pipeline: steps that wait for each other, two of one name, wrong options or tags",
        "Nothing of it can run.",
        "Follow the message.",
    ),
    Rule(
        "MLS403",
        "hidden-state",
        "a name read before anything above gives it, or a step's output that an ordinary cell changes in place",
        "It works only in a kernel that happens to be in the right state.",
        "Move the definition above, or make the change in a step.",
    ),
    Rule(
        "MLS404",
        "missing-annotation",
        "an output of a %%step cell or a return value of a @step function that has no type",
        "A wrong value is not noticed where it is made, and readers of the pipeline can not tell what passes.",
        "Annotate it: table: pd.DataFrame = ..., or def load() -> pd.DataFrame.",
        is_fixable=True,
    ),
    Rule(
        "MLS405",
        "unused-output",
        "an output after -> that nothing reads, while others of the step are read",
        "It is stored and kept for each run, and makes the graph harder to read.",
        "Leave it out after ->, or name it as a result: Annotated[T, 'name'].",
        is_fixable=True,
    ),
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})


def chosen(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> frozenset[str]:
    """The ids that `select` names, all when it names none, less those that `ignore` names; both by id, prefix or name.

    Raises UsageError for what names no rule.
    """
    wanted = {rule for word in select for rule in _named(word)} or set(RULES)
    return frozenset(wanted - {rule for word in ignore for rule in _named(word)})


def _named(word: str) -> list[str]:
    found = [rule.id for rule in _ALL if matches(word, rule.id)]
    if not found:
        known = [*RULES, *(rule.name for rule in _ALL)]
        near = nearest(word.upper(), known) or nearest(word.lower(), known)
        raise UsageError(f"{word!r} names no rule.", f"Did you mean {near!r}?" if near else "Run: mlstack lint --rules")
    return found


def matches(word: str, rule: str) -> bool:
    """Whether a word that somebody wrote means that rule: by its id, the beginning of one, or its name."""
    upper = word.upper()
    return (len(upper) >= 3 and upper.startswith("MLS") and rule.startswith(upper)) or word == RULES[rule].name
