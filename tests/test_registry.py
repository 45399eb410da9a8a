"""The table of flavors: sorted, every row importable, or naming the pip line that makes it so."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path

import pytest

import mlstack_nb
from mlstack_nb import ports
from mlstack_nb.core.stack import MANDATORY, Kind
from mlstack_nb.errors import ConflictError, MissingPackageError, NotFoundError
from mlstack_nb.flavors import registry
from mlstack_nb.ports.component import StackComponent
from mlstack_nb.ports.configuration import Configuration, model_of
from mlstack_nb.ports.registry import FlavorRegistry

ROWS = list(registry().rows)


def ports_by_kind() -> dict[Kind, type[StackComponent]]:
    for module in pkgutil.iter_modules(ports.__path__):
        importlib.import_module(f"{ports.__name__}.{module.name}")
    return {port.kind: port for port in StackComponent.__subclasses__()}


def extras() -> set[str]:
    path = Path(mlstack_nb.__file__).parent.parent / "pyproject.toml"
    return set(tomllib.loads(path.read_text())["project"]["optional-dependencies"])


def test_rows_are_sorted_by_kind_and_flavor() -> None:
    assert sorted(ROWS) == ROWS


def test_every_mandatory_kind_has_a_local_flavor() -> None:
    assert [registry().flavors(kind) for kind in MANDATORY if "local" not in registry().flavors(kind)] == []


@pytest.mark.parametrize(("kind", "flavor"), ROWS)
def test_a_row_is_a_component_of_its_kind_or_names_its_pip_line(kind: Kind, flavor: str) -> None:
    row = registry().row(kind, flavor)
    assert row.summary
    assert not row.extra or row.extra in extras()
    try:
        found = registry().load(kind, flavor)
    except MissingPackageError as error:
        assert f'pip install "mlstack-nb[{row.extra}]"' in error.hint  # noqa: PT017 (either is right)
        return
    assert issubclass(found, ports_by_kind()[kind])
    assert not inspect.isabstract(found)
    assert issubclass(model_of(found.Config), Configuration)


def test_a_flavor_whose_package_is_missing_names_the_pip_line() -> None:
    table = FlavorRegistry()
    table.register(Kind.MODEL_DEPLOYER, "far", "mlstack_nb_no_such_package.far:Far", extra="far")
    with pytest.raises(MissingPackageError) as caught:
        table.load(Kind.MODEL_DEPLOYER, "far")
    assert "'mlstack_nb_no_such_package'" in caught.value.what
    assert caught.value.hint == 'Run: pip install "mlstack-nb[far]"'


def test_an_unknown_flavor_offers_the_nearest() -> None:
    with pytest.raises(NotFoundError) as caught:
        registry().row(Kind.EXPERIMENT_TRACKER, "mlfow")
    assert caught.value.what == "No experiment_tracker flavor is called 'mlfow'."
    assert caught.value.hint == "Did you mean 'mlflow'?"


def test_an_unknown_flavor_that_is_near_nothing_lists_the_known_ones() -> None:
    with pytest.raises(NotFoundError) as caught:
        registry().row(Kind.EXPERIMENT_TRACKER, "zzz")
    assert caught.value.hint == "Known flavors: mlflow."


def test_a_flavor_can_not_be_given_a_second_meaning() -> None:
    table = FlavorRegistry()
    table.register(Kind.ORCHESTRATOR, "local", "a:A")
    table.register(Kind.ORCHESTRATOR, "local", "a:A")
    with pytest.raises(ConflictError):
        table.register(Kind.ORCHESTRATOR, "local", "b:B")


def test_packages_outside_add_flavors_by_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "outside_flavor.py").write_text("class Near:\n    pass\n")
    metadata = tmp_path / "outside_flavor-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-flavor\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[mlstack_nb.flavors]\nmodel_deployer.near = outside_flavor:Near\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    table = FlavorRegistry()
    assert table.flavors(Kind.MODEL_DEPLOYER) == ["near"]
    assert table.load(Kind.MODEL_DEPLOYER, "near").__name__ == "Near"
